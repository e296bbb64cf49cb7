import EventStore
import JSONTree
import Testing

@Suite("Statistics over HTTP")
struct StatsTests {
    @Test func `statistics of nothing are empty and say what was asked`() async throws {
        try await withGateway { api in
            let answer = try await api.send(
                "GET",
                "/api/v1/events/stats?from=2026-01-05T10:30:00Z&to=2026-01-06T00:00:00Z&interval=6h&group_by=type")
            #expect(answer.status == 200, "\(answer.text)")
            let stats = try answer.json
            #expect(stats["measure"]?.string == "count" && stats["interval"]?.string == "6h")
            #expect(stats["from"]?.string == "2026-01-05T06:00:00Z" && stats["to"]?.string == "2026-01-06T00:00:00Z")
            #expect(stats["group_by"]?.count == 1 && stats["group_by"]?[0]?.string == "type")
            #expect(stats["data"]?.count == 0 && stats["overflow"]?.int64 == 0 && stats["lag"]?.int64 == 0)
            #expect(stats["as_of"]?.string != nil)
            let totals = try await api.send("GET", "/api/v1/events/stats?measure=rate&fill=zero").json
            #expect(totals["interval"]?.isNull == true && totals["group_by"]?.count == 0)
            #expect(totals["data"]?.count == 1 && totals["data"]?[0]?["value"]?.double == 0)
        }
    }

    @Test func `what cannot be answered is 400 and names the parameter`() async throws {
        try await withGateway { api in
            for (query, parameter) in [
                ("measure=sum", "measure"), ("group_by=subject", "group_by"), ("group_by=type,", "group_by"),
                ("group_by=type,type", "group_by"), ("interval=90s", "interval"), ("interval=soon", "interval"),
                ("interval=1m&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z", "interval"),
                ("interval=1h&from=2020-01-01T00:00:00Z", "interval"), ("from=yesterday", "from"),
                ("from=2999-01-01T00:00:00Z", "to"), ("limit=0", "limit"), ("fill=null", "fill"),
                ("bucket=1h", "bucket"),
            ] {
                let answer = try await api.send("GET", "/api/v1/events/stats?\(query)")
                try expectProblem(answer, 400, "invalid-parameter")
                #expect(try answer.json["parameter"]?.string == parameter, "\(query)")
            }
        }
    }

    @Test func `the path is not taken for the id of an event, and needs the scope to read`() async throws {
        try await withGateway(scopes: [.eventsWrite]) { api in
            try expectProblem(try await api.send("GET", "/api/v1/events/stats"), 403, "missing-scope")
        }
        try await withGateway { api in
            try expectProblem(try await api.send("GET", "/api/v1/events/status"), 404, "not-found")
            try expectProblem(try await api.send("POST", "/api/v1/events/stats", "{}"), 405, "method-not-allowed")
        }
    }
}
