import EventModel
import TestKit
import Testing

@testable import PostgresWire

@Suite("Transactions")
struct TransactionTests {
    private struct Refusal: Error {}

    private static let insert = PostgresStatement("transaction_insert", "INSERT INTO t VALUES ($1)")
    private static let count = PostgresStatement("transaction_count", "SELECT count(*) FROM t")

    private func withTable(_ body: (PostgresPool) async throws -> Void) async throws {
        try await withTestDatabase { configuration in
            try await withTestPool(configuration, size: 2) { pool async throws in
                try await pool.withConnection { try await $0.execute(script: "CREATE TABLE t (n int8 UNIQUE)") }
                try await body(pool)
            }
        }
    }

    @Test("What the body did is kept when it returns, and undone when it throws")
    func commitAndRollback() async throws {
        try await withTable { pool async throws in
            _ = try await pool.withTransaction { try await $0.query(Self.insert, [.int8(1)]) }
            await #expect(throws: Refusal.self) {
                try await pool.withTransaction { connection async throws in
                    try await connection.query(Self.insert, [.int8(2)])
                    throw Refusal()
                }
            }
            let rows = try await pool.query(Self.count)
            #expect(try rows[0].decode(0) == 1)
        }
    }

    @Test("A body that swallows the error of a statement is told that nothing was kept")
    func swallowedError() async throws {
        try await withTable { pool async throws in
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { connection async throws in
                    try await connection.query(Self.insert, [.int8(1)])
                    _ = try? await connection.query(Self.insert, [.int8(1)])
                }
            }
            #expect(error?.sqlState == "25P02")
            let rows = try await pool.query(Self.count)
            #expect(try rows[0].decode(0) == 0)
        }
    }

    @Test("The organization is set inside the transaction, and nowhere else")
    func organization() async throws {
        let id = UniqueID(high: 1, low: 2)
        let setting = PostgresStatement("setting", "SELECT current_setting('collider.organization_id', true)")
        try await withTable { pool async throws in
            let inside = try await pool.withTransaction(organization: id) { try await $0.query(setting) }
            #expect(try inside[0].decode(0) == id.description)
            let after = try await pool.query(setting)
            #expect(try after[0].decodeIfPresent(0, as: String.self) ?? "" == "")
            let without = try await pool.withTransaction { try await $0.query(setting) }
            #expect(try without[0].decodeIfPresent(0, as: String.self) ?? "" == "")
        }
    }

    @Test("Cancellation in the body undoes the transaction, and the connection can be lent again")
    func cancellation() async throws {
        try await withTable { pool async throws in
            let backend = try await pool.backend()
            let (started, start) = AsyncStream<Void>.makeStream()
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await pool.withTransaction { connection async throws in
                        try await connection.query(Self.insert, [.int8(1)])
                        start.finish()
                        try await Task.sleep(for: .seconds(60))
                    }
                }
                for await _ in started {}
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            let rows = try await pool.query(Self.count)
            #expect(try rows[0].decode(0) == 0)
            #expect(try await pool.backend() == backend)
        }
    }

    @Test("A transaction left open by its body is not met by the next borrower")
    func leftOpen() async throws {
        try await withTable { pool async throws in
            let backend = try await pool.withConnection { connection async throws in
                try await connection.begin()
                try await connection.query(Self.insert, [.int8(1)])
                return try await connection.backend()
            }
            let rows = try await pool.query(Self.count)
            #expect(try rows[0].decode(0) == 0)
            #expect(try await pool.backend() != backend)
        }
    }

    @Test("A transaction that idles past its limit is ended by the server, and may be tried again")
    func idleInTransaction() async throws {
        try await withTestDatabase { configuration in
            var impatient = configuration
            impatient.idleInTransactionTimeoutMilliseconds = 50
            try await withTestPool(impatient, size: 1) { pool async throws in
                let error = await #expect(throws: PostgresError.self) {
                    try await pool.withTransaction { connection async throws in
                        while connection.socket.isQuiet { try await Task.sleep(for: .milliseconds(5)) }
                        try await connection.backend()
                    }
                }
                #expect(error?.isRetriable == true)
                #expect(try await pool.value("SELECT 1") == 1)
            }
        }
    }
}
