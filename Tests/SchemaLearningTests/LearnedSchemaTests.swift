import EventModel
import JSONTree
import Testing

@testable import SchemaLearning

@Suite("Learned schemas")
struct LearnedSchemaTests {
    private func moment(_ second: Int64) -> Timestamp { Timestamp(milliseconds: second * 1_000) }

    private func learned(_ events: [String], from second: Int64 = 0) throws -> LearnedSchema {
        var schema = LearnedSchema(eventType: "t", firstSeen: moment(second))
        for (offset, event) in events.enumerated() {
            schema.observe(try JSONDocument(event).root, at: moment(second + Int64(offset)))
        }
        return schema
    }

    private func written(_ schema: LearnedSchema) -> String {
        var writer = JSONWriter()
        schema.write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("Every field has a path, and each event counts once for it")
    func paths() throws {
        let schema = try learned([
            #"{"a":1,"o":{"x":"s","odd key":true},"l":[1,2.5,"x",{"sku":1},{"sku":2}],"m":[[1]],"z":null}"#,
            #"{"a":2.5}"#,
        ])
        #expect(
            schema.fields.keys.sorted() == [
                "a", "l", "l[]", "l[].sku", "m", "m[]", "m[][]", "o", "o.x", #"o["odd key"]"#, "z",
            ])
        #expect(schema.eventCount == 2)
        #expect(schema.fields["a"]?.present == 2)
        #expect(schema.fields["a"]?.types == [.integer: 1, .number: 1])
        #expect(schema.fields["l[].sku"]?.present == 1)
        #expect(schema.fields["l[]"]?.types == [.integer: 1, .number: 1, .string: 1, .object: 1])
        #expect(schema.fields["z"]?.types == [.null: 1])
        #expect(schema.fields["o"]?.examples == [])
        #expect(schema.fields["a"]?.examples == ["1", "2.5"])
        #expect(schema.fields["a"]?.firstSeen == moment(0) && schema.fields["a"]?.lastSeen == moment(1))
        #expect(schema.fields["o"]?.lastSeen == moment(0))
        #expect(schema.droppedFields == 0)
    }

    @Test("A few different short values are kept as examples")
    func examples() throws {
        let long = "\"" + String(repeating: "x", count: 119) + "\""
        let schema = try learned([1, 1, 2, 3, 4, 5, 6].map { #"{"n":\#($0),"l":\#(long)}"# })
        #expect(schema.fields["n"]?.examples == ["1", "2", "3", "4", "5"])
        #expect(schema.fields["l"]?.examples == [])
        #expect(schema.fields["l"]?.present == 7)
        #expect(try learned([#"{"n":1e300}"#, #"{"n":2E-5}"#, #"{"n":0.5}"#]).fields["n"]?.examples == ["0.5"])
    }

    @Test("Depth, length and number of paths are bounded, and what is dropped is counted")
    func bounds() throws {
        let deep = String(repeating: #"{"a":"#, count: 10) + "1" + String(repeating: "}", count: 10)
        let schema = try learned([deep])
        #expect(schema.fields.count == 8)
        #expect(schema.droppedFields == 1)
        let long = try learned([#"{"\#(String(repeating: "k", count: 257))":{"x":1},"ok":1}"#])
        #expect(long.fields.keys.sorted() == ["ok"])
        #expect(long.droppedFields == 1)
        let wide = "{" + (0..<1_500).map { "\"k\(10_000 + $0)\":1" }.joined(separator: ",") + "}"
        let many = try learned([wide, wide])
        #expect(many.fields.count == 500)
        #expect(many.droppedFields == 2_000)
        #expect(many.fields["k10499"]?.present == 2 && many.fields["k10500"] == nil)
    }

    @Test("A schema reads back as it was written")
    func roundTrip() throws {
        let schema = try learned([#"{"a":[1,"x"],"odd key":{"é":1.50},"t":"a\"b","n":null}"#, #"{"a":5}"#])
        let text = written(schema)
        let back = try LearnedSchema(try JSONDocument(text).root)
        #expect(back == schema)
        #expect(written(back) == text)
    }

    @Test(
        "A damaged schema is refused with its place",
        arguments: [
            ("{}", "/event_type"), ("5", "/event_type"),
            (#"{"event_type":"t","event_count":-1}"#, "/event_count"),
            (
                #"""
                {"event_type":"t","event_count":1,"first_seen":"2026-03-01T00:00:00Z",\#
                "last_seen":"2026-03-01T00:00:00Z","dropped_fields":0,"fields":{"a/b":{}}}
                """#, "/fields/a~1b/first_seen"
            ),
        ])
    func damaged(text: String, place: String) throws {
        let value = try JSONDocument(text).root
        let error = #expect(throws: JSONValidationError.self) { _ = try LearnedSchema(value) }
        #expect(error?.problems.first?.pointer == place)
    }
}
