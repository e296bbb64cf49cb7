import EventModel
import JSONTree

/// One trigger meeting one event.
struct PlanRun {
    /// What a leaf with state has made of the event.
    struct Result {
        /// The number of an aggregate.
        let number: Double?
        let isTrue: Bool
        let group: [UInt8]
        let key: StateKey
    }

    let plan: TriggerPlan
    let event: ParsedEvent
    private let hits: ArraySlice<TriggerEngine.Hit>
    /// By leaf; nil when it has not counted the event.
    private var results: [Result?]

    init(_ plan: TriggerPlan, _ event: ParsedEvent, _ hits: ArraySlice<TriggerEngine.Hit>) {
        self.plan = plan
        self.event = event
        self.hits = hits
        results = plan.leaves.isEmpty ? [] : Array(repeating: nil, count: plan.leaves.count)
    }

    private var now: Int64 { event.event.receivedAt.microseconds }

    /// The truth value of each node; vectors that no comparison has needed so far are made.
    func explanation(_ vectors: inout EventVectors) -> Explanation {
        for comparison in plan.similarities { _ = vectors.vector(of: event, for: comparison) }
        return Explanation(plan, event, results, vectors)
    }

    /// Lets the states see the event.
    mutating func feed(_ table: inout StateTable) {
        for index in plan.leaves.indices {
            let leaf = plan.leaves[index]
            if leaf.first < index {
                results[index] = results[leaf.first].map { shared($0, leaf) }
                continue
            }
            guard hits.contains(where: { $0.isFed(index) }), let key = plan.key(leaf, event) else { continue }
            switch leaf.machine {
            case .aggregate(let aggregate): results[index] = count(aggregate, leaf, key, &table)
            case .sequence(let sequence): results[index] = follow(sequence, leaf, steps(of: index), key, &table)
            case .absence(let absence): wait(absence, leaf, steps(of: index), key, &table)
            }
        }
    }

    /// The conditions of a leaf that are true of the event.
    private func steps(of leaf: Int) -> [Int] {
        hits.compactMap { hit in
            if case .feeds(leaf, let step) = hit.says { step } else { nil }
        }
    }

    /// The match, if the condition is true; when it fires, its cooldown begins, and what begins anew does.
    func match(_ table: inout StateTable, _ vectors: inout EventVectors) -> TriggerMatch? {
        guard hits.contains(where: { $0.says == .mayBeTrue }), plan.root.map({ isTrue($0, &vectors) }) ?? true else {
            return nil
        }
        let moment = event.event.receivedAt
        let isQuiet = plan.keepsQuiet(
            plan.trigger.definition.cooldown == nil ? [] : plan.cooldownGroup(event), at: moment, in: &table)
        if !isQuiet { reset(&table) }
        return TriggerMatch(
            trigger: plan.trigger, event: EventReference(event.event), at: moment, isSuppressed: isQuiet,
            explanation: isQuiet ? [] : explanation(&vectors).json)
    }

    private func isTrue(_ node: TriggerPlan.Node, _ vectors: inout EventVectors) -> Bool {
        switch node {
        case .all(let parts): parts.allSatisfy { isTrue($0, &vectors) }
        case .any(let parts): parts.contains { isTrue($0, &vectors) }
        case .not(let part): !isTrue(part, &vectors)
        case .leaf(let comparison): comparison.evaluate(event, &vectors)
        case .state(let index): results[index]?.isTrue ?? false
        }
    }

    /// The result of an equal leaf, held against this one's value.
    private func shared(_ result: Result, _ leaf: TriggerPlan.Leaf) -> Result {
        guard case .aggregate(let aggregate) = leaf.machine, let number = result.number else { return result }
        return Result(number: number, isTrue: aggregate.test.holds(number), group: result.group, key: result.key)
    }

