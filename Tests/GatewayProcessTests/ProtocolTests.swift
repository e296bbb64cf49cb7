import JSONTree
import Testing

@Suite("Authentication, errors, and health")
struct ProtocolTests {
    @Test func `without a key, or with a wrong one, it is 401 with a challenge`() async throws {
        try await withGateway { api in
            var nobody = api
            nobody.key = nil
            let missing = try await nobody.send("GET", "/api/v1/events")
            try expectProblem(missing, 401, "unauthenticated")
            #expect(missing.headers["www-authenticate"] == #"Bearer realm="collider""#)
            nobody.key = "ck_wrong"
            let wrong = try await nobody.send("GET", "/api/v1/events")
            try expectProblem(wrong, 401, "unauthenticated")
            #expect(wrong.headers["www-authenticate"]?.contains(#"error="invalid_token""#) == true)
            #expect(!wrong.text.contains("ck_wrong"))
            let basic = try await nobody.raw(
                "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Basic eDp5\r\nconnection: close\r\n\r\n")
            try expectProblem(basic, 401, "unauthenticated")
        }
    }

    @Test func `a key without the scope is 403 and names it`() async throws {
        try await withGateway(scopes: []) { api in
            let answer = try await api.send("POST", "/api/v1/events", "{}")
            try expectProblem(answer, 403, "missing-scope")
            #expect(try answer.json["scope"]?.string == "events:write")
            #expect(answer.headers["www-authenticate"]?.contains("insufficient_scope") == true)
        }
    }

    @Test(arguments: ["/", "/nothing", "/api/v1/nothing", "/api/v2/events"])
    func `an unknown path is 404`(path: String) async throws {
        try await withGateway { api in
            try expectProblem(try await api.send("GET", path), 404, "not-found")
        }
    }

    @Test func `another method is 405 with the ones that there are`() async throws {
        try await withGateway { api in
            let answer = try await api.send("DELETE", "/api/v1/events")
            try expectProblem(answer, 405, "method-not-allowed")
            #expect(answer.headers["allow"] == "GET, HEAD, POST")
        }
    }

    @Test(arguments: [
        "limit=0", "limit=1001", "limit=x", "order=up", "from=yesterday", "typ=A", "type=A&type=B", "type=%zz", "type=",
    ])
    func `a parameter that is unknown, doubled or unfit is 400`(query: String) async throws {
        try await withGateway { api in
            let answer = try await api.send("GET", "/api/v1/events?\(query)")
            #expect(answer.status == 400, "\(answer.text)")
            #expect(answer.headers["content-type"] == "application/problem+json")
        }
    }

    @Test(arguments: ["events", "triggers", "deliveries"])
    func `an id of nothing is 404, and so is what is no id`(resource: String) async throws {
        try await withGateway { api in
            let id = "01890a5d-ac96-774b-bcce-b302099a8057"
            try expectProblem(try await api.send("GET", "/api/v1/\(resource)/\(id)"), 404, "not-found")
            try expectProblem(try await api.send("GET", "/api/v1/\(resource)/x"), 404, "not-found")
        }
    }

    @Test func `health, livez, readyz and metrics need no key`() async throws {
        try await withGateway { api in
            var nobody = api
            nobody.key = nil
            for path in ["/health", "/api/v1/health"] {
                let health = try await nobody.send("GET", path)
                #expect(health.status == 200)
                #expect(try health.json["status"]?.string == "healthy")
                #expect(try health.json["database"]?.string == "connected")
                #expect(try health.json["redis"]?.string == "connected")
                #expect(try health.json["version"]?.string?.isEmpty == false)
            }
            #expect(try await nobody.send("GET", "/livez").status == 200)
            #expect(try await nobody.send("GET", "/readyz").json["status"]?.string == "ready")
            let metrics = try await nobody.send("GET", "/metrics")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.text.contains(#"gateway_http_requests_total{method="GET",route="/livez",status="2xx"} 1"#))
        }
    }

    @Test func `HEAD answers like GET without a body`() async throws {
        try await withGateway { api in
            let answer = try await api.send("HEAD", "/api/v1/events")
            #expect(answer.status == 200 && answer.body.isEmpty)
            let missing = try await api.send("HEAD", "/api/v1/nothing")
            #expect(missing.status == 404 && missing.body.isEmpty)
        }
    }

    @Test func `a request id is taken over or made, and stands in problems`() async throws {
        try await withGateway { api in
            let given = try await api.send("GET", "/nothing", headers: [("x-request-id", "trace-1")])
            #expect(given.headers["x-request-id"] == "trace-1")
            #expect(try given.json["request_id"]?.string == "trace-1")
            let unfit = try await api.send("GET", "/nothing", headers: [("x-request-id", "a b{c}")])
            #expect(unfit.headers["x-request-id"]?.count == 36)
        }
    }

    @Test func `two requests go over one connection`() async throws {
        try await withGateway { api in
            let one = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
            let last = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            let answer = try await api.raw(one + last)
            #expect(answer.text.contains("HTTP/1.1 200 OK\r\n"))
        }
    }
}
