import ActionModel
public import EventModel
public import JSONTree

/// Deliveries that are made again, many at a time.
public struct Replay: Sendable {
    /// A version 7 UUID.
    public let id: UniqueID
    /// What was asked for, a JSON object.
    public let request: [UInt8]
    /// Deliveries in a second, at most.
    public let rate: Int
    /// Where it stands.
    public let status: JobStatus
    /// How many deliveries, or firings, match; nil until they are counted, and where that takes too long.
    public let total: Int64?
    /// How many of them were come to.
    public let found: Int64
    /// How many deliveries were made of them.
    public let made: Int64
    /// How many were left out: their event is gone, their action is gone or disabled, or it can't be read.
    public let skipped: Int64
    /// Why it failed.
    public let error: String?
    /// When it was asked for.
    public let createdAt: Timestamp
    /// When a processor took it, the last one if several did.
    public let startedAt: Timestamp?
    /// When it ended.
    public let finishedAt: Timestamp?

    /// How far it is, from 0 to 1; nil when nobody knows.
    public var progress: Double? {
        if status == .succeeded { return 1 }
        guard let total else { return status == .queued ? 0 : nil }
        return total > 0 ? (min(1, Double(found) / Double(total)) * 1_000).rounded(.down) / 1_000 : 0
    }

    /// Writes the members of the replay as the API shows it.
    public func write(to writer: inout JSONWriter) {
        writer.member("id", id.description)
        writer.member("status", status.rawValue)
        writer.memberRaw("request", request)
        writer.member("rate", rate)
        if let progress { writer.member("progress", progress) } else { writer.memberNull("progress") }
        if let total { writer.member("total", total) } else { writer.memberNull("total") }
        writer.member("found", found)
        writer.member("made", made)
        writer.member("skipped", skipped)
        writer.member("error", error)
        writer.member("created_at", createdAt.rfc3339)
        writer.member("started_at", startedAt?.rfc3339)
        writer.member("finished_at", finishedAt?.rfc3339)
    }
}

/// What is to be made again.
public struct NewReplay: Sendable {
    /// Where it is made from.
    public enum Source: Sendable {
        /// Every delivery that matches and has come to its end is made again; what is on its way is left alone.
        case deliveries(DeliveryFilter)
        /// Every firing of events that match runs its trigger's actions again; nothing is evaluated again.
        case firings(EventRange, triggerID: UniqueID?)
    }

    /// Events, by what they are.
    public struct EventRange: Sendable {
        /// One event.
        public var id: UniqueID?
        /// Their exact type.
        public var type: String?
        /// Received at this time or later.
        public var from: Timestamp?
        /// Received before this time.
        public var to: Timestamp?

        /// Makes a range.
        public init(id: UniqueID? = nil, type: String? = nil, from: Timestamp? = nil, to: Timestamp? = nil) {
            self.id = id
            self.type = type
            self.from = from
            self.to = to
        }
    }

    /// By whose actions.
    public enum Version: String, Sendable, CaseIterable {
        /// Those of the version that fired.
        case fired
        /// Those of the version that is current when the delivery is made.
        case current
    }

    /// Deliveries in a second when nothing is said.
    public static let usualRate = 100
    /// What can be asked for.
    public static let rates: ClosedRange<Int64> = 1...10_000

    /// Where it is made from.
    public var source: Source
    /// What was asked for, a JSON object, to be shown again.
    public var request: [UInt8]
    /// By whose actions.
    public var version = Version.fired
    /// Whether what was made again before is made again.
    public var again = false
    /// Deliveries in a second, at most.
    public var rate = NewReplay.usualRate

    /// Makes an order.
    public init(_ source: Source, request: [UInt8]) {
        self.source = source
        self.request = request
    }
}

/// A replay that a processor has taken, for as long as its lease holds.
public struct ReplayWork: Sendable {
    /// Which replay.
    public let id: UniqueID
    /// Whose it is.
    public let organizationID: UniqueID
    /// Deliveries in a second, at most.
    public let rate: Int
    let isOfFirings: Bool
    let version: NewReplay.Version
    let again: Bool
    let to: Timestamp
    let filter: DeliveryFilter
    let events: NewReplay.EventRange
    let token: UniqueID
}
