public import EventModel

/// Bounds of what streams hold.
public struct LiveTailLimits: Sendable {
    /// Most subscriptions of the process.
    public var subscriptions = 5_000
    /// Most subscriptions of one organization.
    public var subscriptionsPerOrganization = 1_500
    /// Most events of an organization that wait for its slowest listener.
    public var retainedEvents = 10_000
    /// Most bytes of them, in the form of their data.
    public var retainedBytes = 8 << 20
    /// Most events of one read, and so of one batch.
    public var batchEvents = 1_000
    /// Stored size of the data of a batch, in bytes; one event may be larger.
    public var batchBytes = 1 << 20
    /// How long a listener may work on what it was given before it is hung up on.
    public var patience = Duration.seconds(30)
    /// The same once the process is stopping.
    public var lastPatience = Duration.seconds(2)

    /// The limits of a gateway.
    public init() {}
}

/// Why the tail ended a subscription.
public enum LiveEnding: String, Sendable {
    /// The listener took its events too slowly to be waited for.
    case slowReader = "slow_reader"
    /// The process is stopping.
    case shutdown
    /// The listener has gone.
    case disconnected
}

/// What a listener does next.
public enum LiveStep<Batch: Sendable>: Sendable {
    /// Goes on with the events of a batch whose positions are greater than the given one.
    case batch(Batch, after: Int64)
    /// Nothing came up to the deadline.
    case idle
    /// Nothing comes any more.
    case ended(LiveEnding)
}

/// One listener's place in the stream; giving it up ends the subscription.
public final class LiveSubscription<Batch: Sendable>: Sendable {
    private let tail: LiveTail<Batch>
    private let id: UInt64
    /// An event to resume behind when nothing has come yet: the one that was asked for, or the organization's newest;
    /// nil when it has had none of late.
    public let startID: UniqueID?

    init(tail: LiveTail<Batch>, id: UInt64, startID: UniqueID?) {
        self.tail = tail
        self.id = id
        self.startID = startID
    }

    deinit {
        tail.unsubscribe(id)
    }

    /// Waits for the next events; for one task, which is to be done with what it got when it calls again.
    ///
    /// While the database is away it answers `idle` at the deadline, and goes on where it was afterwards.
    public func next(until deadline: ContinuousClock.Instant) async -> LiveStep<Batch> {
        await tail.next(id, until: deadline)
    }

    /// Why it was ended; nil while it goes on.
    public var ending: LiveEnding? { tail.ending(of: id) }

    /// Ends the subscription as one whose listener has gone; from any task.
    public func disconnect() {
        tail.disconnect(id)
    }
}
