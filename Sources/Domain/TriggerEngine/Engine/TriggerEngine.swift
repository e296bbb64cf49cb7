import ActionModel
import EventModel

// HOW AN EVENT IS EVALUATED. The index holds several conditions for a trigger with state: one for each of its leaves
// that says which events the leaf counts, and one that is true of every event of which the whole condition could be. So
// one look into the index tells which states see the event, and which conditions have to be worked out; a trigger that
// gets no hit costs nothing.

/// The triggers of one organization: what they are, and what an event makes of them.
///
/// It is a pure function of the triggers, the states and the events given to it, in log order: a replay gives the same
/// matches, and it makes no difference where a batch is split.
public struct TriggerEngine: Sendable {
    private struct Name: Hashable {
        let id: UniqueID
        let role: TriggerRole
    }

    /// An entry of the index that is true of an event.
    struct Hit {
        /// What that means for the plan.
        enum Says: Sendable, Equatable {
            case feeds(Int, Int)
            case mayBeTrue
        }

        let plan: Int
        let order: TriggerPlan.Order
        let says: Says

        /// Whether it says that a leaf counts the event.
        func isFed(_ leaf: Int) -> Bool {
            if case .feeds(leaf, _) = says { true } else { false }
        }
    }

    private var index = ConditionIndex()
    private var plans: [TriggerPlan?] = []
    /// Of each plan, what the index holds for it.
    private var planEntries: [[ConditionIndex.Entry]] = []
    private var freePlans: [Int] = []
    private var numbers: [Name: Int] = [:]
    private var owners: [Hit?] = []
    /// Triggers whose evaluation needs states.
    private var remembering = 0
    /// Kept, so that no event needs memory for them.
    private var entries: [ConditionIndex.Entry] = []
    private var hits: [Hit] = []

    /// Makes an engine without triggers.
    public init() {}

    /// The vectors of events that are to be looked at again.
    var vectors: EventVectors { index.vectors }

    /// How many triggers there are.
    public var count: Int { numbers.count }

    /// Adds a trigger, or replaces the one of the same id and role. A disabled trigger is left out, and its states stay
    /// in the database.
    public mutating func put(_ trigger: Trigger) {
        remove(trigger.id, role: trigger.role)
        guard trigger.definition.enabled else { return }
        let plan = TriggerPlan(trigger)
        let number = freePlans.popLast() ?? plans.count
        if number == plans.count {
            plans.append(nil)
            planEntries.append([])
        }
        for (says, condition) in plan.conditions {
            let entry = index.add(condition, eventTypes: trigger.definition.eventTypes)
            while owners.count <= entry { owners.append(nil) }
            owners[entry] = Hit(plan: number, order: plan.order, says: says)
            planEntries[number].append(entry)
        }
        plans[number] = plan
        numbers[Name(id: trigger.id, role: trigger.role)] = number
        if plan.needsStates { remembering += 1 }
    }

    /// Removes a trigger.
    public mutating func remove(_ id: UniqueID, role: TriggerRole = .live) {
        guard let number = numbers.removeValue(forKey: Name(id: id, role: role)), let plan = plans[number] else {
            return
        }
        for entry in planEntries[number] {
            index.remove(entry)
            owners[entry] = nil
        }
        planEntries[number] = []
        if plan.needsStates { remembering -= 1 }
        plans[number] = nil
        freePlans.append(number)
    }

    /// The slots of all states that a trigger's versions here have; what is stored under others is of no use to them.
    public func slots(of id: UniqueID) -> Set<Int64> {
        var slots: Set<Int64> = []
        for role in TriggerRole.allCases {
            guard let number = numbers[Name(id: id, role: role)], let plan = plans[number] else { continue }
            slots.formUnion(plan.leaves.map(\.slot) + [plan.cooldownSlot])
        }
        return slots
    }

    /// Adds the keys of all states that evaluating an event can read or write. The table has to have them by then.
    public mutating func collectKeys(_ event: ParsedEvent, into keys: inout Set<StateKey>) {
        guard remembering > 0 else { return }
        find(event)
        for hit in hits {
            guard let plan = plans[hit.plan] else { continue }
            if case .feeds(let leaf, _) = hit.says {
                if let key = plan.key(plan.leaves[leaf], event) { keys.insert(key) }
                if let key = plan.leaves[leaf].censusKey { keys.insert(key) }
            }
            if plan.trigger.definition.cooldown != nil { keys.insert(plan.cooldownKey(plan.cooldownGroup(event))) }
        }
    }

    /// Adds the keys of all states that the timers of the table which are due up to a moment can read or write, besides
    /// their own.
    public func collectTimerKeys(in table: StateTable, upTo moment: Timestamp, into keys: inout Set<StateKey>) {
        for (key, state) in table.waiting(upTo: moment) {
            guard case .waiting(_, _, let group) = state, let plan = plan(waiting: key) else { continue }
            if let census = plan.leaves[0].censusKey { keys.insert(census) }
            if plan.trigger.definition.cooldown != nil { keys.insert(plan.cooldownKey(group)) }
        }
    }

