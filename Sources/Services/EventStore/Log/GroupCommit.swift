public import EventModel
public import Logging
public import PostgresWire
public import ServiceLifecycle
import Synchronization

/// Joins concurrent appends into one statement per commit.
///
/// There is no timer. While one commit is under way, requests collect; when it ends, all that have collected are the
/// next one. So an event that comes alone is committed alone and at once, and under load a commit, which costs the same
/// for one row as for hundreds, is shared by all who wait for it. Only when whole batches wait does a second connection
/// help: PostgreSQL parses the JSON of its batch while the first holds the lock of the log's part.
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
        public var queuedEvents = 50_000
        /// Most bytes that wait.
        public var queuedBytes = 64 << 20
        /// Most events of one commit, but at least one request.
        public var eventsPerCommit = 1_000
        /// From how many waiting events on two commits are under way at a time.
        public var eventsForTwo = 1_000
        /// How long a commit is tried again while the server does not answer.
        public var patience = Duration.seconds(3)

        /// The limits of a gateway.
        public init() {}
    }

    /// Who is told what became of a request.
    private enum Reply {
        case continuation(CheckedContinuation<[AppendOutcome], any Error>)
        case receiver(any AppendReceiver, token: Int)
    }

    private struct Waiting {
        let request: AppendRequest
        let weight: Int
        let reply: Reply

        init(_ request: AppendRequest, _ reply: Reply) {
            self.request = request
            self.reply = reply
            weight = request.events.reduce(0) { $0 + $1.weight }
        }
    }

    private struct State {
        var queue: [Waiting] = []
        var events = 0
        var bytes = 0
        var isClosed = false
    }

    private let pool: PostgresPool
    private let notifier: Notifier
    private let limits: Limits
    private let metrics: LogMetrics
    private let logger: Logger
    private let state = Mutex(State())
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation
    private let crowds: AsyncStream<Void>
    private let crowd: AsyncStream<Void>.Continuation

    /// Makes a queue on a pool; `run` commits what it takes.
    public init(pool: PostgresPool, limits: Limits = Limits(), metrics: LogMetrics = LogMetrics(), logger: Logger) {
        self.pool = pool
        notifier = Notifier(session: pool)
        self.limits = limits
        self.metrics = metrics
        self.logger = logger
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (crowds, crowd) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Appends events of one organization and returns when they are durable: one outcome each, in their order.
    ///
    /// - Throws: ``EventStoreError`` with code `overloaded` or `unavailable`.
    public func append(_ events: [NewEvent], organizationID: UniqueID) async throws -> [AppendOutcome] {
        guard !events.isEmpty else { return [] }
        let request = AppendRequest(organizationID: organizationID, events: events)
        return try await withCheckedThrowingContinuation { continuation in
            enqueue([Waiting(request, .continuation(continuation))])
        }
    }

    /// Appends single events, each judged by itself, and tells the receiver when they are durable.
    ///
    /// For a caller that serves many requests on one thread: what a commit decides for all of them it is told in one
    /// call, where a continuation each would wake it as often.
    public func append(_ events: [ReceivedEvent], receiver: any AppendReceiver) {
        enqueue(
            events.map { Waiting(AppendRequest($0), .receiver(receiver, token: $0.token)) })
    }

    /// Commits batches until graceful shutdown, then what is left.
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.notifier.run() }
            group.addTask {
                for await _ in self.crowds { await self.commitWaiting(from: self.limits.eventsForTwo) }
            }
            await withGracefulShutdownHandler {
                for await _ in arrivals { await commitWaiting(from: 1) }
                await commitWaiting(from: 1)
            } onGracefulShutdown: {
                self.state.withLock { $0.isClosed = true }
                self.arrival.finish()
                self.crowd.finish()
            }
            notifier.finish()
        }
    }

    private func enqueue(_ items: [Waiting]) {
        let (refused, count) = state.withLock { state in
            (items.compactMap { item in admit(item, &state).map { (item, $0) } }, state.events)
        }
        if refused.count < items.count { arrival.yield() }
        if count >= limits.eventsForTwo { crowd.yield() }
        answer(refused.map { ($0, .failure($1)) })
    }

    /// Puts a request into the queue, or says why not.
    private func admit(_ item: Waiting, _ state: inout State) -> EventStoreError? {
        if state.isClosed { return EventStoreError(.unavailable, "the gateway is stopping") }
        let count = item.request.events.count
        // A request larger than the whole queue is taken when nothing else waits: it could never be taken otherwise.
        guard
            state.queue.isEmpty
                || (state.events + count <= limits.queuedEvents && state.bytes + item.weight <= limits.queuedBytes)
        else { return EventStoreError(.overloaded, "\(state.events) events wait to be stored") }
        state.queue.append(item)
        state.events += count
        state.bytes += item.weight
        return nil
    }

    /// What is to be committed next, when at least so many events wait.
    private func takeBatch(from minimum: Int = 1) -> [Waiting]? {
        state.withLock { state in
            metrics.queued(state.events)
            guard state.events >= minimum else { return nil }
            var count = 0
            var end = 0
            while end < state.queue.count {
                let next = state.queue[end].request.events.count
                guard end == 0 || count + next <= limits.eventsPerCommit else { break }
                count += next
                end += 1
            }
            let batch = Array(state.queue[..<end])
            state.queue.removeFirst(end)
            state.events -= count
            state.bytes -= batch.reduce(0) { $0 + $1.weight }
            return batch
        }
    }

    /// Commits until fewer events wait.
    private func commitWaiting(from minimum: Int) async {
        while state.withLock({ $0.events >= minimum }) {
            do {
                guard let (batch, error) = try await pool.withConnection({ await drain(on: $0, from: minimum) })
                else { continue }
                if error.isRetriable { await commit(batch, again: true) } else { await refuse(batch, error) }
            } catch {
                // There is no connection. What waits has a right to some patience before it is told.
                if let batch = takeBatch(from: minimum) { await commit(batch) }
            }
        }
    }

    /// Commits what waits on the connection's own lane, so that under load no commit waits for another thread.
    ///
    /// - Returns: the batch that failed, if one did.
    private func drain(
        on connection: isolated PostgresConnection, from minimum: Int
    ) async -> ([Waiting], PostgresError)? {
        let appender = EventAppender(session: connection)
        while let batch = takeBatch(from: minimum) {
            let start = ContinuousClock.now
            do throws(PostgresError) {
                finish(batch, try await appender.append(batch.map(\.request), again: false), since: start)
            } catch {
                return (batch, error)
            }
        }
        return nil
    }

    /// Commits one batch on any connection, with patience.
    private func commit(_ batch: [Waiting], again: Bool = false) async {
        let start = ContinuousClock.now
        do throws(PostgresError) {
            finish(batch, try await append(batch.map(\.request), again: again), since: start)
        } catch {
            await refuse(batch, error)
        }
    }

    private func finish(_ batch: [Waiting], _ outcomes: [[AppendOutcome]], since start: ContinuousClock.Instant) {
        notifier.signal()
        metrics.committed(outcomes.reduce(0) { $0 + $1.count }, duration: ContinuousClock.now - start)
        answer(zip(batch, outcomes).map { ($0, .success($1)) })
    }

    /// Tells the requests of a batch that they failed; but what the server refused together is tried one by one.
    private func refuse(_ batch: [Waiting], _ error: PostgresError) async {
        guard batch.count > 1, !error.isRetriable else {
            logger.warning("append.failed", metadata: ["error": "\(error)", "append.requests": "\(batch.count)"])
            let told = EventStoreError(error.isRetriable ? .unavailable : .unexpected, error.description)
            return answer(batch.map { ($0, .failure(told)) })
        }
        for waiting in batch { await commit([waiting]) }
    }

    /// Tells everybody, each receiver once.
    private func answer(_ answers: [(Waiting, Result<[AppendOutcome], EventStoreError>)]) {
        var receivers: [ObjectIdentifier: (receiver: any AppendReceiver, answers: [AppendAnswer])] = [:]
        for (waiting, result) in answers {
            switch waiting.reply {
            case .continuation(let continuation):
                continuation.resume(with: result.mapError { $0 as any Error })
            case .receiver(let receiver, let token):
                receivers[ObjectIdentifier(receiver), default: (receiver, [])].answers
                    .append(AppendAnswer(token: token, result: result.map { $0[0] }))
            }
        }
        for (receiver, answers) in receivers.values { receiver.receive(answers) }
    }

    private func append(
        _ requests: [AppendRequest], again: Bool
    ) async throws(PostgresError) -> [[AppendOutcome]] {
        let deadline = ContinuousClock.now.advanced(by: limits.patience)
        let appender = EventAppender(session: pool)
        var again = again
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
