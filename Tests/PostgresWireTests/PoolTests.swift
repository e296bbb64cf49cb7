import Synchronization
import TestKit
import Testing

@testable import PostgresWire

@Suite("Pool")
struct PoolTests {
    /// A pool whose connections are all lent for the duration of the body.
    private func withExhaustedPool(
        waitLimit: Duration = .seconds(60), maximumWaiters: Int = 16,
        _ body: @escaping @Sendable (PostgresPool) async throws -> Void
    ) async throws {
        let pool = PostgresPool(
            configuration: try TestServers.postgres(database: "postgres"), size: 1, maximumWaiters: maximumWaiters,
            waitLimit: waitLimit, logger: testLogger)
        try await pool.withConnection { _ in try await body(pool) }
    }

    @Test("Never more connections than its size are open, and every caller gets its turn")
    func bound() async throws {
        try await withTestDatabase { configuration in
            try await withTestPool(configuration, size: 3) { pool async throws in
                let backends = try await withThrowingTaskGroup(of: Int32.self) { group in
                    for _ in 0..<60 { group.addTask { try await pool.backend() } }
                    return try await group.reduce(into: [Int32]()) { $0.append($1) }
                }
                #expect(backends.count == 60)
                #expect(Set(backends).count <= 3)
            }
        }
    }

    @Test("A caller waits no longer than the limit")
    func waitLimit() async throws {
        try await withExhaustedPool(waitLimit: .milliseconds(20)) { pool async throws in
            let error = await #expect(throws: PostgresError.self) { try await pool.backend() }
            #expect(error?.kind == .poolTimeout)
            #expect(pool.waiterCount == 0)
        }
    }

    @Test("More callers than may wait are refused at once")
    func waiterLimit() async throws {
        try await withExhaustedPool(maximumWaiters: 0) { pool async throws in
            let error = await #expect(throws: PostgresError.self) { try await pool.backend() }
            #expect(error?.kind == .poolTimeout)
        }
    }

    @Test("A cancelled caller leaves the queue, and the next one is served")
    func cancelledWaiter() async throws {
        try await withExhaustedPool { pool async throws in
            let waiting = Task { try await pool.backend() }
            while pool.waiterCount == 0 { await Task.yield() }
            waiting.cancel()
            let error = await #expect(throws: PostgresError.self) { try await waiting.value }
            #expect(error?.kind == .poolTimeout)
            #expect(pool.waiterCount == 0)
        }
    }

    @Test("Callers are served in the order in which they came")
    func order() async throws {
        let served = Served()
        let pool = PostgresPool(
            configuration: try TestServers.postgres(database: "postgres"), size: 1, waitLimit: .seconds(60),
            logger: testLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await pool.withConnection { _ in
                for number in 1...5 {
                    group.addTask {
                        try await pool.withConnection { _ in served.numbers.withLock { $0.append(number) } }
                    }
                    while pool.waiterCount < number { await Task.yield() }
                }
            }
            try await group.waitForAll()
        }
        #expect(served.numbers.withLock { $0 } == [1, 2, 3, 4, 5])
    }

    @Test("A task that is cancelled gets no connection, and the pool is none the worse")
    func cancelledBefore() async throws {
        try await withTestPool(try TestServers.postgres(database: "postgres"), size: 1) { pool async throws in
            let (gate, opener) = AsyncStream<Void>.makeStream()
            let task = Task {
                for await _ in gate {}
                return try await pool.backend()
            }
            task.cancel()
            opener.finish()
            await #expect(throws: PostgresError.self) { try await task.value }
            #expect(try await pool.value("SELECT 1") == 1)
        }
    }

    @Test("A session that was ended while it idled is replaced before anybody notices")
    func endedWhileIdle() async throws {
        try await withTestPool(try TestServers.postgres(database: "postgres"), size: 1) { pool async throws in
            let backend = try await pool.backend()
            try await terminate(backend)
            #expect(try await pool.backend() != backend)
        }
    }

    @Test("A session that is ended in use gives an error that may be retried, and the next call a new session")
    func endedInUse() async throws {
        try await withTestPool(try TestServers.postgres(database: "postgres"), size: 1) { pool async throws in
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { connection async throws in
                    try await terminate(try await connection.backend())
                    try await connection.backend()
                }
            }
            #expect(error?.kind == .connection)
            #expect(error?.isRetriable == true)
            #expect(try await pool.value("SELECT 1") == 1)
        }
    }

    @Test("A server that is away gives an error at once, without the password in it")
    func away() async throws {
        var configuration = try TestServers.postgres(database: "postgres")
        configuration.port = 1
        configuration.password = "hunter2"
        try await withTestPool(configuration, size: 2) { pool async throws in
            for _ in 0..<20 {
                let error = await #expect(throws: PostgresError.self) { try await pool.backend() }
                #expect(error?.kind == .connection)
                #expect(error?.isRetriable == true)
                #expect(error?.description.contains("hunter2") == false)
            }
        }
    }

    @Test("A server that answers nothing gives up the caller after the time for connecting")
    func silent() async throws {
        // A port that listens and is never accepted from: the handshake waits for an answer.
        let listener = SilentListener()
        var configuration = try TestServers.postgres(database: "postgres")
        configuration.port = listener.port
        configuration.connectTimeoutSeconds = 1
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(configuration, logger: testLogger)
        }
        #expect(error?.kind == .connection)
        listener.close()
    }
}

/// Who was served, in order.
private final class Served: Sendable {
    let numbers = Mutex<[Int]>([])
}
