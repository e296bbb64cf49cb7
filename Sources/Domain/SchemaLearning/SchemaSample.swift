public import EventModel
public import JSONTree

/// What some events of one type look like: counted here, and then merged into what has been learned of the type.
///
/// A path is written as in conditions (`customer.name`, `["odd key"]`), with `[]` for the elements of an array,
/// whatever their number: `items[].sku`. Containers are fields too. What lies deeper than eight steps, and paths longer
/// than 256 bytes, are not named but counted.
///
/// Fields are the nodes of a tree of keys, so that the path of a field is put together when it is met for the first
/// time, and not for every event again.
public struct SchemaSample: Sendable {
    static let maximumDepth = 8
    static let maximumPathBytes = 256

    private struct Field {
        let path: String
        var members: [String: Int] = [:]
        /// Where the elements of an array are; 0 while there were none.
        var elements = 0
        /// The number of the last event that had the field, and the kinds that it had in it, a bit each.
        var event: Int64 = 0
        var kinds: UInt8 = 0
        var counts: [Int64]
        var statistics: FieldStatistics

        var isNamed: Bool { path.utf8.count <= SchemaSample.maximumPathBytes }
    }

    /// How many events were looked at.
    private(set) var eventCount: Int64 = 0
    /// How many members and elements were not named.
    private(set) var skipped: Int64 = 0
    /// The first of the events.
    public private(set) var firstSeen = Timestamp(microseconds: .max)
    /// The last of the events.
    private(set) var lastSeen = Timestamp(microseconds: .min)
    /// The first is the data itself, which is no field.
    private var fields: [Field] = []

    /// How many fields were met, and with them what has too long a name.
    public var fieldCount: Int { fields.count - 1 }

    /// Makes an empty sample.
    public init() {
        _ = add("", at: firstSeen)
    }

    /// Looks at an event's data.
    public mutating func observe(_ data: JSONValue, at time: Timestamp) {
        eventCount += 1
        firstSeen = min(firstSeen, time)
        lastSeen = max(lastSeen, time)
        visitContents(of: data, field: 0, depth: 1, at: time)
    }

    /// The paths of the fields that an event's data has.
    static func paths(of data: JSONValue) -> [String] {
        var sample = SchemaSample()
        sample.observe(data, at: Timestamp(microseconds: 0))
        return sample.fields.dropFirst().filter(\.isNamed).map(\.path)
    }

    /// The fields that were met, by their paths.
    var statistics: [(path: String, statistics: FieldStatistics)] {
        fields.dropFirst().filter(\.isNamed).map { field in
            var statistics = field.statistics
            for (kind, count) in zip(JSONValue.Kind.allCases, field.counts) where count > 0 {
                statistics.types[kind] = count
            }
            return (field.path, statistics)
        }
    }

    private mutating func visitContents(of value: JSONValue, field: Int, depth: Int, at time: Timestamp) {
        guard value.count > 0 else { return }
        guard depth <= Self.maximumDepth else {
            skipped += Int64(value.count)
            return
        }
        for (key, member) in value.members {
            visit(member, field: self.member(key, of: field, at: time), depth: depth, at: time)
        }
        for element in value.elements {
            visit(element, field: elements(of: field, at: time), depth: depth, at: time)
        }
    }

    private mutating func visit(_ value: JSONValue, field: Int, depth: Int, at time: Timestamp) {
        guard fields[field].isNamed else {
            skipped += 1
            return
        }
        let kind = value.kind
        if fields[field].event != eventCount {
            fields[field].event = eventCount
            fields[field].kinds = 0
            fields[field].statistics.see(value, at: time)
        }
        let bit = UInt8(1) << kind.number
        if fields[field].kinds & bit == 0 {
            fields[field].kinds |= bit
            fields[field].counts[kind.number] += 1
        }
        visitContents(of: value, field: field, depth: depth + 1, at: time)
    }

    private mutating func member(_ key: String, of field: Int, at time: Timestamp) -> Int {
        if let known = fields[field].members[key] { return known }
        let step = JSONPath(components: [.key(key)]).description
        let path = fields[field].path
        let isPlain = path.isEmpty || step.utf8.first == UInt8(ascii: "[")
        let new = add(isPlain ? path + step : "\(path).\(step)", at: time)
        fields[field].members[key] = new
        return new
    }

    private mutating func elements(of field: Int, at time: Timestamp) -> Int {
        if fields[field].elements == 0 { fields[field].elements = add(fields[field].path + "[]", at: time) }
        return fields[field].elements
    }

    private mutating func add(_ path: String, at time: Timestamp) -> Int {
        fields.append(
            Field(
                path: path, counts: [Int64](repeating: 0, count: JSONValue.Kind.allCases.count),
                statistics: FieldStatistics(firstSeen: time)))
        return fields.count - 1
    }
}

extension FieldStatistics {
    /// Counts an event in which the field is there, with the first value that it has in it.
    mutating func see(_ value: JSONValue, at time: Timestamp) {
        present += 1
        addExample(value)
        firstSeen = min(firstSeen, time)
        lastSeen = max(lastSeen, time)
    }
}

extension JSONValue.Kind {
    /// Its place in `allCases`.
    fileprivate var number: Int {
        switch self {
        case .null: 0
        case .boolean: 1
        case .integer: 2
        case .number: 3
        case .string: 4
        case .array: 5
        case .object: 6
        }
    }
}
