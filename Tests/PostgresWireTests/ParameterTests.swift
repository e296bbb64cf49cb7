import EventModel
import PostgresWire
import Testing

/// Values go out and come back, or are shown by the server as their text, unchanged.
@Suite("Parameters")
struct ParameterTests {
    @Test("Integers round trip at their extremes")
    func integers() async throws {
        try await withConnection { connection async throws in
            for value in [Int16.min, -1, 0, 1, .max] {
                #expect(try await connection.value("SELECT $1::int2", .int2(value)) == value)
            }
            for value in [Int32.min, -1, 0, 1, .max] {
                #expect(try await connection.value("SELECT $1::int4", .int4(value)) == value)
            }
            for value in [Int64.min, -1, 0, 1, .max] {
                #expect(try await connection.value("SELECT $1::int8", .int8(value)) == value)
                #expect(try await connection.value("SELECT $1::int8::text", .int8(value)) == String(value))
            }
        }
    }

    @Test("Booleans and doubles round trip, infinities and not-a-number included")
    func booleansAndDoubles() async throws {
        try await withConnection { connection async throws in
            for value in [true, false] {
                #expect(try await connection.value("SELECT $1::bool", .bool(value)) == value)
            }
            let extremes: [Double] = [0, -0.5, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity]
            for value in extremes {
                #expect(try await connection.value("SELECT $1::float8", .double(value)) == value)
                #expect(try await connection.value("SELECT $1::float8", .double(-value)) == -value)
            }
            #expect(try await connection.value("SELECT $1::float8", .double(.nan), as: Double.self).isNaN)
        }
    }

    @Test("Text and bytes round trip, empty, long and beyond ASCII")
    func textAndBytes() async throws {
        try await withConnection { connection async throws in
            for value in ["", " ", "a'b\"c\\d;--", "naïve 🇪🇺 e\u{301}", String(repeating: "x", count: 1 << 20)] {
                #expect(try await connection.value("SELECT $1::text", .text(value)) == value)
            }
            for value in [[], [0], Array(0...255), [UInt8](repeating: 7, count: 1 << 20)] as [[UInt8]] {
                let echoed: PostgresBytes = try await connection.value("SELECT $1::bytea", .bytes(value))
                #expect(echoed.bytes == value)
            }
        }
    }

    @Test("Ids, times and JSON round trip")
    func structured() async throws {
        let id = try #require(UniqueID("01890a5d-ac96-774b-bcce-b302099a8057"))
        let time = try #require(Timestamp(rfc3339: "2026-11-21T05:06:07.123456Z"))
        let json = Array(#"{"a": [1, null, "ü"]}"#.utf8)
        try await withConnection { connection async throws in
            #expect(try await connection.value("SELECT $1::uuid", .uuid(id)) == id)
            #expect(try await connection.value("SELECT $1::uuid::text", .uuid(id)) == id.description)
            #expect(try await connection.value("SELECT $1::timestamptz", .timestamp(time)) == time)
            #expect(
                try await connection.value(
                    #"SELECT to_char($1::timestamptz, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#, .timestamp(time))
                    == time.rfc3339)
            // 1970, the day before 2000, and PostgreSQL's first day, 4714-11-24 BC.
            for microseconds: Int64 in [0, -1, 946_684_799_999_999, -210_866_803_200_000_000] {
                let moment = Timestamp(microseconds: microseconds)
                #expect(try await connection.value("SELECT $1::timestamptz", .timestamp(moment)) == moment)
            }
            let echoed: PostgresJSON = try await connection.value("SELECT $1::jsonb", .jsonb(json))
            #expect(echoed.bytes == json)
        }
    }

    @Test("A time before PostgreSQL's first is refused, and none becomes an infinity")
    func timesBefore() async throws {
        try await withConnection { connection async throws in
            for microseconds: Int64 in [.min, .min + 946_684_800_000_000, -210_866_803_200_000_001] {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query(
                        PostgresStatement("before", "SELECT $1"), [.timestamp(Timestamp(microseconds: microseconds))])
                }
                #expect(error?.sqlState == "22008")
            }
            let last = Timestamp(microseconds: .max)
            #expect(try await connection.value("SELECT $1::timestamptz", .timestamp(last)) == last)
        }
    }

