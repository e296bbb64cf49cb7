import EventModel
import PostgresWire
import Testing

@Suite("Decoding")
struct DecodingTests {
    @Test("A column is read only as a type that it has, although the bytes would fit")
    func typesAreChecked() async throws {
        try await withConnection { connection async throws in
            let row = try await connection.query(
                PostgresStatement(
                    "types",
                    "SELECT 1::int8, now(), 'abcdefgh', 1.5::float8, sum(1::int8), '{}'::jsonb, '{1}'::int4[]"))[0]
            #expect(throws: PostgresError.self) { try row.decode(0, as: Double.self) }
            #expect(throws: PostgresError.self) { try row.decode(0, as: Timestamp.self) }
            #expect(throws: PostgresError.self) { try row.decode(1, as: Int64.self) }
            #expect(throws: PostgresError.self) { try row.decode(2, as: Int64.self) }
            #expect(throws: PostgresError.self) { try row.decode(3, as: Int64.self) }
            #expect(throws: PostgresError.self) { try row.decode(4, as: Int64.self) }
            #expect(throws: PostgresError.self) { try row.decode(5, as: String.self) }
            #expect(throws: PostgresError.self) { try row.decode(6, as: [String].self) }
            let error = #expect(throws: PostgresError.self) { try row.decode(2, as: UniqueID.self) }
            #expect(error?.kind == .decoding)
            #expect(error?.isRetriable == false)
        }
    }

    @Test("An integer is read as a narrower type only where it fits")
    func integersFit() async throws {
        try await withConnection { connection async throws in
            let row = try await connection.query(PostgresStatement("wide", "SELECT 32767::int8, 32768::int8"))[0]
            #expect(try row.decode(0, as: Int16.self) == 32_767)
            #expect(throws: PostgresError.self) { try row.decode(1, as: Int16.self) }
            #expect(try row.decode(1, as: Int.self) == 32_768)
        }
    }

    @Test("Enums, names, JSON and fixed-length text are read as text")
    func textual() async throws {
        try await withConnection { connection async throws in
            try await connection.execute(script: "CREATE TYPE pg_temp.mood AS ENUM ('calm', 'wild')")
            let row = try await connection.query(
                PostgresStatement(
                    "text", "SELECT 'wild'::pg_temp.mood, 'n'::name, 'ab'::char(3), 'v'::varchar, '[1]'::json"))[0]
            for (column, text) in ["wild", "n", "ab ", "v", "[1]"].enumerated() {
                #expect(try row.decode(column, as: String.self) == text)
            }
            #expect(try row.decode(4, as: PostgresJSON.self).bytes == Array("[1]".utf8))
        }
    }

    @Test("Infinite times, arrays with NULL and arrays of arrays have no value here")
    func refused() async throws {
        try await withConnection { connection async throws in
            let row = try await connection.query(
                PostgresStatement(
                    "odd",
                    "SELECT 'infinity'::timestamptz, '-infinity'::timestamptz, '{1,NULL}'::int8[], '{{1}}'::int8[]"))[0]
            #expect(throws: PostgresError.self) { try row.decode(0, as: Timestamp.self) }
            #expect(throws: PostgresError.self) { try row.decode(1, as: Timestamp.self) }
            #expect(throws: PostgresError.self) { try row.decode(2, as: [Int64].self) }
            #expect(throws: PostgresError.self) { try row.decode(3, as: [Int64].self) }
        }
    }

    @Test("Rows outlive their connection, and count what was changed")
    func rows() async throws {
        let rows = try await withConnection { connection async throws in
            try await connection.execute(script: "CREATE TEMP TABLE t (n int)")
            let insert = PostgresStatement("fill", "INSERT INTO t SELECT generate_series(1, $1)")
            #expect(try await connection.query(insert, [.int4(5)]).affectedRows == 5)
            #expect(try await connection.query(insert, [.int4(0)]).affectedRows == 0)
            return try await connection.query(PostgresStatement("all", "SELECT n FROM t ORDER BY n"))
        }
        #expect(rows.count == 5)
        #expect(try rows.map { try $0.decode(0, as: Int.self) } == [1, 2, 3, 4, 5])
        #expect(try rows.last?.decode(0) == 5)
    }
}
