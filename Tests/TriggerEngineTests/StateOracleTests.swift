import ActionModel
import EventModel
import JSONTree
import Testing

@testable import TriggerEngine

/// What a trigger means, worked out of all events there have been, without any window, index or timer.
private struct Oracle {
    let trigger: Trigger
    /// By leaf, in the order in which the tree is walked: what it counted since it began anew, by group.
    private var counted: [[[UInt8]: [(time: Int64, value: FieldValue?, event: ParsedEvent)]]] = []
    private var waiting: [[UInt8]: (event: EventReference, due: Int64, quiet: [UInt8])] = [:]
    private var quiet: [[UInt8]: Int64] = [:]

    init(_ trigger: Trigger) {
        self.trigger = trigger
        counted = Array(repeating: [:], count: 20)
    }

    struct Outcome: Hashable {
        let trigger: UniqueID
        let event: UniqueID
        let at: Int64
        let isSuppressed: Bool
    }

    mutating func advance(to now: Int64) -> [Outcome] {
        let due = waiting.filter { $0.value.due <= now }.sorted {
            ($0.value.due, String(decoding: $0.key, as: UTF8.self)) < (
                $1.value.due, String(decoding: $1.key, as: UTF8.self)
            )
        }
        return due.map { group, one in
            waiting[group] = nil
            return fire(one.event.id, one.due, one.quiet)
        }
    }

    mutating func take(_ event: ParsedEvent) -> [Outcome] {
        let now = event.event.receivedAt.microseconds
        var outcomes = advance(to: now)
        if case .absence(let absence)? = trigger.definition.condition {
            guard let group = GroupKey.of(event, by: absence.groupBy, gapsAllowed: false) else { return outcomes }
            if absence.expect.evaluate(event) { waiting[group] = nil }
            if absence.after.evaluate(event), waiting[group] == nil {
                waiting[group] = (EventReference(event.event), now + absence.within, quietGroup(event))
            }
            return outcomes
        }
        var leaf = 0
        var resets: [(Int, [UInt8])] = []
        guard isTrue(trigger.definition.condition ?? .all([]), event, &leaf, &resets) else { return outcomes }
        let outcome = fire(event.event.id, now, quietGroup(event))
        outcomes.append(outcome)
        if !outcome.isSuppressed { for (leaf, group) in resets { counted[leaf][group] = nil } }
        return outcomes
    }

    private func quietGroup(_ event: ParsedEvent) -> [UInt8] {
        GroupKey.of(event, by: trigger.definition.cooldownBy, gapsAllowed: true) ?? []
    }

    private mutating func fire(_ event: UniqueID, _ now: Int64, _ group: [UInt8]) -> Outcome {
        let isQuiet = quiet[group].map { now < $0 } ?? false
        if let cooldown = trigger.definition.cooldown, !isQuiet { quiet[group] = now + cooldown.microseconds }
        return Outcome(trigger: trigger.id, event: event, at: now, isSuppressed: isQuiet)
    }

    /// Walks the whole tree, so that every leaf sees the event.
    private mutating func isTrue(
        _ condition: TriggerCondition, _ event: ParsedEvent, _ leaf: inout Int, _ resets: inout [(Int, [UInt8])]
    ) -> Bool {
        switch condition {
        case .all(let parts):
            var isTrue = true
            for part in parts { isTrue = self.isTrue(part, event, &leaf, &resets) && isTrue }
            return isTrue
        case .any(let parts):
            var isTrue = false
            for part in parts { isTrue = self.isTrue(part, event, &leaf, &resets) || isTrue }
            return isTrue
        case .not(let part): return !isTrue(part, event, &leaf, &resets)
        case .leaf(let comparison): return Condition.leaf(comparison).evaluate(event)
        case .aggregate(let aggregate):
            defer { leaf += 1 }
            return holds(aggregate, event, leaf, &resets)
        case .sequence(let sequence):
            defer { leaf += 1 }
            return completes(sequence, event, leaf)
        case .absence: return false
        }
    }

