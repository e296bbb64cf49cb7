import EventModel
import JSONTree
import Testing

@testable import TriggerEngine

/// An index, and what is in it, to be asked one by one.
private struct Checked {
    struct Held {
        let condition: Condition?
        let eventTypes: [Glob]
        let text: String
    }

    var index = ConditionIndex()
    var held: [ConditionIndex.Entry: Held] = [:]

    mutating func add(_ text: String?, _ types: [String]) throws {
        let globs = try types.map { try Glob($0, pointer: "") }
        let parsed = try text.map { try condition($0) }
        let entry = index.add(parsed, eventTypes: globs)
        #expect(held[entry] == nil, "an entry is given out once")
        held[entry] = Held(condition: parsed, eventTypes: globs, text: "\(text ?? "nil") of \(types)")
    }

    mutating func removeAny(_ random: inout RandomSample) {
        // By number, because the order of a dictionary is another in every run.
        let entries = held.keys.sorted()
        guard !entries.isEmpty else { return }
        remove(random.pick(entries))
    }

    mutating func remove(_ entry: ConditionIndex.Entry) {
        index.remove(entry)
        held[entry] = nil
        #expect(index.count == held.count)
    }

    /// Holds what the index finds against asking every condition.
    @discardableResult
    mutating func expectAgreement(_ event: ParsedEvent) -> Int {
        var found: [ConditionIndex.Entry] = []
        index.match(event, into: &found)
        let expected = held.filter { _, one in
            (one.eventTypes.isEmpty || one.eventTypes.contains { $0.matches(event.event.type) })
                && one.condition?.evaluate(event) ?? true
        }
        #expect(found.count == Set(found).count, "each entry once, of \(event.event.type) \(event.data)")
        for entry in Set(found).symmetricDifference(expected.keys) {
            Issue.record("\(held[entry]?.text ?? "removed entry") of \(event.event.type) \(event.data)")
        }
        return expected.count
    }
}

@Suite("Condition index")
struct ConditionIndexTests {
    private func randomEvent(_ random: inout RandomSample) throws -> ParsedEvent {
        let subject = random.below(3) == 0 ? nil : random.pick(["", "a", "abc", "order.paid"])
        return try event(random.data(), type: random.pick(RandomSample.types), subject: subject)
    }

    @Test("It finds what asking every condition finds, with adding and removing in between", arguments: 0..<10)
    func random(seed: Int) throws {
        var random = RandomSample(seed: UInt64(seed))
        var checked = Checked()
        var matches = 0
        for _ in 0..<40 {
            for _ in 0..<random.below(120) {
                try checked.add(
                    random.below(30) == 0 ? nil : random.condition(depth: random.pick([0, 1, 2, 4])),
                    random.eventTypes())
            }
            for _ in 0..<random.below(60) { checked.removeAny(&random) }
            for _ in 0..<6 { matches += checked.expectAgreement(try randomEvent(&random)) }
        }
        #expect(matches > 1_000)
        for entry in checked.held.keys.sorted() { checked.remove(entry) }
        #expect(checked.expectAgreement(try randomEvent(&random)) == 0)
        #expect(checked.index.isBare, "nothing is left of removed conditions")
    }

