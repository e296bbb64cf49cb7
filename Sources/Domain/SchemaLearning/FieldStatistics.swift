import EventModel
import JSONTree

/// What has been seen of one field of an event type.
public struct FieldStatistics: Sendable, Equatable {
    /// How many examples are kept.
    public static let maximumExamples = 5
    /// Longest example, in bytes of JSON.
    public static let maximumExampleBytes = 120

    /// In how many events the field was there.
    public internal(set) var present: Int64 = 0
    /// In how many events it had each kind; within an array an event can have several.
    public internal(set) var types: [JSONValue.Kind: Int64] = [:]
    /// The first few different values, as JSON text; objects, arrays and long values are not among them, nor numbers
    /// with an exponent, which jsonb would store written out, with up to 308 zeros.
    public internal(set) var examples: [String] = []
    /// The first event that had the field.
    public internal(set) var firstSeen: Timestamp
    /// The last event that had the field.
    public internal(set) var lastSeen: Timestamp

    init(firstSeen: Timestamp) {
        self.firstSeen = firstSeen
        lastSeen = firstSeen
    }

    mutating func addExample(_ value: JSONValue) {
        guard examples.count < Self.maximumExamples, value.kind != .object, value.kind != .array,
            value.source.count <= Self.maximumExampleBytes,
            value.kind != .number || !value.source.contains(where: { $0 | 0x20 == UInt8(ascii: "e") })
        else { return }
        // Most values are examples already, and need no string to find that out.
        let source = value.source
        guard !examples.contains(where: { $0.utf8.elementsEqual(source) }) else { return }
        addExample(String(decoding: source, as: UTF8.self))
    }

    mutating func addExample(_ json: String) {
        guard examples.count < Self.maximumExamples, !examples.contains(json) else { return }
        examples.append(json)
    }

    mutating func merge(_ other: FieldStatistics) {
        present += other.present
        types.merge(other.types, uniquingKeysWith: +)
        for example in other.examples { addExample(example) }
        firstSeen = min(firstSeen, other.firstSeen)
        lastSeen = max(lastSeen, other.lastSeen)
    }
}
