import JSONTree
import Testing

@testable import SchemaLearning

@Suite("The fields of a type so far")
struct FieldHistoryTests {
    private func data(_ text: String) throws -> JSONValue { try JSONDocument(text).root }

    @Test("The fill rate is the share of the fields seen so far, those of the event included")
    func fillRate() throws {
        var history = FieldHistory()
        #expect(history.observe(try data("{}"), at: 1) == .init(fillRate: 1, born: []))
        #expect(
            history.observe(try data(#"{"a":1,"b":{"c":1}}"#), at: 2) == .init(fillRate: 1, born: ["a", "b", "b.c"]))
        #expect(history.observe(try data(#"{"a":null}"#), at: 3).fillRate == Float(1) / 3)
        #expect(history.observe(try data(#"{"d":1}"#), at: 4) == .init(fillRate: 0.25, born: ["d"]))
        #expect(history.observe(try data("{}"), at: 5).fillRate == 0)
    }

    @Test("Events that are read again have the rates that they had, whatever has been learned since")
    func isAFunctionOfTheLog() throws {
        var random = SystemRandomNumberGenerator()
        let events = try (0..<200).map { _ in
            let keys = (0..<60).filter { _ in Int.random(in: 0..<8, using: &random) == 0 }
            return try data("{" + keys.map { "\"k\($0)\":{\"x\":1}" }.joined(separator: ",") + "}")
        }
        var history = FieldHistory()
        let first = events.enumerated().map { history.observe($1, at: Int64($0 + 1)).fillRate }
        var again = FieldHistory(history.births)
        let second = events.enumerated().map { again.observe($1, at: Int64($0 + 1)) }
        #expect(second.map(\.fillRate) == first)
        #expect(second.allSatisfy { $0.born.isEmpty })
        #expect(again == history)
    }

    @Test("Who begins further back moves a field's first event there")
    func earlierReader() throws {
        var history = FieldHistory(["a": 100])
        #expect(history.observe(try data(#"{"a":1}"#), at: 40) == .init(fillRate: 1, born: ["a"]))
        #expect(history.births == ["a": 40])
    }

    @Test("The first 500 fields are kept, those of one event in order")
    func bound() throws {
        var history = FieldHistory()
        let wide = "{" + (0..<1_500).map { "\"k\(10_000 + $0)\":1" }.joined(separator: ",") + "}"
        #expect(history.observe(try data(wide), at: 1).fillRate == 1)
        #expect(history.births.count == FieldHistory.maximumFields)
        #expect(history.births["k10499"] == 1 && history.births["k10500"] == nil)
        #expect(history.observe(try data(#"{"other":1}"#), at: 2) == .init(fillRate: 0, born: []))
    }
}
