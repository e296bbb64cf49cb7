public import EventModel
public import Logging
public import PostgresWire
public import ServiceLifecycle
import Synchronization

/// Joins concurrent appends into one statement per commit.
///
/// There is no timer. While one commit is under way, requests collect; when it ends, all that have collected are the
/// next one. So an event that comes alone is committed alone and at once, and under load a commit, which costs the same
/// for one row as for hundreds, is shared by all who wait for it.
///
/// - The queue is bounded by events and by bytes; when it is full, an append is refused at once (`overloaded`).
/// - When the connection is lost in the middle of a commit, nobody knows whether it took effect. The same events are
///   sent again with `again` set, and `append_events` finds by their ids what is already there. After some seconds
///   without an answer the requests fail (`unavailable`).
/// - When the server refuses a statement, its requests are sent one by one, so that one that cannot be stored harms no
///   other.
/// - On graceful shutdown intake ends, and what has been taken is committed.
public final class GroupCommit: Service {
    /// Bounds of the queue and of a commit.
    public struct Limits: Sendable {
        /// Most events that wait.
        public var queuedEvents = 20_000
        /// Most bytes that wait.
        public var queuedBytes = 64 << 20
        /// Most events of one commit, but at least one request.
        public var eventsPerCommit = 1_000
        /// How long a commit is tried again while the server does not answer.
        public var patience = Duration.seconds(3)

        /// The limits of a gateway.
        public init() {}
    }

    private struct Waiting {
        let request: AppendRequest
        let weight: Int
        let continuation: CheckedContinuation<[AppendOutcome], any Error>
    }

    private struct State {
        var queue: [Waiting] = []
        var events = 0
        var bytes = 0
        var isClosed = false
    }

    private let appender: EventAppender
    private let notifier: Notifier
    private let limits: Limits
    private let logger: Logger
    private let state = Mutex(State())
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation

    /// Makes a queue on a pool; `run` commits what it takes.
    public init(pool: PostgresPool, limits: Limits = Limits(), logger: Logger) {
        appender = EventAppender(session: pool)
        notifier = Notifier(session: pool)
        self.limits = limits
        self.logger = logger
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Appends events of one organization and returns when they are durable: one outcome each, in their order.
    ///
    /// - Throws: ``EventStoreError`` with code `overloaded` or `unavailable`.
    public func append(_ events: [NewEvent], organizationID: UniqueID) async throws -> [AppendOutcome] {
        guard !events.isEmpty else { return [] }
        let request = AppendRequest(organizationID: organizationID, events: events)
        let weight = events.reduce(0) { $0 + $1.weight }
        return try await withCheckedThrowingContinuation { continuation in
            let waiting = Waiting(request: request, weight: weight, continuation: continuation)
            if let error = enqueue(waiting) {
                continuation.resume(throwing: error)
            } else {
                arrival.yield()
            }
        }
    }

    /// Commits batches until graceful shutdown, then what is left.
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.notifier.run() }
            await withGracefulShutdownHandler {
                for await _ in arrivals {
                    while let batch = takeBatch() { await commit(batch) }
                }
                while let batch = takeBatch() { await commit(batch) }
            } onGracefulShutdown: {
                self.state.withLock { $0.isClosed = true }
                self.arrival.finish()
            }
            notifier.finish()
        }
    }

    private func enqueue(_ waiting: Waiting) -> EventStoreError? {
        state.withLock { state in
            if state.isClosed { return EventStoreError(.unavailable, "the gateway is stopping") }
            let count = waiting.request.events.count
            // A request larger than the whole queue is taken when nothing else waits: it could never be taken
            // otherwise.
            guard
                state.queue.isEmpty
                    || (state.events + count <= limits.queuedEvents
                        && state.bytes + waiting.weight <= limits.queuedBytes)
            else { return EventStoreError(.overloaded, "\(state.events) events wait to be stored") }
            state.queue.append(waiting)
            state.events += count
            state.bytes += waiting.weight
            return nil
        }
    }

    private func takeBatch() -> [Waiting]? {
        state.withLock { state in
            guard !state.queue.isEmpty else { return nil }
            var count = 0
            var end = 0
            while end < state.queue.count {
                let next = state.queue[end].request.events.count
                guard end == 0 || count + next <= limits.eventsPerCommit else { break }
                count += next
                end += 1
            }
            let batch = Array(state.queue[..<end])
            state.queue.removeSubrange(..<end)
            state.events -= count
            state.bytes -= batch.reduce(0) { $0 + $1.weight }
            return batch
        }
    }

    private func commit(_ batch: [Waiting]) async {
        do {
            let outcomes = try await append(batch.map(\.request))
            notifier.signal()
            for (waiting, answer) in zip(batch, outcomes) { waiting.continuation.resume(returning: answer) }
        } catch {
            guard batch.count > 1, !error.isRetriable else {
                logger.warning("append.failed", metadata: ["error": "\(error)", "append.requests": "\(batch.count)"])
                let told = EventStoreError(error.isRetriable ? .unavailable : .unexpected, error.description)
                for waiting in batch { waiting.continuation.resume(throwing: told) }
                return
            }
            for waiting in batch { await commit([waiting]) }
        }
    }

    private func append(_ requests: [AppendRequest]) async throws(PostgresError) -> [[AppendOutcome]] {
        let deadline = ContinuousClock.now.advanced(by: limits.patience)
        var again = false
        while true {
            do throws(PostgresError) {
                return try await appender.append(requests, again: again)
            } catch {
                guard error.isRetriable, ContinuousClock.now < deadline else { throw error }
                // Also after a refusal to connect: cheaper than to tell which losses came after the statement.
                again = true
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