    /// Evaluates an event: fires the timers of the table that were due before it was received, lets every state see
    /// it, and gives the matches in the order of the triggers' ids.
    public mutating func evaluate(_ event: ParsedEvent, in table: inout StateTable) -> [TriggerMatch] {
        evaluate(event, in: &table, explaining: nil).matches
    }

    /// The same, and the truth value of each node of one trigger's condition, also when it was not true; nil when the
    /// event's type does not reach the trigger.
    public mutating func evaluate(
        _ event: ParsedEvent, in table: inout StateTable, explaining id: UniqueID, role: TriggerRole = .live
    ) -> (matches: [TriggerMatch], explanation: [UInt8]?) {
        evaluate(event, in: &table, explaining: Name(id: id, role: role))
    }

    /// Fires the timers of the table that are due at a moment or before it.
    public mutating func advance(to moment: Timestamp, in table: inout StateTable) -> [TriggerMatch] {
        var matches: [TriggerMatch] = []
        while let (due, key) = table.takeTimer(upTo: moment) {
            guard let plan = plan(waiting: key), case .waiting(let event, _, let group)? = table.state(key) else {
                // One that no trigger waits for any more is left to whoever owns the database.
                table.forget(key)
                continue
            }
            plan.clear(key, of: plan.leaves[0], in: &table)
            let isQuiet = plan.keepsQuiet(group, at: due, in: &table)
            matches.append(
                TriggerMatch(
                    trigger: plan.trigger, event: event, at: due, isSuppressed: isQuiet,
                    explanation: isQuiet ? [] : Explanation(plan, waitedFor: event, key.group).json))
        }
        return matches
    }
}

extension TriggerEngine {
    private mutating func evaluate(
        _ event: ParsedEvent, in table: inout StateTable, explaining name: Name?
    ) -> (matches: [TriggerMatch], explanation: [UInt8]?) {
        var matches = remembering > 0 ? advance(to: event.event.receivedAt, in: &table) : []
        find(event)
        if hits.count > 1 { hits.sort { $0.order < $1.order } }
        let wanted = name.flatMap { numbers[$0] }
        var explanation: [UInt8]?
        var start = 0
        while start < hits.count {
            let number = hits[start].plan
            let end = hits[start...].firstIndex { $0.plan != number } ?? hits.count
            if let plan = plans[number] {
                var run = PlanRun(plan, event, hits[start..<end])
                run.feed(&table)
                if number == wanted { explanation = run.explanation(&index.vectors).json }
                if let match = run.match(&table, &index.vectors) { matches.append(match) }
            }
            start = end
        }
        if explanation == nil, let wanted, let plan = plans[wanted], plan.trigger.definition.takes(event.event.type) {
            explanation = PlanRun(plan, event, []).explanation(&index.vectors).json
        }
        index.vectors.forget(event)
        return (matches, explanation)
    }

    /// Makes `hits` those of an event.
    private mutating func find(_ event: ParsedEvent) {
        entries.removeAll(keepingCapacity: true)
        hits.removeAll(keepingCapacity: true)
        index.match(event, into: &entries)
        let isOwn = event.event.type.utf8.starts(with: TriggerDefinition.ownTypes.utf8)
        for entry in entries {
            guard let hit = owners[entry] else { continue }
            if isOwn, plans[hit.plan]?.trigger.definition.takes(event.event.type) == false { continue }
            hits.append(hit)
        }
    }

    private func plan(waiting key: StateKey) -> TriggerPlan? {
        for role in TriggerRole.allCases {
            guard let number = numbers[Name(id: key.triggerID, role: role)], let plan = plans[number] else { continue }
            if case .absence = plan.leaves.first?.machine, plan.leaves[0].slot == key.slot { return plan }
        }
        return nil
    }
}

extension TriggerPlan {
    /// By the trigger's id, the live version first.
    struct Order: Comparable {
        let id: UniqueID
        let role: TriggerRole

        static func < (one: Order, other: Order) -> Bool {
            one.id == other.id ? one.role == .live && other.role != .live : one.id < other.id
        }
    }

    var order: Order { Order(id: id, role: trigger.role) }

    fileprivate var needsStates: Bool { !leaves.isEmpty || trigger.definition.cooldown != nil }

    /// Whether a cooldown keeps a match from firing; when not, the next one begins.
    func keepsQuiet(_ group: [UInt8], at moment: Timestamp, in table: inout StateTable) -> Bool {
        guard let cooldown = trigger.definition.cooldown else { return false }
        let key = cooldownKey(group)
        if case .quiet(let until)? = table.state(key), moment.microseconds < until { return true }
        let until = moment.microseconds + cooldown.microseconds
        table.put(key, .quiet(until: until), expiresAt: Timestamp(microseconds: until))
        return false
    }
}

/// Whether a version of a trigger acts, or is only watched beside the one that does.
public enum TriggerRole: String, Sendable, CaseIterable {
    /// It fires.
    case live
    /// Its firings are recorded, and nothing follows from them.
    case shadow
}
