import EventModel
import JSONTree
import Testing

@testable import SchemaLearning

/// A small generator of chance whose runs can be repeated (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("Merging schemas")
struct MergeTests {
    private func event(_ chance: inout SeededGenerator, keys: Int) -> String {
        let values = ["1", "2.5", "null", #""s""#, "[1,{}]", #"{"x":1}"#, "true"]
        var members: [String: String] = [:]
        for _ in 0..<Int.random(in: 0..<keys, using: &chance) {
            members["k\(Int.random(in: 0..<keys, using: &chance))"] = values.randomElement(using: &chance)
        }
        return "{" + members.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private func observe(_ events: some Sequence<(Int, String)>) throws -> LearnedSchema {
        var schema: LearnedSchema?
        for (second, event) in events {
            let time = Timestamp(milliseconds: Int64(second) * 1_000)
            schema = schema ?? LearnedSchema(eventType: "t", firstSeen: time)
            schema?.observe(try JSONDocument(event).root, at: time)
        }
        return schema ?? LearnedSchema(eventType: "t", firstSeen: Timestamp(milliseconds: 0))
    }

    /// All that merging keeps whatever the order: everything but the examples.
    private func counts(_ schema: LearnedSchema) -> LearnedSchema {
        var schema = schema
        for path in schema.fields.keys { schema.fields[path]?.examples = [] }
        return schema
    }

    private func merged(_ first: LearnedSchema, _ second: LearnedSchema) -> LearnedSchema {
        var result = first
        result.merge(second)
        return counts(result)
    }

    @Test("Counts don't depend on how events are divided or in which order parts meet", arguments: [5, 40, 1_200])
    func orderIndependence(keys: Int) throws {
        var chance = SeededGenerator(state: UInt64(keys))
        let events = (0..<30).map { ($0, event(&chance, keys: keys)) }
        let whole = counts(try observe(events))
        let a = try observe(events[0..<7])
        let b = try observe(events[7..<19])
        let c = try observe(events[19..<30])
        #expect(merged(merged(a, b), c) == whole)
        #expect(merged(a, merged(b, c)) == whole)
        #expect(merged(merged(c, a), b) == whole)
        #expect(merged(b, a) == merged(a, b))
        if keys == 1_200 { #expect(whole.droppedFields > 0 && whole.fields.count == 500) }
    }
}
