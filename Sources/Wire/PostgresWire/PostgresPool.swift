public import EventModel
public import Logging
public import ServiceLifecycle
import Synchronization

/// A bounded number of connections, lent one borrower at a time, in the order in which they asked.
///
/// Connections are made when they are first needed and replaced when they break; one that comes back inside a
/// transaction or a pipeline is closed, and so is an idle one that the server has closed. While the server is away,
/// attempts are spaced out (50 ms doubling to 2 s, with jitter); calls in between fail at once with the error of the
/// last attempt, so that callers can answer their own callers instead of piling up.
public final class PostgresPool: Service, PostgresSession {
    private typealias Grant = PoolState<PostgresConnection>.Grant
    private typealias Turn = CheckedContinuation<Result<Grant, PostgresError>, Never>

    private struct State {
        var slots: PoolState<PostgresConnection>
        var gate = ReconnectGate()
        var turns: [Int: Turn] = [:]
        var lastWaiter = 0
    }

    private let configuration: PostgresConfiguration
    private let waitLimit: Duration
    private let logger: Logger
    private let state: Mutex<State>

    /// Makes a pool; nothing connects yet.
    ///
    /// - Parameters:
    ///   - size: the most connections at a time, from 1 to 200: each may block a lane (see `SerialLane`).
    ///   - maximumWaiters: how many callers may wait for one; more are refused at once.
    ///   - waitLimit: how long a caller waits before it is refused.
    public init(
        configuration: PostgresConfiguration, size: Int, maximumWaiters: Int = 1_024,
        waitLimit: Duration = .seconds(5), logger: Logger
    ) {
        precondition((1...200).contains(size), "a pool has from 1 to 200 connections")
        self.configuration = configuration
        self.waitLimit = waitLimit
        self.logger = logger
        state = Mutex(State(slots: PoolState(size: size, maximumWaiters: maximumWaiters)))
    }

    /// How many callers wait for a connection now.
    public var waiterCount: Int { state.withLock { $0.slots.waiterCount } }

    /// Waits for graceful shutdown, then closes idle connections; borrowed ones close when they come back.
    ///
    /// Whoever still finishes work after that gets connections of its own, which are not kept.
    public func run() async throws {
        try? await gracefulShutdown()
        _ = state.withLock { $0.slots.close() }
    }

    /// Runs one statement on a connection borrowed for it.
    @discardableResult
    public func query(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) async throws(PostgresError) -> PostgresRows {
        let connection = try await acquire()
        defer { release(connection) }
        return try await connection.query(statement, parameters)
    }

    /// Lends a connection for the duration of the body, which must not keep it.
    ///
    /// - Throws: ``PostgresError`` when there is none, and what the body throws. A task that is cancelled gets none.
    public func withConnection<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        let connection = try await acquire()
        defer { release(connection) }
        return try await body(connection)
    }

    /// Runs the body in a transaction, committed when it returns and undone when it throws.
    ///
    /// - Parameters:
    ///   - organization: the one whose rows row-level security shows inside; nil shows what the role may see.
    ///   - opening: a statement without parameters that opens it, in the same round trip.
    /// - Throws: also when the body has caught the error of a statement and returned: nothing was stored then.
    public func withTransaction<R>(
        organization: UniqueID? = nil, opening: PostgresStatement? = nil,
        _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        try await withConnection { connection in
            do {
                try await connection.begin(organization: organization, opening: opening)
                let result = try await body(connection)
                try await connection.commit()
                return result
            } catch {
                await connection.rollback()
                throw error
            }
        }
    }
}

// MARK: - Lending

extension PostgresPool {
    private func acquire() async throws(PostgresError) -> PostgresConnection {
        guard !Task.isCancelled else { throw Self.cancelled }
        switch try await waitForGrant() {
        case .slot: return try await connect()
        case .connection(let connection):
            if connection.socket.isQuiet { return connection }
            await connection.readNews()
            return connection.isReusable ? connection : try await connect()
        }
    }

    private func waitForGrant() async throws(PostgresError) -> Grant {
        if let grant = state.withLock({ $0.slots.acquire() }) { return grant }
        let waiter = state.withLock {
            $0.lastWaiter += 1
            return $0.lastWaiter
        }
        let timer = Task { [waitLimit] in
            try await Task.sleep(for: waitLimit)
            refuse(waiter, PostgresError(.poolTimeout, "no connection became free within \(waitLimit)"))
        }
        defer { timer.cancel() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { enrol(waiter, $0) }
        } onCancel: {
            refuse(waiter, Self.cancelled)
        }
        return try result.get()
    }

    private func enrol(_ waiter: Int, _ turn: Turn) {
        let answer: Result<Grant, PostgresError>? = state.withLock { state in
            // Under the lock, so that a cancellation comes either before this or finds the waiter in the queue.
            guard !Task.isCancelled else { return .failure(Self.cancelled) }
            if let grant = state.slots.acquire() { return .success(grant) }
            guard state.slots.enrol(waiter) else {
                return .failure(PostgresError(.poolTimeout, "too many callers wait for a connection"))
            }
            state.turns[waiter] = turn
            return nil
        }
        if let answer { turn.resume(returning: answer) }
    }

    private func refuse(_ waiter: Int, _ error: PostgresError) {
        let turn = state.withLock { $0.slots.cancel(waiter) ? $0.turns.removeValue(forKey: waiter) : nil }
        turn?.resume(returning: .failure(error))
    }

    private func release(_ connection: PostgresConnection) {
        handOver(connection.isReusable ? connection : nil)
    }

    /// Gives a slot to the next in line, with the connection when there is one, or parks it.
    private func handOver(_ connection: PostgresConnection?) {
        let next: (Turn?, Grant)? = state.withLock { state in
            guard case .waiter(let waiter, let grant) = state.slots.release(connection) else { return nil }
            return (state.turns.removeValue(forKey: waiter), grant)
        }
        if let (turn, grant) = next { turn?.resume(returning: .success(grant)) }
    }

    private static let cancelled = PostgresError(.poolTimeout, "the task was cancelled")
}

// MARK: - Connecting

extension PostgresPool {
    /// Makes a connection for a slot that the caller holds; on failure the slot goes to the next in line.
    private func connect() async throws(PostgresError) -> PostgresConnection {
        let attempt = Duration.seconds(configuration.connectTimeoutSeconds)
        if let refusal = state.withLock({ $0.gate.refusal(at: .now, attempt: attempt) }) {
            handOver(nil)
            throw refusal
        }
        do throws(PostgresError) {
            let connection = try await PostgresConnection.connect(configuration, logger: logger)
            let failures = state.withLock { $0.gate.succeeded() }
            if failures > 0 { logger.notice("postgres.reconnected", metadata: ["postgres.failures": "\(failures)"]) }
            return connection
        } catch {
            let jitter = Double.random(in: 0...1)
            let failures = state.withLock { $0.gate.failed(error, at: .now, jitter: jitter) }
            // Once a spell of absence: the next line is the reconnection.
            if failures == 1 { logger.warning("postgres.unreachable", metadata: ["error": "\(error)"]) }
            handOver(nil)
            throw error
        }
    }
}