    @Test("Arrays are what the server takes them for, NULL elements and empty ones included")
    func arrays() async throws {
        let id = try #require(UniqueID("01890a5d-ac96-774b-bcce-b302099a8057"))
        let time = try #require(Timestamp(rfc3339: "2026-11-21T05:06:07.5Z"))
        let cases: [(PostgresParameter, type: String, literal: String)] = [
            (.bools([true, false]), "bool[]", "{t,f}"),
            (.int2s([.min, 0, .max]), "int2[]", "{-32768,0,32767}"),
            (.int4s([1, nil, .max]), "int4[]", "{1,NULL,2147483647}"),
            (.int8s([.min, .max]), "int8[]", "{-9223372036854775808,9223372036854775807}"),
            (.texts(["", nil, "NULL", #"a"b\c,{}"#]), "text[]", #"{"",NULL,"NULL","a\"b\\c,{}"}"#),
            (.uuids([id, nil]), "uuid[]", "{\(id),NULL}"),
            (.timestamps([nil, time]), "timestamptz[]", #"{NULL,"2026-11-21 05:06:07.5+00"}"#),
            (.jsonbs([Array("{}".utf8), nil, Array("[1]".utf8)]), "jsonb[]", #"{"{}",NULL,[1]}"#),
            (.byteArrays([[], nil, [0, 255]]), "bytea[]", #"{"\\x",NULL,"\\x00ff"}"#),
            (.bools([]), "bool[]", "{}"), (.int2s([]), "int2[]", "{}"), (.int4s([]), "int4[]", "{}"),
            (.int8s([]), "int8[]", "{}"), (.texts([]), "text[]", "{}"), (.uuids([]), "uuid[]", "{}"),
            (.timestamps([]), "timestamptz[]", "{}"), (.jsonbs([]), "jsonb[]", "{}"),
            (.byteArrays([]), "bytea[]", "{}"),
            (.int4s([nil]), "int4[]", "{NULL}"),
        ]
        try await withConnection { connection async throws in
            for (parameter, type, literal) in cases {
                let text: String = try await connection.value("SELECT $1::\(type)::text", parameter)
                #expect(text == literal)
            }
        }
    }

    @Test("Arrays are read back")
    func arraysBack() async throws {
        let ids = (0..<300).map { UniqueID(high: $0, low: ~$0) }
        try await withConnection { connection async throws in
            #expect(try await connection.value("SELECT $1::uuid[]", .uuids(ids)) == ids)
            #expect(try await connection.value("SELECT $1::text[]", .texts(["", "ü", "b"])) == ["", "ü", "b"])
            #expect(try await connection.value("SELECT $1::int8[]", .int8s([.min, .max])) == [Int64.min, .max])
            #expect(try await connection.value("SELECT $1::int4[]", .int4s([])) == [Int64]())
        }
    }

    @Test("Helpers turn nil into NULL")
    func optionals() async throws {
        try await withConnection { connection async throws in
            let parameters: [PostgresParameter] = [
                .optional(nil as String?), .optional(nil as UniqueID?), .optional(nil as Timestamp?),
                .optional(nil as Int64?), .optional(json: nil), .null,
            ]
            let isNull = PostgresStatement(
                "nulls", "SELECT num_nulls($1::text, $2::uuid, $3::timestamptz, $4::int8, $5::jsonb, $6::bool)")
            #expect(try await connection.query(isNull, parameters)[0].decode(0, as: Int.self) == 6)
            let row = try await connection.query(PostgresStatement("null", "SELECT NULL::text"))[0]
            #expect(try row.decodeIfPresent(0, as: String.self) == nil)
            #expect(throws: PostgresError.self) { try row.decode(0, as: String.self) }
        }
    }
}
