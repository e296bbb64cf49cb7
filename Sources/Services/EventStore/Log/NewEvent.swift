public import EventModel

/// An event that has been checked and is about to be appended.
public struct NewEvent: Sendable {
    /// A version 7 UUID, whose milliseconds are those of `receivedAt`.
    public let id: UniqueID
    /// When the gateway took it.
    public let receivedAt: Timestamp
    /// What the producer sent.
    public let envelope: EventEnvelope

    /// Makes an event.
    public init(id: UniqueID, receivedAt: Timestamp, envelope: EventEnvelope) {
        self.id = id
        self.receivedAt = receivedAt
        self.envelope = envelope
    }

    /// About the memory that it holds, in bytes.
    var weight: Int { envelope.data.count + (envelope.metadata?.count ?? 0) + 256 }
}

/// What became of an event; given only after its transaction has committed.
public enum AppendOutcome: Sendable, Equatable {
    /// Stored now.
    case stored(id: UniqueID, receivedAt: Timestamp)
    /// The producer's id is known with the same content; these are the first one's.
    case duplicate(id: UniqueID, receivedAt: Timestamp)
    /// The producer's id is known with other content; this is the first one's.
    case conflict(id: UniqueID)
}
