import EventStore
import JSONTree
import Testing

@Suite("Circuit breakers over the API")
struct BreakerRouteTests {
    private static let trigger = """
        {"name": "two", "condition": {"field": "data.n", "operator": "gt", "value": 1}, "actions": [
            {"type": "rest", "config": {"url": "https://one.example/hook"}},
            {"type": "rest", "config": {"url": "https://two.example/a"}},
            {"type": "rest", "config": {"url": "https://two.example/b"}}]}
        """

    @Test func `a trigger's breakers are shown, opened, narrowed to one endpoint, and reset`() async throws {
        try await withGateway { api in
            let id = try #require(try await api.send("POST", "/api/v1/triggers", Self.trigger).json["id"]?.string)
            let path = "/api/v1/triggers/\(id)/circuit-breaker"
            let fresh = try await api.send("GET", path).json
            #expect(fresh["state"]?.string == "closed" && fresh["endpoints"]?.count == 2)
            #expect(fresh["endpoints"]?[1]?["endpoint"]?.string == "https://two.example")
            #expect(try await api.send("GET", "/api/v1/circuit-breakers").json["data"]?.count == 0)

            let one = try await api.send(
                "PATCH", path, #"{"state":"open","for":"30m","endpoint":"https://two.example"}"#)
            #expect(one.status == 200, "\(one.text)")
            #expect(try one.json["state"]?.string == "open")
            #expect(try one.json["endpoints"]?[0]?["state"]?.string == "closed")
            #expect(try one.json["endpoints"]?[1]?["open_until"]?.string?.isEmpty == false)

            let all = try await api.send("PATCH", path, #"{"state":"open"}"#).json
            #expect(all["endpoints"]?.elements.allSatisfy { $0["held"]?.bool == true } == true)
            let list = try await api.send("GET", "/api/v1/circuit-breakers?state=open&limit=1").json
            #expect(list["data"]?.count == 1)
            let cursor = try #require(list["next_cursor"]?.string)
            let rest = try await api.send("GET", "/api/v1/circuit-breakers?state=open&cursor=\(cursor)").json
            #expect(rest["data"]?.count == 1 && rest["next_cursor"]?.isNull == true)
            let first = try #require(rest["data"]?[0]?["id"]?.string)
            let shown = try await api.send("GET", "/api/v1/circuit-breakers/\(first)").json
            #expect(shown["reason"]?.string == "opened by a person" && shown["state"]?.string == "open")

            let reset = try await api.send("POST", "\(path)/reset").json
            #expect(reset["state"]?.string == "closed")
            #expect(try await api.send("GET", "/api/v1/circuit-breakers?state=open").json["data"]?.count == 0)

            // Each change is an event: both opened, of which one was open before, and both closed.
            let events = try await api.send("GET", "/api/v1/events?source=collider&order=asc&limit=50").json
            let types = events["data"]?.elements.compactMap { $0["type"]?.string } ?? []
            #expect(types.count { $0 == "collider.breaker.opened" } == 2, "\(types)")
            #expect(types.count { $0 == "collider.breaker.closed" } == 2, "\(types)")
        }
    }

    @Test func `what is no change is refused with its pointer`() async throws {
        try await withGateway { api in
            let id = try #require(try await api.send("POST", "/api/v1/triggers", Self.trigger).json["id"]?.string)
            let path = "/api/v1/triggers/\(id)/circuit-breaker"
            for (body, pointer) in [
                (#"{}"#, "/state"), (#"{"state":"half_open"}"#, "/state"), (#"{"state":"open","for":"1y"}"#, "/for"),
                (#"{"state":"closed","for":"1m"}"#, "/for"), (#"{"state":"open","x":1}"#, "/x"),
                (#"{"state":"open","endpoint":"https://three.example"}"#, "/endpoint"), (#"5"#, ""),
            ] {
                let answer = try await api.send("PATCH", path, body)
                try expectProblem(answer, 422, "validation-failed")
                #expect(try answer.json["errors"]?[0]?["pointer"]?.string == pointer, "\(body)")
            }
            try expectProblem(
                try await api.send("GET", "/api/v1/circuit-breakers?state=ajar"), 400, "invalid-parameter")
            let nobody = "01900000-0000-7000-8000-000000000000"
            try expectProblem(try await api.send("GET", "/api/v1/circuit-breakers/\(nobody)"), 404, "not-found")
            try expectProblem(
                try await api.send("GET", "/api/v1/triggers/\(nobody)/circuit-breaker"), 404, "not-found")
        }
    }

    @Test func `breakers belong to an organization, and to scopes`() async throws {
        try await withTwoOrganizations { one, other in
            let id = try #require(try await one.send("POST", "/api/v1/triggers", Self.trigger).json["id"]?.string)
            let path = "/api/v1/triggers/\(id)/circuit-breaker"
            #expect(try await one.send("PATCH", path, #"{"state":"open"}"#).status == 200)
            try expectProblem(try await other.send("GET", path), 404, "not-found")
            try expectProblem(try await other.send("POST", "\(path)/reset"), 404, "not-found")
            #expect(try await other.send("GET", "/api/v1/circuit-breakers").json["data"]?.count == 0)
            #expect(try await one.send("GET", path).json["state"]?.string == "open")
        }
        try await withGateway(scopes: [.triggersRead]) { api in
            let nobody = "01900000-0000-7000-8000-000000000000"
            let listed = try await api.send("GET", "/api/v1/circuit-breakers")
            #expect(listed.status == 403)
            let reset = try await api.send("POST", "/api/v1/triggers/\(nobody)/circuit-breaker/reset")
            #expect(reset.status == 403)
        }
    }
}
