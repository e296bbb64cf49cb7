import EventModel
import TestKit
import Testing

@testable import PostgresWire

@Suite("Statements")
struct StatementTests {
    @Test("An error carries the server's SQLSTATE and words, and leaves the connection usable")
    func errors() async throws {
        try await withConnection { connection async throws in
            let cases = [
                ("SELECT 1 / ($1::int4 - $1)", "22012"), ("SELECT nothing($1::int4)", "42883"), ("SELEC $1", "42601"),
            ]
            for (sql, state) in cases {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.value(sql, .int4(1), as: Int.self)
                }
                #expect(error?.kind == .server)
                #expect(error?.sqlState == state)
                #expect(error?.isRetriable == false)
                #expect(error?.message.contains("\n") == false)
            }
            #expect(try await connection.value("SELECT 7") == 7)
        }
    }

    @Test("A value that a constraint refuses is not in the error")
    func valuesStayOut() async throws {
        try await withConnection { connection async throws in
            try await connection.execute(script: "CREATE TEMP TABLE secrets (value text UNIQUE)")
            let insert = PostgresStatement("insert_secret", "INSERT INTO secrets VALUES ($1)")
            try await connection.query(insert, [.text("hunter2")])
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query(insert, [.text("hunter2")])
            }
            #expect(error?.sqlState == "23505")
            #expect(error?.description.contains("hunter2") == false)
        }
    }

    @Test("A text with a NUL, JSON that is none, and bytes that are no UTF-8 are refused by the server")
    func hostileValues() async throws {
        try await withConnection { connection async throws in
            for (sql, parameter) in [
                ("SELECT $1::text", PostgresParameter.text("a\0b")),
                ("SELECT $1::jsonb", .jsonb(Array("{".utf8))),
                ("SELECT $1::jsonb", .jsonb([0xFF])),
            ] {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query(PostgresStatement("hostile", sql), [parameter])
                }
                #expect(error?.kind == .server)
                #expect(error?.sqlState?.hasPrefix("22") == true)
            }
        }
    }

    @Test("A statement is prepared once per connection")
    func preparedOnce() async throws {
        try await withConnection { connection async throws in
            let statement = PostgresStatement("once", "SELECT $1::int8 + 1")
            for value: Int64 in 0..<10 { try await connection.query(statement, [.int8(value)]) }
            #expect(
                try await connection.value(
                    "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE name = 'once'") == 10)
        }
    }

    @Test("A first use with NULL does not settle the type of later values")
    func nullFirst() async throws {
        try await withConnection { connection async throws in
            try await connection.execute(script: "CREATE TEMP TABLE t (n int4, at timestamptz)")
            let insert = PostgresStatement("insert", "INSERT INTO t VALUES ($1, $2) RETURNING n, at")
            try await connection.query(insert, [.null, .null])
            let row = try await connection.query(insert, [.int8(5), .null])[0]
            #expect(try row.decode(0, as: Int.self) == 5)
            let both = try await connection.query(insert, [.null, .timestamp(Timestamp(microseconds: 3))])[0]
            #expect(try both.decode(1, as: Timestamp.self).microseconds == 3)
            #expect(try await connection.query(insert, [.int8(6), .null]).count == 1)
        }
    }

    @Test("NULLs never make a statement be prepared more often than it has parameters")
    func preparedStatementsSettle() {
        let statement = PostgresStatement("s", "…")
        var prepared = PreparedStatements()
        var count = 0
        for types: [UInt32] in [[0, 0], [20, 0], [0, 25], [20, 25], [0, 0], [0, 25], [20, 0]] {
            guard case .prepare(let merged, let isReplacing) = prepared.plan(statement, types) else { continue }
            #expect(isReplacing == (count > 0))
            prepared.note(statement, merged)
            count += 1
        }
        #expect(count == 3)
        let other = PostgresStatement("s", "other text")
        #expect(prepared.plan(other, [20, 25]) == .prepare(types: [20, 25], replacing: true))
    }

    @Test("A script runs many statements, and all or none of them")
    func scripts() async throws {
        try await withConnection { connection async throws in
            try await connection.execute(script: "CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1); SELECT 1;")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(script: "INSERT INTO t VALUES (2); SELECT 1/0; INSERT INTO t VALUES (3)")
            }
            #expect(error?.sqlState == "22012")
            #expect(try await connection.value("SELECT count(*) FROM t") == 1)
            try await connection.execute(script: "")
        }
    }

    @Test("Sessions take on their role, keep UTC, and have the timeouts of their configuration")
    func sessionSettings() async throws {
        try await withTestDatabase { configuration in
            var configuration = configuration
            configuration.applicationName = "it's a name"
            configuration.statementTimeoutMilliseconds = 1_234
            configuration.idleInTransactionTimeoutMilliseconds = 2_345
            configuration.role = "pg_monitor"
            try await withTestConnection(configuration) { connection async throws in
                #expect(try await connection.value("SELECT current_user::text") == "pg_monitor")
                #expect(try await connection.value("SELECT current_setting('timezone')") == "UTC")
                #expect(try await connection.value("SELECT current_setting('statement_timeout')") == "1234ms")
                #expect(
                    try await connection.value("SELECT current_setting('idle_in_transaction_session_timeout')")
                        == "2345ms")
                #expect(try await connection.value("SELECT current_setting('application_name')") == "it's a name")
            }
        }
    }

    @Test("A role with a blank in its name is one role")
    func oddRole() async throws {
        var configuration = try TestServers.postgres(database: "postgres", role: #"no such\ role"#)
        configuration.applicationName = "tests"
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(configuration, logger: testLogger)
        }
        #expect(error?.message.contains(#"no such\ role"#) == true)
    }
}
