import EventModel
import JSONTree
import TriggerEngine

/// A firing as it is stored.
public struct FiringRecord: Sendable {
    /// A version 7 UUID, whose milliseconds are the time of the firing.
    public let id: UniqueID
    /// The trigger.
    public let triggerID: UniqueID
    /// In the version that matched.
    public let triggerVersion: Int32
    /// Whether that version acted, or was only watched.
    public let role: TriggerRole
    /// The event that it matched.
    public let eventID: UniqueID
    /// When that was received.
    public let eventReceivedAt: Timestamp
    /// When the condition came true, on the clock of received times.
    public let at: Timestamp
    /// When it was written.
    public let createdAt: Timestamp
    /// The truth value of each node of the condition with the values compared, a JSON object; nil for those of older
    /// releases, and where it was not asked for.
    public let explanation: [UInt8]?
    /// What became of the actions `emit`, a JSON array; nil without any.
    public let emits: [UInt8]?

    /// Writes the members of the firing as the API shows it.
    public func write(to writer: inout JSONWriter) {
        writer.member("id", id.description)
        writer.member("trigger_id", triggerID.description)
        writer.member("trigger_version", Int(triggerVersion))
        writer.member("role", role.rawValue)
        writer.member("event_id", eventID.description)
        writer.member("event_received_at", eventReceivedAt.rfc3339)
        writer.member("at", at.rfc3339)
        writer.member("created_at", createdAt.rfc3339)
        if let explanation { writer.memberRaw("explanation", explanation) }
        if let emits { writer.memberRaw("emits", emits) }
    }
}

/// Which firings a list shows; what is nil does not narrow it.
public struct FiringFilter: Sendable {
    /// Whose they are.
    public var triggerID: UniqueID?
    /// The event that they are about.
    public var eventID: UniqueID?
    /// What the version was that matched.
    public var role: TriggerRole?
    /// Written at this time or later.
    public var from: Timestamp?
    /// Written before this time.
    public var to: Timestamp?

    /// Makes a filter; without arguments it shows everything.
    public init(
        triggerID: UniqueID? = nil, eventID: UniqueID? = nil, role: TriggerRole? = nil, from: Timestamp? = nil,
        to: Timestamp? = nil
    ) {
        self.triggerID = triggerID
        self.eventID = eventID
        self.role = role
        self.from = from
        self.to = to
    }
}

/// What a version in shadow and the live ones beside it have made of the same events.
public struct ShadowDifferences: Sendable {
    /// Events that only one of them fired for, the newest first.
    public struct Sample: Sendable {
        /// Who fired.
        public let role: TriggerRole
        /// Its firing.
        public let firingID: UniqueID
        /// The event.
        public let eventID: UniqueID
        /// When the condition came true.
        public let at: Timestamp
    }

    /// Events for which both fired.
    public let both: Int64
    /// Those for which only the live version did.
    public let onlyLive: Int64
    /// Those for which only the one in shadow did.
    public let onlyShadow: Int64
    /// Some of those.
    public let samples: [Sample]
    /// Whether there are more firings than were compared; the newest were.
    public let isTruncated: Bool
}
