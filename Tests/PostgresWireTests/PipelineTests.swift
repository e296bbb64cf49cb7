import PostgresWire
import Testing

@Suite("Pipelines")
struct PipelineTests {
    private static let insert = PostgresStatement("pipeline_insert", "INSERT INTO t VALUES ($1) RETURNING n")
    private static let double = PostgresStatement("pipeline_double", "SELECT n * 2 FROM t ORDER BY n")

    private func withTable<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        try await withConnection { connection async throws in
            try await connection.execute(script: "CREATE TEMP TABLE t (n int8 UNIQUE)")
            return try await body(connection)
        }
    }

    @Test("Answers come in the order of the calls, and the connection goes on as before")
    func answersInOrder() async throws {
        try await withTable { connection async throws in
            let answers = try await connection.pipeline([
                (Self.insert, [.int8(1)]), (Self.insert, [.int8(2)]), (Self.double, []),
            ])
            #expect(try answers.map { try $0.map { try $0.decode(0, as: Int.self) } } == [[1], [2], [2, 4]])
            #expect(try await connection.pipeline([]).isEmpty)
            #expect(try await connection.value("SELECT count(*) FROM t") == 2)
        }
    }

    @Test("The first error undoes all calls, and is the one that is thrown")
    func firstErrorUndoesAll() async throws {
        try await withTable { connection async throws in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.pipeline([
                    (Self.insert, [.int8(1)]), (Self.insert, [.int8(1)]), (Self.insert, [.int8(2)]),
                ])
            }
            #expect(error?.sqlState == "23505")
            #expect(try await connection.value("SELECT count(*) FROM t") == 0)
            #expect(try await connection.pipeline([(Self.insert, [.int8(3)])])[0].affectedRows == 1)
        }
    }

    @Test("An error in a transaction fails the transaction")
    func insideTransaction() async throws {
        try await withTable { connection async throws in
            try await connection.begin()
            try await connection.pipeline([(Self.insert, [.int8(1)])])
            await #expect(throws: PostgresError.self) {
                try await connection.pipeline([(Self.insert, [.int8(1)])])
            }
            let error = await #expect(throws: PostgresError.self) { try await connection.commit() }
            #expect(error?.sqlState == "25P02")
            #expect(try await connection.value("SELECT count(*) FROM t") == 0)
        }
    }

    @Test("Requests and answers larger than all buffers together do not wait for each other")
    func largeBothWays() async throws {
        try await withConnection { connection async throws in
            let echo = PostgresStatement("pipeline_echo", "SELECT $1::text || $1")
            let text = String(repeating: "x", count: 100_000)
            let answers = try await connection.pipeline(Array(repeating: (echo, [.text(text)]), count: 200))
            #expect(answers.count == 200)
            #expect(try answers.last?[0].decode(0, as: String.self).utf8.count == 200_000)
        }
    }

    @Test("A call that cannot be sent is an error that is not retried, and the connection goes on")
    func tooManyParameters() async throws {
        try await withConnection { connection async throws in
            let one = PostgresStatement("pipeline_one", "SELECT 1")
            try await connection.query(one)
            let tooMany = [PostgresParameter](repeating: .null, count: 70_000)
            let error = await #expect(throws: PostgresError.self) { try await connection.query(one, tooMany) }
            #expect(error?.isRetriable == false)
            #expect(try await connection.query(one).count == 1)
        }
    }

    @Test("A server that dies in the middle of a pipeline is a lost connection")
    func lostConnection() async throws {
        try await withConnection { connection async throws in
            let one = PostgresStatement("pipeline_before", "SELECT 1")
            let suicide = PostgresStatement("pipeline_suicide", "SELECT pg_terminate_backend(pg_backend_pid())")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.pipeline([(one, []), (suicide, []), (one, [])])
            }
            #expect(error?.kind == .connection)
            #expect(error?.isRetriable == true)
            let after = await #expect(throws: PostgresError.self) { try await connection.query(one) }
            #expect(after?.kind == .connection)
        }
    }
}