    private mutating func holds(
        _ aggregate: Aggregate, _ event: ParsedEvent, _ leaf: Int, _ resets: inout [(Int, [UInt8])]
    ) -> Bool {
        guard aggregate.filter?.evaluate(event) ?? true,
            let group = GroupKey.of(event, by: aggregate.groupBy, gapsAllowed: false)
        else { return false }
        let value = aggregate.field.flatMap { event.value(at: $0) }
        if aggregate.field != nil {
            guard let value else { return false }
            if aggregate.function == .distinct {
                guard GroupKey.digest(value) != nil else { return false }
            } else if aggregate.function != .count {
                guard case .json(let json) = value, json.number != nil else { return false }
            }
        }
        let now = event.event.receivedAt.microseconds
        counted[leaf][group, default: []].append((now, value, event))
        if aggregate.resetsOnFire { resets.append((leaf, group)) }
        let all = counted[leaf][group] ?? []
        let window =
            switch aggregate.window {
            case .time(let span): all.filter { $0.time > now - span }
            case .events(let count): Array(all.suffix(Int(count)))
            case .weight: all
            }
        let numbers = window.compactMap { one -> Double? in
            if case .json(let json)? = one.value { json.number?.double } else { nil }
        }
        let number: Double
        switch aggregate.function {
        case .count: number = Double(window.count)
        case .sum: number = numbers.reduce(0, +)
        case .avg: number = numbers.reduce(0, +) / Double(numbers.count)
        case .min: number = numbers.min() ?? 0
        case .max: number = numbers.max() ?? 0
        case .distinct: number = Double(Set(window.compactMap { $0.value.flatMap(GroupKey.digest) }).count)
        case .ema:
            guard case .weight(let weight) = aggregate.window else { return false }
            number = numbers.dropFirst().reduce(numbers[0]) { weight * $1 + (1 - weight) * $0 }
        }
        return aggregate.test.holds(number)
    }

    /// Looks through all chains that end with this event.
    private mutating func completes(_ sequence: EventSequence, _ event: ParsedEvent, _ leaf: Int) -> Bool {
        guard let group = GroupKey.of(event, by: sequence.groupBy, gapsAllowed: false) else { return false }
        let now = event.event.receivedAt.microseconds
        let all = counted[leaf][group] ?? []
        func ends(_ step: Int, before place: Int) -> Bool {
            if step < 0 { return true }
            return all.indices.contains { index in
                index < place && now - all[index].time <= sequence.within
                    && sequence.steps[step].evaluate(all[index].event) && ends(step - 1, before: index)
            }
        }
        let last = sequence.steps.count - 1
        guard sequence.steps[last].evaluate(event), ends(last - 1, before: all.count) else {
            counted[leaf][group, default: []].append((now, nil, event))
            return false
        }
        counted[leaf][group] = nil
        return true
    }
}

/// Makes triggers and events by chance.
private struct Chance {
    var generator: SeededGenerator

    mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &generator)] }

    mutating func comparison() -> String {
        let name = pick([">", "<=", "=", "!="])
        return #"{"field":"\#(pick(["n", "m"]))","operator":"\#(name)","value":\#(pick([1, 2, 3, 4]))}"#
    }

    mutating func groups() -> String { pick(["", #","group_by":["u"]"#, #","group_by":["u","v"]"#]) }

    mutating func aggregate() -> String {
        let function = pick(["count", "sum", "avg", "min", "max", "distinct", "ema"])
        let field = function == "count" && pick([true, false]) ? "" : #""field":"\#(pick(["n", "m", "u"]))","#
        let window =
            function == "ema" || pick([true, false])
            ? #"{"events":\#(pick([1, 2, 3, 5]))}"# : pick([#""5s""#, #""20s""#])
        let filter = pick(["", "", #","where":\#(comparison())"#])
        let reset = pick(["", #","reset_on_fire":true"#])
        return """
            {"aggregate":"\(function)",\(field)"window":\(window)\(filter)\(reset)\(groups()),\
            "operator":"\(pick([">", ">=", "<", "="]))","value":\(pick([1, 2, 3, 5]))}
            """
    }

    mutating func sequence() -> String {
        let steps = (0..<pick([2, 3, 4])).map { _ in comparison() }.joined(separator: ",")
        return #"{"sequence":[\#(steps)],"within":"\#(pick([3, 10, 30]))s"\#(groups())}"#
    }

    mutating func condition(depth: Int) -> String {
        switch pick(depth > 0 ? [0, 1, 2, 3, 4, 5] : [3, 4, 5]) {
        case 0: return #"{"all":[\#(condition(depth: depth - 1)),\#(condition(depth: depth - 1))]}"#
        case 1: return #"{"any":[\#(condition(depth: depth - 1)),\#(condition(depth: depth - 1))]}"#
        case 2: return #"{"not":\#(condition(depth: depth - 1))}"#
        case 3: return comparison()
        case 4: return sequence()
        default: return aggregate()
        }
    }

    mutating func trigger(_ number: UInt64) throws -> Trigger {
        let absence = """
            {"absence":{"after":\(comparison()),"expect":\(comparison()),"within":"\(pick([2, 7]))s"\(groups())}}
            """
        let condition = pick([true, false, false, false]) ? absence : condition(depth: 2)
        let cooldown = pick(["", "", #","cooldown":"4s""#, #","cooldown":"9s","cooldown_by":["u"]"#])
        let types = pick(["", #","event_types":["A"]"#, #","event_types":["A","B*"]"#])
        return try TriggerEngineTests.trigger(
            number, #""name":"t\#(number)","condition":\#(condition)\#(cooldown)\#(types)"#)
    }

    mutating func event(_ number: UInt64, at seconds: Double) throws -> ParsedEvent {
        var members: [String] = []
        if pick([true, true, true, false]) { members.append(#""n":\#(pick([0, 1, 2, 3, 4, 5]))"#) }
        if pick([true, true, false]) { members.append(#""m":\#(pick(["1", "2", "4", "null", "\"2\""]))"#) }
        if pick([true, true, true, false]) { members.append(#""u":"\#(pick(["a", "b"]))""#) }
        if pick([true, false]) { members.append(#""v":\#(pick(["1", "1.0", "true"]))"#) }
        let data = "{" + members.joined(separator: ",") + "}"
        return try TriggerEngineTests.event(number, at: seconds, type: pick(["A", "B1", "C"]), data)
    }
}

@Suite("The engine against every condition worked out of all events")
struct StateOracleTests {
    @Test("Equal, also when every state is written and read again in between", arguments: 1...20)
    func oracle(seed: Int) throws {
        var chance = Chance(generator: SeededGenerator(seed: UInt64(seed)))
        let triggers = try (0..<40).map { try chance.trigger(UInt64($0)) }
        var oracles = triggers.map(Oracle.init)
        var whole = EngineRun(triggers)
        var split = EngineRun(triggers)
        var seconds = 0.0
        var fired = 0
        for number in 0..<140 {
            seconds += chance.pick([0, 0.5, 1, 3])
            let event = try chance.event(UInt64(number), at: seconds)
            var expected: [Oracle.Outcome] = []
            for index in oracles.indices where oracles[index].trigger.definition.takes(event.event.type) {
                expected += oracles[index].take(event)
            }
            for index in oracles.indices { expected += oracles[index].advance(to: event.event.receivedAt.microseconds) }
            if chance.pick([true, false, false]) { split.handOver() }
            for matches in [try whole.take(event), try split.take(event)] {
                let outcomes = matches.map {
                    Oracle.Outcome(
                        trigger: $0.trigger.id, event: $0.event.id, at: $0.at.microseconds,
                        isSuppressed: $0.isSuppressed)
                }
                #expect(Set(outcomes) == Set(expected) && outcomes.count == expected.count, "event \(number)")
            }
            fired += expected.count
        }
        #expect(fired > 300)
    }
}
