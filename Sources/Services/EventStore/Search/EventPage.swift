public import EventModel

/// A page of a list of events.
public struct EventPage: Sendable {
    /// At most as many as were asked for, in the order of the list. There may be fewer, even none, and yet more on the
    /// next page, when what was asked for is rare and the search had spent its budget.
    public let events: [Event]
    /// The id of the event after which the next page begins; it may have passed the filter or not. Nil at the end of a
    /// list of newest first; oldest first, only when there is nothing at all after the cursor of this page.
    public let nextCursor: UniqueID?
}

/// How much a search does before it answers with what it has.
public struct SearchBudget: Sendable {
    /// Events that are looked at.
    public var events = 20_000
    /// Time, checked between one read and the next.
    public var time = Duration.milliseconds(40)
    /// How many events are looked at one after the other before the index is asked where to look.
    public var eventsBeforeIndex = 1_024
    /// Rows of one look into the index; more than a block of the log can have types, which is 512.
    public var rowsPerLook = 1_024
    /// The server ends a statement that takes longer.
    public var statementTimeout = Duration.seconds(5)

    /// The budget of a gateway.
    public init() {}
}
