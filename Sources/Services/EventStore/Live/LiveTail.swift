// How streams follow the log.
//
// STRUCTURES. One state under a lock: a channel for every organization that has listeners, and the listeners. A
// channel keeps the batches that some listener has still to take; a listener is a position and, while it waits, a
// continuation.
//
// WHO MOVES WHAT. `run` reads, at every wake-up, what came behind each channel's last position, appends it to the
// channel and resumes those who wait. A listener takes batches by its position. One that begins further back reads
// pages from the database until its position lies within what the channel keeps; positions only grow and name commits
// in their order, so nothing is left out or given twice at the change.
//
// BOUNDS. Subscriptions are counted. A channel drops what is over its limits, and ends the listeners that needed it. A
// listener that does not come back in time is hung up on.

public import EventModel
public import Logging
public import PostgresWire
public import ServiceLifecycle
import Synchronization

/// Reads new events once for all who listen in this process, and hands them over in batches.
///
/// `Batch` is what the listeners share: it is made once of the events of each read.
public final class LiveTail<Batch: Sendable>: Service {
    struct Listener {
        let organizationID: UniqueID
        /// Up to where it was given events.
        var position: Int64
        /// Whether it has caught up; from then on it depends on what the channel keeps.
        var isLive = false
        /// Since when it works on what it was given.
        var busySince: ContinuousClock.Instant?
        var deadline: ContinuousClock.Instant?
        var waiter: CheckedContinuation<Void, Never>?
        var ending: LiveEnding?
        /// Ends its connection; nil once called.
        var hangUp: (@Sendable () -> Void)?
    }

    struct State {
        var channels: [UniqueID: LiveChannel<Batch>] = [:]
        var listeners: [UInt64: Listener] = [:]
        var lastID: UInt64 = 0
        var isClosed = false
    }

    let tail: LiveReader
    let reader: LiveReader
    let wakeUps: WakeUps
    let limits: LiveTailLimits
    let makeBatch: @Sendable ([Event]) -> Batch
    let logger: Logger
    let state = Mutex(State())

    /// Makes a tail; `run` follows the log.
    ///
    /// - Parameters:
    ///   - pool: of the gateway's role, for following alone, one connection at a time.
    ///   - reads: of the gateway's role, for subscriptions that begin further back.
    ///   - wakeUps: for this tail alone.
    public init(
        pool: PostgresPool, reads: PostgresPool, wakeUps: WakeUps, limits: LiveTailLimits = LiveTailLimits(),
        logger: Logger, makeBatch: @escaping @Sendable ([Event]) -> Batch
    ) {
        tail = LiveReader(pool: pool)
        reader = LiveReader(pool: reads)
        self.wakeUps = wakeUps
        self.limits = limits
        self.logger = logger
        self.makeBatch = makeBatch
    }

    /// How many subscriptions there are.
    public var subscriptionCount: Int { state.withLock { $0.listeners.count } }

    /// Begins to listen: behind the event of an id, or behind the newest event there is now.
    ///
    /// - Parameter hangUp: Ends the listener's connection; called once, on any thread, when it does not come back in
    ///   time.
    /// - Throws: ``EventStoreError`` of code `invalidCursor` when there is no such event, `overloaded` when there are
    ///   too many subscriptions, `unavailable` when the tail is closed; and the database's errors.
    public func subscribe(
        organizationID: UniqueID, after id: UniqueID? = nil, hangUp: @escaping @Sendable () -> Void = {}
    ) async throws -> LiveSubscription<Batch> {
        try state.withLock { try admit(organizationID, $0) }
        let start = try await reader.start(organizationID: organizationID, after: id)
        guard let position = start.position else {
            throw EventStoreError(.invalidCursor, "no event has this id")
        }
        let made = try state.withLock { state in
            // Others have come since.
            try admit(organizationID, state)
            state.lastID += 1
            state.listeners[state.lastID] = Listener(
                organizationID: organizationID, position: position, hangUp: hangUp)
            state.channels[organizationID, default: LiveChannel(head: start.head)].listeners.insert(state.lastID)
            return state.lastID
        }
        return LiveSubscription(tail: self, id: made, startID: start.id)
    }

    private func admit(_ organizationID: UniqueID, _ state: borrowing State) throws {
        if state.isClosed { throw EventStoreError(.unavailable, "the gateway is stopping") }
        guard state.listeners.count < limits.subscriptions else {
            throw EventStoreError(
                .overloaded, "this gateway has \(state.listeners.count) open streams, the most it takes")
        }
        let own = state.channels[organizationID]?.listeners.count ?? 0
        guard own < limits.subscriptionsPerOrganization else {
            throw EventStoreError(.overloaded, "the organization has \(own) open streams, the most it may have")
        }
    }

    func unsubscribe(_ id: UInt64) {
        state.withLock { state in
            guard let listener = state.listeners.removeValue(forKey: id) else { return }
            state.channels[listener.organizationID]?.listeners.remove(id)
            // Without listeners nothing is read.
            if state.channels[listener.organizationID]?.listeners.isEmpty == true {
                state.channels[listener.organizationID] = nil
            }
        }
    }
}
