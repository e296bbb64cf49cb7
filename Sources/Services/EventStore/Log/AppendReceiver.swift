public import EventModel

/// A single event whose sender is answered by callback.
public struct ReceivedEvent: Sendable {
    let event: NewEvent
    let organizationID: UniqueID
    /// The receiver's own number for it.
    let token: Int

    /// Makes an item; its token comes back in the answer.
    public init(_ event: NewEvent, organizationID: UniqueID, token: Int) {
        self.event = event
        self.organizationID = organizationID
        self.token = token
    }
}

/// What became of the event of a token.
public struct AppendAnswer: Sendable {
    /// The number that it was given in with.
    public let token: Int
    /// The outcome, once durable; or an error of code `overloaded`, `unavailable` or `unexpected`.
    public let result: Result<AppendOutcome, EventStoreError>
}

/// Is told what became of events that were appended; see ``GroupCommit/append(_:receiver:)``.
public protocol AppendReceiver: AnyObject, Sendable {
    /// Takes the answers of one commit, on any thread; must not block.
    func receive(_ answers: [AppendAnswer])
}

extension AppendRequest {
    init(_ item: ReceivedEvent) {
        self.init(organizationID: item.organizationID, events: [item.event])
    }
}
