import ActionModel
import EventModel

/// A trigger as the engine works with it. It never changes, and is shared, because it is looked at for every event.
final class TriggerPlan: Sendable {
    /// A condition whose leaves with state are numbered.
    indirect enum Node: Sendable {
        case all([Node])
        case any([Node])
        case not(Node)
        case leaf(Comparison)
        case state(Int)
    }

    /// A leaf with state.
    enum Machine: Sendable {
        case aggregate(Aggregate)
        case sequence(EventSequence)
        case absence(Absence)
    }

    struct Leaf: Sendable {
        let machine: Machine
        let slot: Int64
        let groupBy: [FieldPath]
        /// The first of the trigger's leaves with the same slot. Equal leaves share a state, which that one keeps.
        let first: Int
        /// Where the groups of the leaf are counted; nil when it has none.
        let censusKey: StateKey?

        /// When none of the groups counted there means anything any more.
        func end(of census: Census) -> Timestamp {
            let (end, isBeyond) = (census.stretch + 2).multipliedReportingOverflow(by: lasting)
            return Timestamp(microseconds: isBeyond ? .max : end)
        }

        /// How long a group means something without another event, in microseconds.
        var lasting: Int64 {
            switch machine {
            case .aggregate(let aggregate):
                if case .time(let span) = aggregate.window { span } else { Aggregate.spans.upperBound.microseconds }
            case .sequence(let sequence): sequence.within
            case .absence(let absence): absence.within
            }
        }
    }

    let trigger: Trigger
    /// Nil is true of every event.
    let root: Node?
    let leaves: [Leaf]
    /// The leaves that look at a vector.
    let similarities: [Comparison]
    let cooldownSlot: Int64

    var id: UniqueID { trigger.id }

    init(_ trigger: Trigger) {
        self.trigger = trigger
        var leaves: [Leaf] = []
        root = trigger.definition.condition.map { Self.node($0, trigger, &leaves) }
        self.leaves = leaves
        similarities = trigger.definition.condition?.similarities ?? []
        cooldownSlot = Self.slot(trigger, Array("cooldown".utf8))
    }

    private static func node(_ condition: TriggerCondition, _ trigger: Trigger, _ leaves: inout [Leaf]) -> Node {
        func add(_ machine: Machine, _ identity: [UInt8], _ groupBy: [FieldPath]) -> Node {
            let slot = slot(trigger, identity)
            leaves.append(
                Leaf(
                    machine: machine, slot: slot, groupBy: groupBy,
                    first: leaves.firstIndex { $0.slot == slot } ?? leaves.count,
                    censusKey: groupBy.isEmpty ? nil : StateKey(triggerID: trigger.id, slot: slot, group: [])))
            return .state(leaves.count - 1)
        }
        switch condition {
        case .all(let parts): return .all(parts.map { node($0, trigger, &leaves) })
        case .any(let parts): return .any(parts.map { node($0, trigger, &leaves) })
        case .not(let part): return .not(node(part, trigger, &leaves))
        case .leaf(let comparison): return .leaf(comparison)
        case .aggregate(let aggregate): return add(.aggregate(aggregate), aggregate.identity, aggregate.groupBy)
        case .sequence(let sequence): return add(.sequence(sequence), sequence.identity, sequence.groupBy)
        case .absence(let absence): return add(.absence(absence), absence.identity, absence.groupBy)
        }
    }

    /// A state depends on which events reach it, too.
    private static func slot(_ trigger: Trigger, _ identity: [UInt8]) -> Int64 {
        let types = Set(trigger.definition.eventTypes.map(\.description)).sorted().joined(separator: "\n")
        let text = Array((trigger.role.rawValue + "\n" + types + "\n").utf8)
        return Int64(bitPattern: StateIdentity.digest(identity, basis: StateIdentity.digest(text)))
    }

    /// What the index holds for the plan: what each entry says, and the condition.
    var conditions: [(owner: TriggerEngine.Hit.Says, condition: Condition?)] {
        var all: [(owner: TriggerEngine.Hit.Says, condition: Condition?)] = []
        for (index, leaf) in leaves.enumerated() where leaf.first == index {
            switch leaf.machine {
            case .aggregate(let aggregate): all.append((.feeds(index, 0), aggregate.filter))
            case .sequence(let sequence):
                for (step, condition) in sequence.steps.enumerated() { all.append((.feeds(index, step), condition)) }
            case .absence(let absence):
                all += [(.feeds(index, 0), absence.expect), (.feeds(index, 1), absence.after)]
            }
        }
        if case .absence = leaves.first?.machine { return all }
        all.append((.mayBeTrue, trigger.definition.condition?.relaxed()))
        return all
    }

    func key(_ leaf: Leaf, _ event: ParsedEvent) -> StateKey? {
        GroupKey.of(event, by: leaf.groupBy, gapsAllowed: false).map {
            StateKey(triggerID: id, slot: leaf.slot, group: $0)
        }
    }

    /// Counts the group of a key, whose state is at a place if there is one, at a moment; nil when the leaf has too
    /// many, else the stretch in which it was counted, 0 without groups.
    func admit(_ place: Int?, of leaf: Leaf, at now: Int64, in table: inout StateTable) -> Int64? {
        guard let censusKey = leaf.censusKey else { return 0 }
        let stretch = now / leaf.lasting
        let censusPlace = table.place(of: censusKey)
        let before = censusPlace.flatMap { table.census(at: $0) } ?? Census(stretch: stretch)
        let counted = place.flatMap { table.hasState(at: $0) ? table.stretch(at: $0) : nil }
        // Nearly always: the group was counted in this very stretch.
        if counted == stretch, before.stretch == stretch { return stretch }
        var census = before
        census.advance(to: stretch)
        let isAdmitted = census.admit(counted)
        if !isAdmitted { table.counts.refusedGroups += 1 }
        if census != before || counted == nil {
            table.put(censusKey, .census(census), expiresAt: leaf.end(of: census))
        }
        return isAdmitted ? census.stretch : nil
    }

    /// Removes a state, and its group from the census.
    func clear(_ key: StateKey, of leaf: Leaf, in table: inout StateTable) {
        if let place = leaf.censusKey, let counted = table.stretch(key),
            case .census(var census)? = table.state(place)
        {
            census.release(counted)
            table.put(place, .census(census), expiresAt: leaf.end(of: census))
        }
        table.put(key, nil)
    }

    /// The group of the cooldown that the trigger would meet.
    func cooldownGroup(_ event: ParsedEvent) -> [UInt8] {
        GroupKey.of(event, by: trigger.definition.cooldownBy, gapsAllowed: true) ?? []
    }

    func cooldownKey(_ group: [UInt8]) -> StateKey {
        StateKey(triggerID: id, slot: cooldownSlot, group: group)
    }
}
