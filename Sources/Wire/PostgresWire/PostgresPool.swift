public import EventModel
public import Logging
public import ServiceLifecycle
import Synchronization

/// A bounded number of connections, lent one borrower at a time, in the order in which they asked.
///
/// Connections are made when they are first needed and replaced when they break. While the server is away, attempts are
/// spaced out (50 ms doubling to 2 s, with jitter); calls in between fail at once with the error of the last attempt, so
/// that callers can answer their own callers instead of piling up.
public final class PostgresPool: Service, PostgresSession {
    private typealias Grant = Result<PostgresConnection?, PostgresError>

    private struct State {
        var slots: PoolState<PostgresConnection>
        var continuations: [Int: CheckedContinuation<Grant, Never>] = [:]
        var nextWaiter = 0
        var failures = 0
        var lastError: PostgresError?
        var retryAt: ContinuousClock.Instant?
    }

    private let configuration: PostgresConfiguration
    private let waitLimit: Duration
    private let logger: Logger
    private let state: Mutex<State>

    /// Makes a pool; nothing connects yet.
    ///
    /// - Parameters:
    ///   - size: the most connections at a time.
    ///   - maximumWaiters: how many callers may wait for one; more are refused at once.
    ///   - waitLimit: how long a caller waits before it is refused.
    public init(
        configuration: PostgresConfiguration, size: Int, maximumWaiters: Int = 1_024,
        waitLimit: Duration = .seconds(5), logger: Logger
    ) {
        self.configuration = configuration
        self.waitLimit = waitLimit
        self.logger = logger
        state = Mutex(State(slots: PoolState(size: size, maximumWaiters: maximumWaiters)))
    }

    /// Waits for graceful shutdown, then closes idle connections; borrowed ones close when they come back.
    public func run() async throws {
        try? await gracefulShutdown()
        _ = state.withLock { $0.slots.drain() }
    }

    public func query(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) async throws(PostgresError) -> PostgresRows {
        let connection = try await acquire()
        do throws(PostgresError) {
            let rows = try await connection.query(statement, parameters)
            await release(connection)
            return rows
        } catch {
            await release(connection)
            throw error
        }
    }

    /// Lends a connection for the duration of the body.
    public func withConnection<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        let connection = try await acquire()
        do {
            let result = try await body(connection)
            await release(connection)
            return result
        } catch {
            await release(connection)
            throw error
        }
    }

    /// Runs the body in a transaction, committed when it returns and undone when it throws.
    ///
    /// - Parameter organization: the one whose rows row-level security shows inside; nil shows what the role may see.
    public func withTransaction<R>(
        organization: UniqueID? = nil, _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        try await withConnection { connection in
            do {
                try await connection.begin(organization: organization)
                let result = try await body(connection)
                try await connection.commit()
                return result
            } catch {
                await connection.rollback()
                throw error
            }
        }
    }

    private func acquire() async throws(PostgresError) -> PostgresConnection {
        let id = state.withLock {
            $0.nextWaiter += 1
            return $0.nextWaiter
        }
        let grant = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enrol(id, continuation)
            }
        } onCancel: {
            refuse(id, "the wait for a connection was cancelled")
        }
        switch grant {
        case .success(let connection?): return connection
        case .success(nil): return try await connect()
        case .failure(let error): throw error
        }
    }

    private func enrol(_ id: Int, _ continuation: CheckedContinuation<Grant, Never>) {
        let grant: Grant? = state.withLock { state in
            guard !Task.isCancelled else { return .failure(PostgresError(.poolTimeout, "the task was cancelled")) }
            switch state.slots.acquire(waiter: id) {
            case .connection(let connection): return .success(connection)
            case .slot: return .success(nil)
            case .refuse: return .failure(PostgresError(.poolTimeout, "too many callers wait for a connection"))
            case .wait:
                state.continuations[id] = continuation
                return nil
            }
        }
        if let grant { return continuation.resume(returning: grant) }
        let limit = waitLimit
        // A timer for this waiter alone, which ends by itself; a waiter that was served meanwhile is not in the list.
        Task { [weak self] in
            try? await Task.sleep(for: limit)
            self?.refuse(id, "no connection became free within \(limit)")
        }
    }

    private func refuse(_ id: Int, _ reason: String) {
        let continuation = state.withLock { state in
            state.slots.cancel(waiter: id) ? state.continuations.removeValue(forKey: id) : nil
        }
        continuation?.resume(returning: .failure(PostgresError(.poolTimeout, reason)))
    }

    private func release(_ connection: PostgresConnection) async {
        handOver(await connection.isReusable ? connection : nil)
    }

    private func handOver(_ connection: PostgresConnection?) {
        let served: (CheckedContinuation<Grant, Never>?, PostgresConnection?)? = state.withLock { state in
            guard case .waiter(let id, let connection) = state.slots.release(connection) else { return nil }
            return (state.continuations.removeValue(forKey: id), connection)
        }
        if let served { served.0?.resume(returning: .success(served.1)) }
    }

    /// Makes a connection for a slot that the caller holds; on failure the slot goes to the next in line.
    private func connect() async throws(PostgresError) -> PostgresConnection {
        let pause: PostgresError? = state.withLock { state in
            guard let retryAt = state.retryAt, ContinuousClock.now < retryAt else { return nil }
            return state.lastError
        }
        do throws(PostgresError) {
            if let pause { throw pause }
            let connection = try await PostgresConnection.connect(configuration, logger: logger)
            noteSuccess()
            return connection
        } catch {
            if pause == nil { noteFailure(error) }
            handOver(nil)
            throw error
        }
    }

    private func noteSuccess() {
        let failures = state.withLock { state in
            defer { (state.failures, state.retryAt, state.lastError) = (0, nil, nil) }
            return state.failures
        }
        if failures > 0 { logger.notice("postgres.reconnected", metadata: ["postgres.failures": "\(failures)"]) }
    }

    private func noteFailure(_ error: PostgresError) {
        let isFirst = state.withLock { state in
            state.failures += 1
            let ceiling = min(2_000, 50 << min(state.failures, 10))
            state.retryAt = .now.advanced(by: .milliseconds(Int.random(in: ceiling / 2...ceiling)))
            state.lastError = error
            return state.failures == 1
        }
        // Once a spell of absence: the next line is the reconnection.
        if isFirst { logger.warning("postgres.unreachable", metadata: ["error": "\(error)"]) }
    }
}
