import EventModel
import JSONTree
import Testing
import TextModel

@testable import TriggerEngine

@Suite("Conditions on similar texts")
struct SimilarityTests {
    private static let refund = #"{"similar_to":"I want my money back","field":"text","at_least":0.5}"#

    @Test(
        "A text is similar when it shares words and pieces of words with an example",
        arguments: [
            ("I want my money back", true), ("i want my MONEY back!", true), ("please give me my money back", true),
            ("where is the documentation of the API", false), ("...", false), ("", false),
        ])
    func similar(text: String, expected: Bool) throws {
        #expect(try holds(Self.refund, #"{"text":"\#(text)"}"#) == expected)
    }

    @Test(
        "A field that is missing, or has no text, is similar to nothing",
        arguments: ["{}", #"{"text":7}"#, #"{"text":{}}"#])
    func missing(data: String) throws {
        #expect(try holds(Self.refund, data) == false)
    }

    @Test("Texts within a field count, at any depth")
    func nested() throws {
        #expect(try holds(Self.refund, #"{"text":[{"said":"I want my money back"}, 1]}"#))
    }

    @Test("Without a field it is the whole event, its type included")
    func wholeEvent() throws {
        let condition = #"{"similar_to":"order paid","at_least":0.6}"#
        #expect(try holds(condition, "{}"))
        #expect(try holds(condition, #"{"n":1,"note":"paid"}"#))
        #expect(try holds(#"{"similar_to":"order paid","field":"data","at_least":0.1}"#, "{}") == false)
        #expect(try holds(#"{"similar_to":"order paid","field":"type","at_least":1}"#, "{}"))
    }

    @Test("The nearest of the examples counts, and a text is as near as can be to itself")
    func examples() throws {
        let texts = ["the app crashed", "charge me back", "I would like to cancel my subscription"]
        let list = texts.map { #""\#($0)""# }.joined(separator: ",")
        for text in texts {
            #expect(try holds(#"{"similar_to":[\#(list)],"field":"text","at_least":1}"#, #"{"text":"\#(text)"}"#))
        }
    }

    @Test("It stands within all, any and not, and beside what remembers")
    func combinations() throws {
        let angry = #"{"text":"I want my money back","amount":70}"#
        let amount = #"{"field":"amount","operator":"gt","value":50}"#
        #expect(try holds(#"{"all":[\#(Self.refund),\#(amount)]}"#, angry))
        #expect(try holds(#"{"all":[\#(Self.refund),{"not":\#(amount)}]}"#, angry) == false)
        #expect(try holds(#"{"any":[{"not":\#(Self.refund)},\#(amount)]}"#, angry))
        #expect(try holds(#"{"not":\#(Self.refund)}"#, "{}"))

        let condition = #"{"aggregate":"count","window":"1h","where":\#(Self.refund),"operator":">=","value":2}"#
        var run = EngineRun([try trigger(1, #""name":"t","condition":\#(condition)"#)])
        let texts = ["my money back", "what a day", "I want the money back"]
        let fired = try texts.enumerated().flatMap { number, text in
            try run.take(event(UInt64(number), at: Double(number), #"{"text":"\#(text)"}"#)).map(\.event.id.low)
        }
        #expect(fired == [2])
        #expect(run.engine.isWithoutVectors)
    }

    @Test("The index, the tree and the compiled form agree on many conditions and events")
    func agreement() throws {
        var random = SeededGenerator(seed: 7)
        let words = ["refund", "money", "back", "login", "failed", "card", "declined", "thanks", "order"]
        func text() -> String {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in words.randomElement(using: &random)! }.joined(
                separator: " ")
        }
        func leaf() -> String {
            let field = Bool.random(using: &random) ? #","field":"text""# : ""
            let degree = Double(Int.random(in: 1...9, using: &random)) / 10
            return #"{"similar_to":["\#(text())","\#(text())"],"at_least":\#(degree)\#(field)}"#
        }
        func condition() -> String {
            let plain = #"{"field":"n","operator":"lt","value":\#(Int.random(in: 0...9, using: &random))}"#
            switch Int.random(in: 0..<5, using: &random) {
            case 0: return leaf()
            case 1: return #"{"all":[\#(leaf()),\#(plain)]}"#
            case 2: return #"{"any":[\#(plain),\#(leaf())]}"#
            case 3: return #"{"all":[{"not":\#(leaf())},{"any":[\#(leaf()),\#(plain)]}]}"#
            default: return #"{"all":[{"field":"n","operator":"eq","value":3},\#(leaf())]}"#
            }
        }
        let conditions = try (0..<60).map { _ in try TriggerEngineTests.condition(condition()) }
        var index = ConditionIndex()
        let entries = conditions.map { index.add($0, eventTypes: []) }
        for _ in 0..<60 {
            let number = Int.random(in: 0...9, using: &random)
            let event = try TriggerEngineTests.event(#"{"n":\#(number),"text":"\#(text())"}"#, type: text())
            var found: [ConditionIndex.Entry] = []
            index.match(event, into: &found)
            for (entry, condition) in zip(entries, conditions) {
                let expected = condition.evaluate(event)
                #expect(found.contains(entry) == expected && CompiledCondition(condition).evaluate(event) == expected)
            }
            index.vectors.forget(event)
        }
        entries.forEach { index.remove($0) }
        #expect(index.isBare)
    }

    @Test("A vector is made once an event, and only when a leaf asks for it")
    func vectorsAreFew() throws {
        let cheap = #"{"field":"n","operator":"eq","value":1}"#
        let types = #""event_types":["T"]"#
        var engine = TriggerEngine()
        for number in 1...20 as ClosedRange<UInt64> {
            let similar = #"{"similar_to":"text \#(number)","at_least":0.1}"#
            engine.put(
                try trigger(number, #""name":"t\#(number)",\#(types),"condition":{"all":[\#(similar),\#(cheap)]}"#))
        }
        engine.put(
            try trigger(
                50,
                #""name":"s",\#(types),"condition":{"similar_to":"x","field":"text","at_least":0.1},"cooldown":"1m""#))
        var table = StateTable()
        var keys: Set<StateKey> = []
        func vectors(_ data: String, type: String = "T") throws -> Int {
            let event = try event(1, at: 0, type: type, data)
            engine.collectKeys(event, into: &keys)
            for key in keys where table.lacks(key) { try table.load(key, nil) }
            let made = engine.vectorCount
            _ = engine.evaluate(event, in: &table)
            #expect(engine.isWithoutVectors)
            return made
        }
        #expect(try vectors(#"{"n":1,"text":"text"}"#) == 2)
        #expect(try vectors(#"{"n":2,"text":"text"}"#) == 1)
        #expect(try vectors(#"{"n":1}"#) == 1)
        #expect(try vectors(#"{"n":1,"text":"text"}"#, type: "U") == 0)
    }

    @Test("The reasons tell how similar it was, also of what was not near enough")
    func explanation() throws {
        let condition =
            """
            {"any":[{"field":"n","operator":"eq","value":1},
                    {"similar_to":["a refund","money back"],"field":"text","at_least":0.95}]}
            """
        var run = TriggerDryRun(try trigger(1, #""name":"t","condition":\#(condition)"#))
        let step = run.explain(try event(1, at: 0, #"{"n":1,"text":"money back now"}"#))
        let told = try #require(step.explanation)
        let leaf = try #require(try json(String(decoding: told, as: UTF8.self))["any"]?[1])
        #expect(leaf["value"]?.bool == false && leaf["field"]?.string == "data.text")
        #expect(leaf["similar_to"]?.count == 2 && leaf["at_least"]?.double == 0.95)
        let degree = try #require(leaf["similarity"]?.double)
        let embedder = LexicalEmbedder()
        let expected = zip(embedder.vector(of: "money back"), embedder.vector(of: "money back now")).reduce(Float(0)) {
            $0 + $1.0 * $1.1
        }
        #expect(abs(degree - Double(expected)) < 1e-4 && degree > 0.5)
        #expect(step.matches.count == 1)
        let none = run.explain(try event(2, at: 1, #"{"n":2}"#))
        let shown = try #require(none.explanation)
        #expect(String(decoding: shown, as: UTF8.self).contains(#""similarity":null"#))
    }

    @Test(
        "What is no similarity is refused with its place",
        arguments: [
            (#"{"similar_to":"a"}"#, "/at_least: is required"),
            (#"{"similar_to":"a","at_least":0}"#, "/at_least: must be a number above 0 and up to 1"),
            (#"{"similar_to":"a","at_least":1.01}"#, "/at_least: must be a number above 0 and up to 1"),
            (#"{"similar_to":"a","at_least":"0.5"}"#, "/at_least: must be a number above 0 and up to 1"),
            (#"{"similar_to":[],"at_least":0.5}"#, "/similar_to: must be a text, or an array of 1 to 32 texts"),
            (#"{"similar_to":7,"at_least":0.5}"#, "/similar_to: must be a text, or an array of 1 to 32 texts"),
            (#"{"similar_to":["a",7],"at_least":0.5}"#, "/similar_to/1: must be a text of 1 to 2000 characters"),
            (#"{"similar_to":"","at_least":0.5}"#, "/similar_to: must be a text of 1 to 2000 characters"),
            (#"{"similar_to":"?!","at_least":0.5}"#, "/similar_to: has no letter and no digit"),
            (#"{"similar_to":"a","at_least":0.5,"field":"time"}"#, "/field: is a time, and has no text"),
            (#"{"similar_to":"a","at_least":0.5,"field":"a..b"}"#, "/field: not a field path"),
            (#"{"similar_to":"a","at_least":0.5,"operator":"eq"}"#, "/operator: is not a member here"),
        ])
    func refused(text: String, expected: String) throws {
        let found = problems { _ = try condition(text) }
        #expect(found.contains { $0.hasPrefix(expected) }, "\(found)")
    }
}

@Suite("Calibrating similarities")
struct CalibrationTests {
    private func result(
        _ condition: String, _ data: [String], days: Double = 2,
        _ change: (inout SimilarityCalibration.Goal) -> Void = { _ in }
    ) throws -> JSONValue {
        var calibration = try SimilarityCalibration(try json(condition), pointer: "/condition")
        for (number, data) in data.enumerated() {
            calibration.take(try event(UInt64(number), at: Double(number), data))
        }
        var goal = SimilarityCalibration.Goal()
        change(&goal)
        var writer = JSONWriter()
        writer.object { calibration.write(days: days, goal: goal, to: &$0) }
        return try JSONDocument(writer.bytes).root
    }

    private static let texts = [
        "I want my money back", "give me my money back", "money", "hello there", "the order is late", "back",
    ].map { #"{"text":"\#($0)","n":1}"# }
    private static let condition = #"{"similar_to":"I want my money back","field":"text"}"#

    @Test("Every row is what the condition does with that degree")
    func rows() throws {
        for outer in [
            Self.condition, #"{"not":\#(Self.condition)}"#,
            #"{"all":[{"field":"text","operator":"contains","value":"m"},\#(Self.condition)]}"#,
            #"{"any":[{"field":"text","operator":"contains","value":"late"},\#(Self.condition)]}"#,
        ] {
            let rows = try #require(try result(outer, Self.texts)["thresholds"])
            #expect(rows.count == 20)
            for row in rows.elements {
                let degree = try #require(row["at_least"]?.double)
                let whole = outer.replacing(#""field":"text"}"#, with: #""field":"text","at_least":\#(degree)}"#)
                let fires = try Self.texts.count { try holds(whole, $0) }
                #expect(row["fires"]?.int64 == Int64(fires), "\(outer) at \(degree)")
                #expect(row["fires_per_day"]?.double == Double(fires) / 2)
            }
        }
    }

    @Test("Samples lie on either side, the nearest to the degree among them")
    func samples() throws {
        let rows = try #require(try result(Self.condition, Self.texts)["thresholds"])
        for row in rows.elements {
            let degree = try #require(row["at_least"]?.double)
            let above = try #require(row["just_above"]).elements.compactMap { $0["similarity"]?.double }
            let below = try #require(row["just_below"]).elements.compactMap { $0["similarity"]?.double }
            #expect(above.allSatisfy { $0 >= degree } && below.allSatisfy { $0 < degree })
            #expect(above.count + below.count >= 3)
        }
    }

    @Test("A wanted rate gives the least degree that keeps it", arguments: [0.5, 1, 1.5, 2])
    func rate(perDay: Double) throws {
        let suggested = try #require(try result(Self.condition, Self.texts) { $0.perDay = perDay }["suggested"])
        let degree = try #require(suggested["at_least"]?.double)
        func fires(_ degree: Double) throws -> Int {
            let whole = Self.condition.replacing("}", with: #","at_least":\#(degree)}"#)
            return try Self.texts.count { try holds(whole, $0) }
        }
        #expect(try Double(fires(degree)) / 2 <= perDay)
        #expect(suggested["fires"]?.int64 == Int64(try fires(degree)))
    }

    @Test("Labelled events give the degree that tells them best from the others")
    func labels() throws {
        let answer = try result(Self.condition, Self.texts) {
            $0.positives = [UniqueID(high: 7, low: 0), UniqueID(high: 7, low: 1), UniqueID(high: 9, low: 9)]
        }
        #expect(answer["positives_found"]?.int64 == 2)
        let suggested = try #require(answer["suggested"])
        #expect(suggested["precision"]?.double == 1 && suggested["recall"]?.double == 1 && suggested["f1"]?.double == 1)
        #expect(suggested["fires"]?.int64 == 2)
    }

    @Test("A rate that no degree keeps has no suggestion")
    func noDegree() throws {
        // A text that is the example itself matches at every degree.
        #expect(try result(Self.condition, Self.texts) { $0.perDay = 0 }["suggested"]?.isNull == true)
    }

    @Test("Without events, or without a goal, there is nothing to suggest")
    func nothing() throws {
        #expect(try result(Self.condition, [])["suggested"]?.isNull == true)
        #expect(try result(Self.condition, Self.texts)["suggested"]?.isNull == true)
        #expect(try result(Self.condition, [])["thresholds"]?.count == 20)
    }

    @Test(
        "A condition with no similarity, several, or a memory can't be calibrated",
        arguments: [
            (#"{"field":"n","operator":"eq","value":1}"#, "/condition: must have one similar_to"),
            (#"{"any":[{"similar_to":"a"},{"similar_to":"b"}]}"#, "/condition: must have one similar_to"),
            (
                #"{"aggregate":"count","window":"1h","where":{"similar_to":"a"},"operator":">","value":1}"#,
                "/condition/aggregate: needs earlier events"
            ),
            (#"{"similar_to":7}"#, "/condition/similar_to: must be a text"),
        ])
    func refused(text: String, expected: String) throws {
        let found = problems { _ = try SimilarityCalibration(try json(text), pointer: "/condition") }
        #expect(found.contains { $0.hasPrefix(expected) }, "\(found)")
    }
}

extension TriggerEngine {
    /// How many vectors are kept for another look.
    fileprivate var vectorCount: Int { vectors.count }

    fileprivate var isWithoutVectors: Bool { vectorCount == 0 }
}
