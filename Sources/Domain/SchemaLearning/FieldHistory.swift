import EventModel
import JSONTree

/// The fields that the events of one type have had so far, each with the position of the first event that had it.
///
/// What is known at a position is a function of the log up to there and of nothing else, so that a fill rate that is
/// worked out again is the same, however much more has been learned since. It keeps the first 500 different paths;
/// those of one event in order.
public struct FieldHistory: Sendable, Equatable {
    /// How many paths are kept.
    public static let maximumFields = 500

    /// The first position of each path.
    public private(set) var births: [String: Int64]
    private var newest: Int64

    /// Makes a history of what is known already.
    public init(_ births: [String: Int64] = [:]) {
        self.births = births
        newest = births.values.max() ?? 0
    }

    /// What an event has told.
    public struct Observation: Sendable, Equatable {
        /// The share of the fields seen up to and with the event that it has, from 0 to 1; 1 when there are none.
        public let fillRate: Float
        /// The paths that it is the first to have.
        public let born: [String]
    }

    /// Learns from an event's data, and says how much of what is known by then it has. Containers count as fields, and
    /// one that is `null` is there.
    public mutating func observe(_ data: JSONValue, at position: Int64) -> Observation {
        var sample = SchemaSample()
        sample.observe(data, at: Timestamp(microseconds: 0))
        let paths = sample.statistics.map(\.path)
        // Known of a later event, when this one is read by somebody who began further back.
        var born = paths.filter { births[$0].map { $0 > position } ?? false }
        let fresh = paths.filter { births[$0] == nil }
        born += fresh.sorted().prefix(Self.maximumFields - births.count)
        for path in born { births[path] = position }
        newest = max(newest, born.isEmpty ? 0 : position)
        let known = newest <= position ? births.count : births.values.count { $0 <= position }
        guard known > 0 else { return Observation(fillRate: 1, born: []) }
        let present = paths.count { path in births[path].map { $0 <= position } ?? false }
        return Observation(fillRate: Float(present) / Float(known), born: born.sorted())
    }
}
