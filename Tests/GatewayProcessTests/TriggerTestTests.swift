import EventStore
import JSONTree
import Testing

@Suite("Trying triggers")
struct TriggerTestTests {
    private static let condition = #"{"field": "data.amount", "operator": "gt", "value": 100}"#

    private func test(_ api: HTTPExchange, _ body: String) async throws -> JSONValue {
        let answer = try await api.send("POST", "/api/v1/triggers/test", body)
        #expect(answer.status == 200, "\(answer.text)")
        return try answer.json
    }

    @Test func `each event gets its decision and the truth value of each node`() async throws {
        try await withGateway(scopes: [.triggersRead]) { api in
            let body =
                #"{"condition": \#(Self.condition), "events": ["#
                + #"{"type":"A","data":{"amount":150}}, {"type":"A","data":{}}]}"#
            let answer = try await test(api, body)
            #expect(answer["fired"]?.int64 == 1 && answer["suppressed"]?.int64 == 0)
            let results = answer["results"]
            #expect(results?[0]?["fired"]?.bool == true && results?[1]?["fired"]?.bool == false)
            #expect(results?[0]?["explanation"]?["value"]?.bool == true)
            #expect(results?[0]?["explanation"]?["actual"]?.int64 == 150)
            #expect(results?[1]?["explanation"]?["value"]?.bool == false)
        }
    }

