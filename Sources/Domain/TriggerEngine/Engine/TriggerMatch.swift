import EventModel

/// Where an event is, for whoever needs no more of it.
public struct EventReference: Hashable, Sendable {
    /// Its id.
    public let id: UniqueID
    /// When the gateway took it.
    public let receivedAt: Timestamp
    /// The part of the log.
    public let part: Int16
    /// Its place in the part.
    public let position: Int64

    /// Makes a reference of its members.
    public init(id: UniqueID, receivedAt: Timestamp, part: Int16, position: Int64) {
        self.id = id
        self.receivedAt = receivedAt
        self.part = part
        self.position = position
    }

    /// Makes a reference to an event.
    public init(_ event: Event) {
        self.init(id: event.id, receivedAt: event.receivedAt, part: event.part, position: event.position)
    }
}

/// A trigger whose condition has come true.
public struct TriggerMatch: Sendable {
    /// The trigger, in the version that matched.
    public let trigger: Trigger
    /// The event that it matched; of an absence the one that was not followed.
    public let event: EventReference
    /// When it came true on the clock of events' received times: the event's own, or when a timer was due.
    public let at: Timestamp
    /// Whether a cooldown keeps it from firing; nothing else follows from the match then.
    public let isSuppressed: Bool
    /// The truth value of each node of the condition with the values compared, a JSON object; empty when suppressed.
    public let explanation: [UInt8]
}
