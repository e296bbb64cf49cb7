import JSONTree
import Testing

@Suite("Events, triggers, schemas, deliveries")
struct ResourceTests {
    private static func trigger(_ name: String, secret: String = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") -> String {
        """
        {"name": "\(name)", "enabled": true, "condition": {"field": "data.amount", "operator": "gt", "value": 100},
         "actions": [{"type": "rest", "config": {"url": "https://example.com/hook", "signing_secret": "\(secret)"}}]}
        """
    }

    @Test func `a trigger is created, listed, read, replaced and deleted`() async throws {
        try await withGateway { api in
            let created = try await api.send("POST", "/api/v1/triggers", Self.trigger("big"))
            #expect(created.status == 201, "\(created.text)")
            let id = try #require(try created.json["id"]?.string)
            #expect(try created.json["version"]?.int64 == 1)
            let list = try await api.send("GET", "/api/v1/triggers").json
            #expect(list["data"]?.count == 1 && list["next_cursor"]?.isNull == true)
            #expect(try await api.send("GET", "/api/v1/triggers/\(id)").json["name"]?.string == "big")

            let replaced = try await api.send("PUT", "/api/v1/triggers/\(id)", Self.trigger("bigger"))
            #expect(replaced.status == 200, "\(replaced.text)")
            #expect(try replaced.json["version"]?.int64 == 2)
            #expect(try replaced.json["id"]?.string == id)

            #expect(try await api.send("DELETE", "/api/v1/triggers/\(id)").status == 204)
            try expectProblem(try await api.send("GET", "/api/v1/triggers/\(id)"), 404, "not-found")
            try expectProblem(try await api.send("DELETE", "/api/v1/triggers/\(id)"), 404, "not-found")
            try expectProblem(
                try await api.send("PUT", "/api/v1/triggers/\(id)", Self.trigger("x")), 404, "not-found")
        }
    }