    @Test("One operator alone crowds its kind of node", arguments: Operator.allCases)
    func crowded(name: Operator) throws {
        var random = RandomSample(seed: 99)
        var checked = Checked()
        for _ in 0..<400 {
            let leaf = random.leaf([name])
            let other = random.leaf()
            let text = random.pick([leaf, #"{"not":\#(leaf)}"#, #"{"all":[\#(leaf),\#(other)]}"#])
            try checked.add(text, random.below(2) == 0 ? [] : ["order.paid"])
        }
        for round in 0..<60 {
            checked.expectAgreement(try randomEvent(&random))
            if round % 3 == 0 { checked.removeAny(&random) }
        }
    }

    @Test("Intervals and their ends, where places are shared")
    func intervals() throws {
        var checked = Checked()
        let numbers = [
            "-1e300", "-9223372036854775808", "-1", "-0.5", "0", "0.5", "1", "9007199254740992", "9007199254740993",
            "9223372036854775806", "9223372036854775807", "9223372036854775808", "18446744073709551615", "1e300",
        ]
        for (index, low) in numbers.enumerated() {
            for name in ["gt", "gte", "lt", "lte"] {
                try checked.add(#"{"field":"n","operator":"\#(name)","value":\#(low)}"#, [])
            }
            for high in numbers[index...] {
                try checked.add(#"{"field":"n","operator":"between","value":[\#(low),\#(high)]}"#, [])
                try checked.add(
                    #"""
                    {"all":[{"field":"n","operator":"gt","value":\#(low)},\#
                    {"field":"n","operator":"lte","value":\#(high)}]}
                    """#, [])
                // No number lies there.
                try checked.add(
                    #"""
                    {"all":[{"field":"n","operator":"gt","value":\#(high)},\#
                    {"field":"n","operator":"lt","value":\#(low)}]}
                    """#, [])
            }
        }
        for number in numbers { checked.expectAgreement(try event(#"{"n":\#(number)}"#)) }
        checked.expectAgreement(try event(#"{"n":"1"}"#))
        for entry in checked.held.keys.sorted() where entry % 2 == 0 { checked.remove(entry) }
        for number in numbers { checked.expectAgreement(try event(#"{"n":\#(number)}"#)) }
    }

    @Test("An event of few fields in a set that asks for very many")
    func manyFields() throws {
        var checked = Checked()
        for index in 0..<300 {
            try checked.add(#"{"field":"f\#(index)","operator":"eq","value":\#(index)}"#, [])
            try checked.add(#"{"field":"o.f\#(index)[1]","operator":"gt","value":\#(index)}"#, ["order.*"])
            try checked.add(#"{"field":"f\#(index)","operator":"matches","value":"a"}"#, [])
        }
        for (data, count) in [
            (#"{"f7":7,"f8":9,"o":{"f3":[0,4],"f4":[5]}}"#, 2), (#"{"f299":"ab"}"#, 1), ("{}", 0),
            (#"{"o":[{"f1":[1,2]}]}"#, 0),
        ] {
            #expect(checked.expectAgreement(try event(data)) == count)
        }
        for entry in checked.held.keys.sorted() where entry % 3 > 0 { checked.remove(entry) }
        #expect(checked.expectAgreement(try event(#"{"f7":7,"f8":9,"o":{"f3":[0,4]}}"#)) == 1)
    }

    @Test("A condition on the type leads as a list of types does")
    func typeConditions() throws {
        var checked = Checked()
        for index in 0..<100 {
            try checked.add(#"{"field":"type","operator":"eq","value":"t\#(index)"}"#, [])
            try checked.add(
                #"""
                {"any":[{"all":[{"field":"type","operator":"in","value":["t\#(index)","u","t\#(index)",7]},\#
                {"field":"n","operator":"eq","value":1}]},{"condition_type":"event_type_equals","value":"v"}]}
                """#, [])
        }
        #expect(checked.expectAgreement(try event(#"{"n":1}"#, type: "t5")) == 2)
        #expect(checked.expectAgreement(try event(#"{"n":1}"#, type: "u")) == 100)
        #expect(checked.expectAgreement(try event("{}", type: "v")) == 100)
        #expect(checked.expectAgreement(try event(#"{"n":1}"#, type: "w")) == 0)
    }

    @Test("More types than are remembered are told apart all the same")
    func manyTypes() throws {
        var checked = Checked()
        try checked.add(nil, ["a*"])
        try checked.add(nil, ["a7*", "*77"])
        for index in 0..<5_000 {
            checked.expectAgreement(try event("{}", type: "a\(index)"))
            if index == 4_500 { try checked.add(nil, ["*"]) }
        }
    }
}
