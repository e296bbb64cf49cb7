import EventModel
import JSONTree

/// What the events of one type have looked like: their fields, how often, of which kinds, with examples.
///
/// It keeps at most 500 paths: the shortest in bytes, and among equally long ones the first in order. A path that is
/// among the 500 of all events is among the 500 of any part of them, so its counts are exact, and merging two schemas
/// gives the same counts in any order. The events' sightings of all other paths are counted in ``droppedFields``.
public struct LearnedSchema: Sendable, Equatable {
    /// How many paths are kept.
    public static let maximumFields = 500

    /// The events' type.
    public let eventType: String
    /// How many events were looked at.
    public internal(set) var eventCount: Int64 = 0
    /// The first of them.
    public internal(set) var firstSeen: Timestamp
    /// The last of them.
    public internal(set) var lastSeen: Timestamp
    /// The fields by their path, such as `items[].sku`.
    public internal(set) var fields: [String: FieldStatistics] = [:]
    /// How many sightings of fields were not kept, for lack of room or for their depth or length.
    public internal(set) var droppedFields: Int64 = 0

    /// Makes an empty schema.
    public init(eventType: String, firstSeen: Timestamp) {
        self.eventType = eventType
        self.firstSeen = firstSeen
        lastSeen = firstSeen
    }

    /// Learns from an event's data.
    public mutating func observe(_ data: JSONValue, at time: Timestamp) {
        var sample = SchemaSample()
        sample.observe(data, at: time)
        merge(sample)
    }

    /// Learns from events.
    public mutating func merge(_ sample: SchemaSample) {
        eventCount += sample.eventCount
        droppedFields += sample.skipped
        firstSeen = min(firstSeen, sample.firstSeen)
        lastSeen = max(lastSeen, sample.lastSeen)
        for (path, statistics) in sample.statistics {
            fields[path, default: FieldStatistics(firstSeen: statistics.firstSeen)].merge(statistics)
        }
        trim()
    }

    /// Adds what another schema of the same type has learned.
    public mutating func merge(_ other: LearnedSchema) {
        eventCount += other.eventCount
        droppedFields += other.droppedFields
        firstSeen = min(firstSeen, other.firstSeen)
        lastSeen = max(lastSeen, other.lastSeen)
        for (path, statistics) in other.fields {
            fields[path, default: FieldStatistics(firstSeen: statistics.firstSeen)].merge(statistics)
        }
        trim()
    }

    private mutating func trim() {
        guard fields.count > Self.maximumFields else { return }
        let paths = fields.keys.sorted {
            ($0.utf8.count, $0) < ($1.utf8.count, $1)
        }
        for path in paths[Self.maximumFields...] {
            droppedFields += fields.removeValue(forKey: path)?.present ?? 0
        }
    }
}
