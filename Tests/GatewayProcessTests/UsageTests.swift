import EventStore
import JSONTree
import PostgresWire
import TestKit
import Testing

@Suite("Usage of the language model")
struct UsageTests {
    @Test func `an organization sees its own days and its budget`() async throws {
        try await withGatewayAndDatabase { api, database in
            let empty = try await api.send("GET", "/api/v1/usage").json
            #expect(empty["data"]?.count == 0 && empty["next_cursor"]?.isNull == true)
            #expect(empty["budget"] == (try JSONDocument(#"{"tokens_per_day":null,"seconds_per_day":null}"#).root))
            let pool = PostgresPool(configuration: database, size: 1, logger: testLogger)
            _ = try await pool.query(
                PostgresStatement(
                    "test_usage",
                    """
                    INSERT INTO model_usage (organization_id, day, requests, prompt_tokens, completion_tokens,
                        microseconds)
                    SELECT o.id, date_trunc('day', now(), 'UTC') - n * interval '1 day', 3, 100 + n, 20, 1234567
                    FROM organizations o, generate_series(0, 2) n
                    """))
            let page = try await api.send("GET", "/api/v1/usage?limit=2").json
            #expect(page["data"]?.count == 2)
            let newest = page["data"]?[0]
            #expect(newest?["prompt_tokens"]?.int64 == 100 && newest?["seconds"]?.double == 1.234)
            #expect(newest?["day"]?.string?.utf8.count == 10)
            let cursor = try #require(page["next_cursor"]?.string)
            let rest = try await api.send("GET", "/api/v1/usage?cursor=\(cursor)").json
            #expect(rest["data"]?.count == 1 && rest["data"]?[0]?["prompt_tokens"]?.int64 == 102)
            #expect(try await api.send("GET", "/api/v1/usage?cursor=yesterday").status == 400)
        }
    }

    @Test func `it needs the right to read deliveries`() async throws {
        try await withGateway(scopes: [.eventsRead]) { api in
            try expectProblem(try await api.send("GET", "/api/v1/usage"), 403, "missing-scope")
        }
    }
}