    @Test func `nothing is stored`() async throws {
        try await withGateway { api in
            let trigger = TriggerVersionTests.trigger("draft", over: 1)
            _ = try await test(api, #"{"trigger": \#(trigger), "event": {"type":"A","data":{"amount":2}}}"#)
            for path in ["triggers", "events", "firings", "deliveries"] {
                #expect(try await api.send("GET", "/api/v1/\(path)").json["data"]?.count == 0, "\(path)")
            }
        }
    }

    @Test func `a stored trigger is tried by its id, disabled or not, and an event as it was stored`() async throws {
        try await withGateway { api in
            let trigger = TriggerVersionTests.trigger(
                "stored", over: 1, more: #", "enabled": false, "event_types": ["A"]"#)
            let made = try await api.send("POST", "/api/v1/triggers", trigger).json
            let id = try #require(made["id"]?.string)
            let posted = try await api.send("POST", "/api/v1/events", #"{"type":"A","id":"p","data":{"amount":2}}"#)
                .json
            let event = try await api.send("GET", "/api/v1/events/\(try #require(posted["id"]?.string))").text
            let other = #"{"type":"B","data":{"amount":2}}"#
            let answer = try await test(api, #"{"trigger_id": "\#(id)", "events": [\#(event), \#(other)]}"#)
            #expect(answer["results"]?[0]?["fired"]?.bool == true)
            #expect(answer["results"]?[1]?["reached"]?.bool == false && answer["results"]?[1]?["fired"]?.bool == false)
            #expect(answer["results"]?[1]?["explanation"] == nil)
        }
    }

    @Test func `actions are rendered for what fires, with credentials masked`() async throws {
        try await withGateway { api in
            let trigger = #"""
                {"name": "draft", "condition": \#(Self.condition), "actions": [
                 {"type": "rest", "config": {"url": "https://example.com/{{data.amount}}", 
                  "body": {"paid": "{{data.amount}}"},
                  "headers": {"Authorization": "Bearer top", "X-Plain": "{{type}}"}}},
                 {"type": "telegram",
                  "config": {"bot_token": "1:abcdefghijklmnopqrstuvwxyz", "chat_id": 5, "text": "{{type}}"}},
                 {"type": "emit", "config": {"event_type": "Paid", "data": {"n": "{{data.amount}}"}}}]}
                """#
            let answer = try await api.send(
                "POST", "/api/v1/triggers/test",
                #"{"trigger": \#(trigger), "event": {"type":"A","data":{"amount":150}}}"#)
            let actions = try answer.json["results"]?[0]?["actions"]
            #expect(actions?.count == 3, "\(answer.text)")
            let request = actions?[0]?["request"]
            #expect(request?["url"]?.string == "https://example.com/150" && request?["method"]?.string == "POST")
            #expect(request?["body"]?["paid"]?.int64 == 150 && request?["headers"]?["X-Plain"]?.string == "A")
            #expect(actions?[1]?["request"]?["body"]?["text"]?.string == "A")
            #expect(actions?[2]?["event"]?["data"]?["n"]?.int64 == 150)
            #expect(!answer.text.contains("Bearer top") && !answer.text.contains("abcdefghij"))
        }
    }

    @Test func `windows and timers go by the times of the events, and by until`() async throws {
        try await withGateway { api in
            let count = #"{"aggregate": "count", "window": "10s", "operator": "gte", "value": 2}"#
            let events = [0, 20, 25].map {
                #"{"type":"A","time":"2026-03-02T09:00:\#($0 < 10 ? "0" : "")\#($0)Z","data":{}}"#
            }
            let counted = try await test(
                api, #"{"condition": \#(count), "events": [\#(events.joined(separator: ","))]}"#)
            #expect(counted["results"]?.elements.map { $0["fired"]?.bool } == [false, false, true])

            let absence = #"{"absence": {"after": {"all": []}, "expect": {"any": []}, "within": "1m"}}"#
            let body = #""condition": \#(absence), "event": \#(events[0])"#
            #expect(try await test(api, "{\(body)}")["fired"]?.int64 == 0)
            let fired = try await test(api, #"{\#(body), "until": "2026-03-02T09:02:00Z"}"#)
            #expect(fired["results"]?[0]?["fired"]?.bool == true)
            #expect(fired["results"]?[0]?["at"]?.string == "2026-03-02T09:01:00Z")
        }
    }

    @Test func `what can't be tried is refused with its place`() async throws {
        try await withGateway { api in
            let event = #""event": {"type":"A","data":{}}"#
            let many = Array(repeating: #"{"type":"A","data":{}}"#, count: 1_001).joined(separator: ",")
            for (body, pointer) in [
                ("{\(event)}", ""), (#"{"condition": {}, \#(event)}"#, "/condition/field"),
                (#"{"condition": {"all": []}}"#, ""), (#"{"condition": {"all": []}, "events": []}"#, "/events"),
                (#"{"condition": {"all": []}, \#(event), "events": [{"type":"A","data":{}}]}"#, ""),
                (#"{"condition": {"all": []}, "trigger_id": "x", \#(event)}"#, ""),
                (#"{"trigger_id": "x", \#(event)}"#, "/trigger_id"),
                (#"{"trigger": {"condition": {"all": []}}, \#(event)}"#, "/trigger/name"),
                (#"{"condition": {"all": []}, "events": [{"type":"A","data":{}}, {"type":"A"}]}"#, "/events/1/data"),
                (
                    #"{"condition": {"all": []}, "event": {"type":"A","data":{},"received_at":"now"}}"#,
                    "/event/received_at"
                ),
                (#"{"condition": {"all": []}, \#(event), "until": "later"}"#, "/until"),
                (#"{"condition": {"all": []}, "events": [\#(many)]}"#, "/events"),
            ] {
                let answer = try await api.send("POST", "/api/v1/triggers/test", body)
                try expectProblem(answer, 422, "validation-failed")
                let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string }
                #expect(pointers?.contains(pointer) == true, "\(body.prefix(200)): \(answer.text)")
            }
            let nobody = "018f0000-0000-7000-8000-000000000000"
            let missing = try await api.send(
                "POST", "/api/v1/triggers/test", #"{"trigger_id": "\#(nobody)", \#(event)}"#)
            try expectProblem(missing, 404, "not-found")
        }
    }

    @Test func `a dry run of a change tells it and makes none`() async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("one", over: 1)).json
            let path = "/api/v1/triggers/\(try #require(made["id"]?.string))"
            let changed = TriggerVersionTests.trigger("one", over: 2, secret: "whsec_••••")
            let put = try await api.send("PUT", "\(path)?dry_run=true", changed).json
            #expect(put["changes"]?.elements.compactMap { $0["path"]?.string } == ["/condition/value"])
            #expect(try await api.send("GET", path).json["version"]?.int64 == 1)
            let post = try await api.send(
                "POST", "/api/v1/triggers?dry_run=true", TriggerVersionTests.trigger("two", over: 1)
            ).json
            #expect(post["changes"]?.count == 0 && post["trigger"]?["name"]?.string == "two")
            #expect(try await api.send("GET", "/api/v1/triggers").json["data"]?.count == 1)
            try expectProblem(try await api.send("POST", "/api/v1/triggers?dry_run=1", "{}"), 400, "invalid-parameter")
            try expectProblem(
                try await api.send("POST", "/api/v1/triggers?dry_run=true", "{}"), 422, "validation-failed")
        }
    }
}
