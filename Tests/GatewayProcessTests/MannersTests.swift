import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

@Suite("HTTP's manners")
struct MannersTests {
    private static let large = String(repeating: "large ", count: 400)

    @Test func `a trigger is changed only in the version that was seen`() async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", #"{"name":"Large"}"#)
            let path = "/api/v1/triggers/\(try #require(try made.json["id"]?.string))"
            #expect(made.headers["etag"] == #""v1""#)
            #expect(try await api.send("GET", path).headers["etag"] == #""v1""#)
            let first = [("if-match", #""v1""#)]
            let changed = try await api.send("PATCH", path, #"{"enabled":false}"#, headers: first)
            #expect(changed.status == 200 && changed.headers["etag"] == #""v2""#)
            for (method, body) in [("PATCH", #"{"enabled":true}"#), ("PUT", #"{"name":"Other"}"#), ("DELETE", nil)] {
                try expectProblem(try await api.send(method, path, body, headers: first), 412, "precondition-failed")
            }
            // What is wrong anyway is told first, and weak tags never match (RFC 9110 §13.1.1, §13.2.1).
            try expectProblem(try await api.send("PUT", path, #"{}"#, headers: first), 422, "validation-failed")
            let weak = [("if-match", #"W/"v2""#)]
            try expectProblem(try await api.send("DELETE", path, headers: weak), 412, "precondition-failed")
            #expect(try await api.send("GET", path).json["version"]?.int64 == 2)
            let both = [("if-match", #""v1", "v2-gzip""#)]
            #expect(try await api.send("PUT", path, #"{"name":"Other"}"#, headers: both).status == 200)
            #expect(try await api.send("DELETE", path, headers: [("if-match", "*")]).status == 204)
        }
    }

    @Test func `what the client has already is not sent again`() async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", #"{"name":"Large"}"#)
            let path = "/api/v1/triggers/\(try #require(try made.json["id"]?.string))"
            for tags in [#""v1""#, #"W/"v1""#, #""v0", "v1-gzip""#, "*"] {
                let answer = try await api.send("GET", path, headers: [("if-none-match", tags)])
                #expect(answer.status == 304 && answer.body.isEmpty && answer.headers["etag"] == #""v1""#)
            }
            #expect(try await api.send("GET", path, headers: [("if-none-match", #""v2""#)]).status == 200)
        }
    }

    @Test func `an installation may ask for If-Match`() async throws {
        try await withGateway(server: { $0.requiresIfMatch = true }) { api in
            let made = try await api.send("POST", "/api/v1/triggers", #"{"name":"Large"}"#)
            let path = "/api/v1/triggers/\(try #require(try made.json["id"]?.string))"
            for (method, body) in [("PATCH", #"{"enabled":true}"#), ("PUT", #"{"name":"Other"}"#), ("DELETE", nil)] {
                try expectProblem(try await api.send(method, path, body), 428, "precondition-required")
            }
            #expect(try await api.send("DELETE", path, headers: [("if-match", #""v1""#)]).status == 204)
        }
    }

    @Test func `long answers are packed for who takes that`() async throws {
        try await withGateway { api in
            let body = #"{"name":"Large","description":"\#(Self.large.prefix(1_900))"}"#
            let made = try await api.send("POST", "/api/v1/triggers", body)
            let path = "/api/v1/triggers/\(try #require(try made.json["id"]?.string))"
            let plain = try await api.send("GET", path)
            #expect(plain.headers["content-encoding"] == nil && plain.headers["vary"] == "accept-encoding")
            let refused = try await api.send("GET", path, headers: [("accept-encoding", "gzip;q=0, br")])
            #expect(refused.headers["content-encoding"] == nil)
            let head = try await api.send("HEAD", path)
            #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] != nil)
            let packed = try await api.send("GET", path, headers: [("accept-encoding", "br, gzip;q=0.5")])
            #expect(packed.headers["content-encoding"] == "gzip" && packed.headers["etag"] == #""v1-gzip""#)
            // Short ones are not worth it.
            let short = try await api.send("GET", "/health", headers: [("accept-encoding", "gzip")])
            #expect(short.headers["content-encoding"] == nil && short.headers["vary"] == nil)
        }
    }

    @Test(arguments: [
        ("application/json", 200), ("*/*", 200), ("application/*;q=0.1", 200), ("text/html, */*;q=0.5", 200),
        ("text/html", 406), ("application/json;q=0, */*", 406), ("text/*", 406), ("nonsense", 200),
    ])
    func `a client that takes no JSON is told that there is nothing else`(accept: String, status: Int) async throws {
        try await withGateway { api in
            let answer = try await api.send("GET", "/api/v1/triggers", headers: [("accept", accept)])
            #expect(answer.status == status, "\(answer.text)")
            if status == 406 { try expectProblem(answer, 406, "not-acceptable") }
            let event = try await api.send(
                "POST", "/api/v1/events", #"{"type":"A","data":{}}"#, headers: [("accept", accept)])
            #expect(event.status == (status == 200 ? 201 : 406))
        }
    }

    @Test func `a method that nobody has heard of is refused with those that there are`() async throws {
        try await withGateway { api in
            let answer = try await api.send("QUERY", "/api/v1/events/stream")
            try expectProblem(answer, 405, "method-not-allowed")
            #expect(answer.headers["allow"] == "GET, HEAD")
            let trigger = try await api.send("PURGE", "/api/v1/triggers/1")
            #expect(trigger.headers["allow"] == "DELETE, GET, HEAD, PATCH, PUT")
            try expectProblem(try await api.send("QUERY", "/nowhere"), 404, "not-found")
        }
    }

    @Test func `a head that is too large, or none at all, is a problem like others`() async throws {
        try await withGateway { api in
            let long = "/api/v1/events?q=" + String(repeating: "x", count: 40_000)
            try expectProblem(try await api.send("GET", long), 431, "head-too-large")
            let fields = (0..<200).map { ("x-\($0)", "1") }
            try expectProblem(try await api.send("GET", "/health", headers: fields), 431, "head-too-large")
            try expectProblem(try await api.raw("nonsense\r\n\r\n"), 400, "malformed-request")
        }
    }

    @Test func `what a browser could open is neither sniffed, framed nor kept`() async throws {
        try await withGateway { api in
            for path in ["/api/v1/triggers", "/nowhere", "/health"] {
                let headers = try await api.send("GET", path).headers
                #expect(headers["x-content-type-options"] == "nosniff" && headers["cache-control"] == "no-store")
                #expect(headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
                #expect(headers["referrer-policy"] == "no-referrer")
            }
        }
    }

    @Test func `pages of an origin that is named may call, and no others`() async throws {
        try await withGateway(server: { $0.corsOrigins = ["https://app.example.com"] }) { api in
            let page = [("origin", "https://app.example.com")]
            let asked = try await HTTPExchange(port: api.port).send(
                "OPTIONS", "/api/v1/triggers", headers: page + [("access-control-request-method", "POST")])
            #expect(asked.status == 204 && asked.headers["access-control-allow-origin"] == "https://app.example.com")
            #expect(asked.headers["access-control-allow-methods"]?.contains("PATCH") == true)
            #expect(asked.headers["access-control-allow-headers"]?.contains("authorization") == true)
            for (method, path, body) in [
                ("GET", "/api/v1/triggers", nil), ("POST", "/api/v1/events", #"{"type":"A","data":{}}"#),
                ("GET", "/api/v1/triggers/1", nil),
            ] {
                let answer = try await api.send(method, path, body, headers: page)
                #expect(answer.headers["access-control-allow-origin"] == "https://app.example.com", "\(path)")
                #expect(answer.headers["vary"]?.contains("origin") == true)
                #expect(answer.headers["access-control-expose-headers"]?.contains("etag") == true)
            }
            let other = [("origin", "https://evil.example"), ("access-control-request-method", "POST")]
            let refused = try await api.send("OPTIONS", "/api/v1/triggers", headers: other)
            #expect(refused.status == 405 && refused.headers["access-control-allow-origin"] == nil)
        }
    }

    @Test func `without a setting no page of another origin may call`() async throws {
        try await withGateway { api in
            let headers = [("origin", "https://app.example.com"), ("access-control-request-method", "GET")]
            #expect(try await api.send("OPTIONS", "/api/v1/triggers", headers: headers).status == 405)
            let answer = try await api.send("GET", "/api/v1/triggers", headers: headers)
            #expect(answer.status == 200 && answer.headers["access-control-allow-origin"] == nil)
        }
    }

    @Test func `events belong to the trace of the request that brought them, unless they name one`() async throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let own = "00-11111111111111111111111111111111-2222222222222222-00"
        try await withGatewayAndDatabase { api, database in
            let bodies = [
                #"{"type":"Plain","data":{}}"#, #"{"type":"Own","data":{},"traceparent":"\#(own)"}"#,
                #"[{"type":"Item","data":{}}]"#,
            ]
            for body in bodies {
                #expect(
                    try await api.send("POST", "/api/v1/events", body, headers: [("traceparent", trace)]).status < 300)
            }
            // By a key that is known, and so by the fast intake.
            let statuses = try await KeptConnection.with(api) { connection in
                let fast = try await connection.post(
                    #"{"type":"Fast","data":{}}"#, headers: "traceparent: \(trace)\r\n")
                let bad = try await connection.post(
                    #"{"type":"Bad","data":{}}"#, headers: "traceparent: 00-xyz\r\n")
                return [fast.status, bad.status]
            }
            #expect(statuses == [201, 201])
            let pool = PostgresPool(configuration: database, size: 1, logger: testLogger)
            let found = try await pool.query(
                PostgresStatement("test_traces", "SELECT type, coalesce(traceparent, 'none') FROM events"))
            let pairs = try found.map { row in
                (try row.decode(0, as: String.self), try row.decode(1, as: String.self))
            }
            let traces = Dictionary(uniqueKeysWithValues: pairs)
            #expect(traces == ["Plain": trace, "Own": own, "Item": trace, "Fast": trace, "Bad": "none"])
        }
    }
}