    @Test func `secrets are masked in every answer`() async throws {
        try await withGateway { api in
            let created = try await api.send("POST", "/api/v1/triggers", Self.trigger("secretive"))
            let id = try #require(try created.json["id"]?.string)
            let read = try await api.send("GET", "/api/v1/triggers/\(id)")
            let list = try await api.send("GET", "/api/v1/triggers")
            for answer in [created, read, list] { #expect(!answer.text.contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")) }
        }
    }

    @Test func `a second trigger of a name is 409`() async throws {
        try await withGateway { api in
            #expect(try await api.send("POST", "/api/v1/triggers", Self.trigger("one")).status == 201)
            try expectProblem(try await api.send("POST", "/api/v1/triggers", Self.trigger("one")), 409, "conflict")
        }
    }

    @Test func `a trigger that is none is 422 with pointers`() async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/api/v1/triggers", #"{"actions":[]}"#)
            try expectProblem(answer, 422, "validation-failed")
            #expect(try answer.json["errors"]?[0]?["pointer"]?.string?.isEmpty == false)
        }
    }

    @Test func `lists go on where the cursor says`() async throws {
        try await withGateway { api in
            for name in ["a", "b", "c"] {
                #expect(try await api.send("POST", "/api/v1/triggers", Self.trigger(name)).status == 201)
            }
            var names: [String] = []
            var path = "/api/v1/triggers?limit=2"
            for _ in 0..<2 {
                let page = try await api.send("GET", path).json
                names += page["data"]?.elements.compactMap { $0["name"]?.string } ?? []
                guard let cursor = page["next_cursor"]?.string else { break }
                path = "/api/v1/triggers?limit=2&cursor=\(cursor)"
            }
            #expect(names.sorted() == ["a", "b", "c"])
        }
    }

    @Test func `events are listed by type, newest first or oldest first, page by page`() async throws {
        try await withGateway { api in
            for number in 1...5 {
                let body = #"{"type":"\#(number == 3 ? "Other" : "Count")","data":{"n":\#(number)}}"#
                #expect(try await api.send("POST", "/api/v1/events", body).status == 201)
            }
            #expect(try await numbers(api, "type=Count&limit=10") == [5, 4, 2, 1])
            #expect(try await numbers(api, "order=asc&limit=2") == [1, 2, 3, 4, 5])
            #expect(try await numbers(api, "limit=2") == [5, 4, 3, 2, 1])
            #expect(try await numbers(api, "to=2020-01-01T00:00:00Z") == [])
            #expect(try await numbers(api, "from=2020-01-01T00:00:00Z&order=asc") == [1, 2, 3, 4, 5])
            try expectProblem(
                try await api.send("GET", "/api/v1/events?cursor=nonsense"), 400, "invalid-parameter")
        }
    }

    @Test func `schemas and deliveries begin empty, and an unknown schema is 404`() async throws {
        try await withGateway { api in
            #expect(try await api.send("GET", "/api/v1/schemas").json["data"]?.count == 0)
            let filters = "status=dead&type=rest&limit=5&from=2026-01-01T00:00:00Z"
            #expect(try await api.send("GET", "/api/v1/deliveries?\(filters)").json["data"]?.count == 0)
            try expectProblem(try await api.send("GET", "/api/v1/schemas/No%20such"), 404, "not-found")
            #expect(try await api.send("GET", "/api/v1/deliveries?status=lost").status == 400)
        }
    }

    @Test func `one organization sees and changes nothing of another`() async throws {
        try await withTwoOrganizations { one, other in
            let event = #"{"type":"Secret","id":"1","data":{"n":1}}"#
            let posted = try await one.send("POST", "/api/v1/events", event).json
            let eventID = try #require(posted["id"]?.string)
            let made = try await one.send("POST", "/api/v1/triggers", Self.trigger("mine")).json
            let triggerID = try #require(made["id"]?.string)

            try expectProblem(try await other.send("GET", "/api/v1/events/\(eventID)"), 404, "not-found")
            try expectProblem(
                try await other.send("GET", "/api/v1/events?cursor=\(eventID)"), 400, "invalid-parameter")
            try expectProblem(try await other.send("GET", "/api/v1/triggers/\(triggerID)"), 404, "not-found")
            try expectProblem(try await other.send("DELETE", "/api/v1/triggers/\(triggerID)"), 404, "not-found")
            try expectProblem(
                try await other.send("PUT", "/api/v1/triggers/\(triggerID)", Self.trigger("x")), 404, "not-found")
            #expect(try await other.send("GET", "/api/v1/events").json["data"]?.count == 0)
            #expect(try await other.send("GET", "/api/v1/triggers").json["data"]?.count == 0)
            #expect(try await other.send("POST", "/api/v1/events", event).status == 201)
            #expect(try await one.send("GET", "/api/v1/triggers/\(triggerID)").status == 200)
        }
    }

    @Test func `whoever follows the log oldest first always has a cursor to ask again with`() async throws {
        try await withGateway { api in
            let first = #"{"type":"A","data":{"n":1}}"#
            #expect(try await api.send("POST", "/api/v1/events", first).status == 201)
            let page = try await api.send("GET", "/api/v1/events?order=asc").json
            let cursor = try #require(page["next_cursor"]?.string)
            let empty = try await api.send("GET", "/api/v1/events?order=asc&cursor=\(cursor)").json
            #expect(empty["data"]?.count == 0 && empty["next_cursor"]?.isNull == true)
            #expect(try await api.send("POST", "/api/v1/events", #"{"type":"A","data":{"n":2}}"#).status == 201)
            #expect(try await numbers(api, "order=asc&limit=5&cursor=\(cursor)") == [2])
        }
    }

    /// The numbers of all events of a query, following its cursor to the end.
    private func numbers(_ api: HTTPExchange, _ query: String) async throws -> [Int64] {
        var numbers: [Int64] = []
        var path = "/api/v1/events?\(query)"
        let base = query.split(separator: "&").filter { !$0.hasPrefix("cursor=") }.joined(separator: "&")
        for _ in 0..<10 {
            let page = try await api.send("GET", path).json
            numbers += page["data"]?.elements.compactMap { $0["data"]?["n"]?.int64 } ?? []
            guard let next = page["next_cursor"]?.string else { return numbers }
            path = "/api/v1/events?\(base)&cursor=\(next)"
        }
        Issue.record("the list does not end")
        return numbers
    }
}