    private func count(
        _ aggregate: Aggregate, _ leaf: TriggerPlan.Leaf, _ key: StateKey, _ table: inout StateTable
    ) -> Result? {
        var value = 0.0
        if let field = aggregate.field {
            guard let found = event.value(at: field) else { return nil }
            if aggregate.function == .distinct {
                // Without the bits that would make it no number.
                guard let digest = GroupKey.digest(found) else { return nil }
                value = Double(bitPattern: digest >> 2)
            } else if aggregate.function != .count {
                guard case .json(let json) = found, let number = json.number else { return nil }
                value = number.double
            }
        }
        let place = table.place(of: key)
        guard let stretch = plan.admit(place, of: leaf, at: now, in: &table) else { return nil }
        var window = WindowState()
        if let place, case .window(let known)? = table.take(at: place) { window = known }
        let number = window.add(value, at: now, aggregate.function, aggregate.window, counts: &table.counts)
        let result = Result(number: number, isTrue: aggregate.test.holds(number), group: key.group, key: key)
        let expiry = leaf.expiry(of: window)
        if let place {
            table.put(at: place, .window(window), expiresAt: expiry, stretch: stretch)
        } else {
            table.put(key, .window(window), expiresAt: expiry, stretch: stretch)
        }
        return result
    }

    /// Goes on with a sequence. Of all chains of events that could be the one, that with the latest beginning is kept
    /// for each step: if any chain is completed in time, it is.
    private func follow(
        _ sequence: EventSequence, _ leaf: TriggerPlan.Leaf, _ steps: [Int], _ key: StateKey, _ table: inout StateTable
    ) -> Result? {
        let last = sequence.steps.count - 1
        var starts = [Int64?](repeating: nil, count: last)
        if case .sequence(let known)? = table.state(key), known.count == last { starts = known }
        let before = starts
        for index in starts.indices {
            if let start = starts[index], now - start > sequence.within { starts[index] = nil }
        }
        var isComplete = false
        // From the last to the first, so that an event is one step only.
        for step in steps.sorted(by: >) {
            let start = step == 0 ? now : starts[step - 1]
            guard let start else { continue }
            if step == last {
                isComplete = true
                break
            }
            starts[step] = max(starts[step] ?? start, start)
        }
        if isComplete { starts = starts.map { _ in nil } }
        if starts != before {
            if let latest = starts.compactMap({ $0 }).max() {
                let place = table.place(of: key)
                guard let stretch = plan.admit(place, of: leaf, at: now, in: &table) else { return nil }
                table.put(
                    key, .sequence(starts), expiresAt: Timestamp(microseconds: latest + sequence.within + 1),
                    stretch: stretch)
            } else {
                plan.clear(key, of: leaf, in: &table)
            }
        }
        return Result(number: nil, isTrue: isComplete, group: key.group, key: key)
    }

    /// Ends a waiting, begins one, or both.
    private func wait(
        _ absence: Absence, _ leaf: TriggerPlan.Leaf, _ steps: [Int], _ key: StateKey, _ table: inout StateTable
    ) {
        var isWaiting = table.state(key) != nil
        if isWaiting, steps.contains(0) {
            plan.clear(key, of: leaf, in: &table)
            isWaiting = false
        }
        guard !isWaiting, steps.contains(1),
            let stretch = plan.admit(table.place(of: key), of: leaf, at: now, in: &table)
        else { return }
        let group = plan.trigger.definition.cooldown == nil ? [] : plan.cooldownGroup(event)
        table.put(
            key, .waiting(EventReference(event.event), due: now + absence.within, cooldownGroup: group),
            stretch: stretch)
    }

    private func reset(_ table: inout StateTable) {
        for (leaf, result) in zip(plan.leaves, results) {
            guard case .aggregate(let aggregate) = leaf.machine, aggregate.resetsOnFire, let result,
                let place = table.place(of: result.key), case .window(var window)? = table.take(at: place)
            else { continue }
            window.reset()
            table.put(
                at: place, .window(window), expiresAt: leaf.expiry(of: window), stretch: table.stretch(at: place))
        }
    }
}

extension TriggerPlan.Leaf {
    /// From when on a window means nothing.
    fileprivate func expiry(of window: WindowState) -> Timestamp {
        Timestamp(microseconds: window.clock + lasting)
    }
}
