import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@Suite("Firings, explanations and differences")
struct FiringTests {
    /// A trigger, the events 1 to 4, and firings of the live version for 1 and 2, of the shadow for 2 and 3.
    private func withFirings(
        _ body:
            @Sendable (HTTPExchange, _ triggerID: String, _ events: [String], PostgresConfiguration) async throws ->
            Void
    ) async throws {
        try await withGatewayAndDatabase { api, database in
            let made = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("big", over: 1)).json
            let id = try #require(made["id"]?.string)
            let put = try await api.send(
                "PUT", "/api/v1/triggers/\(id)/shadow", TriggerVersionTests.trigger("big", over: 2))
            #expect(put.status == 200)
            var events: [String] = []
            for number in 1...4 {
                let posted = try await api.send("POST", "/api/v1/events", #"{"type":"A","data":{"amount":\#(number)}}"#)
                events.append(try #require(try posted.json["id"]?.string))
            }
            try await withTestConnection(database) { connection in
                let fired = [(0, "live", 1), (1, "live", 1), (1, "shadow", 2), (2, "shadow", 2)]
                // A millisecond apart, because ids of the same one have no order.
                let last = Timestamp.now().microseconds
                for (index, (event, role, version)) in fired.enumerated() {
                    let time = Timestamp(microseconds: last - Int64(fired.count - index) * 1_000)
                    try await connection.execute(
                        script: """
                            INSERT INTO firings (id, created_at, organization_id, trigger_id, trigger_version, event_id,
                                event_received_at, part, position, at, role, explanation)
                            SELECT f.id, to_timestamp(('x' || translate(left(f.id::text, 13), '-', ''))::bit(48)::bigint
                                / 1000.0), e.organization_id, '\(id)', \(version), e.id, e.received_at, e.part,
                                e.position, e.received_at, '\(role)', '{"value": true, "field": "data.amount"}'
                            FROM events e, (SELECT '\(UniqueID.generate(at: time))'::uuid AS id) f
                            WHERE e.id = '\(events[event])'
                            """)
                }
            }
            try await body(api, id, events, database)
        }
    }

    @Test func `firings are listed by trigger, event, role and time, newest first`() async throws {
        try await withFirings { api, trigger, events, _ in
            let all = try await api.send("GET", "/api/v1/firings").json["data"]
            #expect(all?.count == 4)
            #expect(all?.elements.map { $0["event_id"]?.string } == [events[2], events[1], events[1], events[0]])
            #expect(all?[0]?["explanation"] == nil)
            for (query, count) in [
                ("role=live", 2), ("role=shadow", 2), ("trigger=\(trigger)", 4), ("event=\(events[1])", 2),
                ("event=\(events[3])", 0), ("event=\(events[1])&role=live", 1), ("from=2100-01-01T00:00:00Z", 0),
                ("to=2020-01-01T00:00:00Z", 0), ("trigger=\(events[0])", 0),
            ] {
                let found = try await api.send("GET", "/api/v1/firings?\(query)").json["data"]
                #expect(found?.count == count, "\(query)")
            }
            let page = try await api.send("GET", "/api/v1/triggers/\(trigger)/firings?limit=3").json
            let cursor = try #require(page["next_cursor"]?.string)
            let rest = try await api.send("GET", "/api/v1/triggers/\(trigger)/firings?limit=3&cursor=\(cursor)").json
            #expect(page["data"]?.count == 3 && rest["data"]?.count == 1 && rest["next_cursor"]?.isNull == true)
            try expectProblem(try await api.send("GET", "/api/v1/firings?role=none"), 400, "invalid-parameter")
        }
    }

    @Test func `one firing has its explanation`() async throws {
        try await withFirings { api, trigger, _, _ in
            let id = try await api.send("GET", "/api/v1/firings?role=live").json["data"]?[0]?["id"]?.string
            let firing = try await api.send("GET", "/api/v1/firings/\(try #require(id))").json
            #expect(firing["explanation"]?["value"]?.bool == true && firing["trigger_id"]?.string == trigger)
            let nobody = "/api/v1/firings/018f0000-0000-7000-8000-000000000000"
            try expectProblem(try await api.send("GET", nobody), 404, "not-found")
        }
    }

    @Test func `a shadow tells for which events only one of the two has fired`() async throws {
        try await withFirings { api, trigger, events, _ in
            let differences = try await api.send("GET", "/api/v1/triggers/\(trigger)/shadow").json["differences"]
            #expect(differences?["both"]?.int64 == 1)
            #expect(differences?["only_live"]?.int64 == 1 && differences?["only_shadow"]?.int64 == 1)
            #expect(differences?["truncated"]?.bool == false)
            let samples = differences?["samples"]?.elements.map { [$0["fired"]?.string, $0["event_id"]?.string] }
            #expect(samples == [["live", events[0]], ["shadow", events[2]]])
        }
    }

    @Test func `an event that fired is explained by what was stored`() async throws {
        try await withFirings { api, trigger, events, _ in
            let why = try await api.send("GET", "/api/v1/events/\(events[0])/explain?trigger=\(trigger)").json
            #expect(why["outcome"]?.string == "fired" && why["trigger_version"]?.int64 == 1)
            #expect(why["explanation"]?["value"]?.bool == true && why["firing_id"]?.string != nil)
            #expect(why["replay"] == nil)
        }
    }

    @Test func `an event that did not fire is explained by what stood in its way`() async throws {
        try await withFirings { api, trigger, events, database in
            let path = "/api/v1/events/\(events[3])/explain?trigger=\(trigger)"
            #expect(try await api.send("GET", path).json["outcome"]?.string == "pending")
            try await withTestConnection(database) { connection in
                try await connection.execute(
                    script: """
                        INSERT INTO follower_positions (follower, part, position)
                        SELECT 'event-processor', part, head FROM log_parts
                        """)
            }
            let later = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("late", over: 1))
                .json
            let lateID = try #require(later["id"]?.string)
            let late = try await api.send("GET", "/api/v1/events/\(events[3])/explain?trigger=\(lateID)").json
            #expect(late["outcome"]?.string == "too_early")

            for (more, outcome) in [
                (#", "event_types": ["B*"]"#, "other_type"), (#", "enabled": false"#, "disabled"),
            ] {
                let body = TriggerVersionTests.trigger("late", over: 1, more: more)
                _ = try await api.send("PUT", "/api/v1/triggers/\(lateID)", body)
                let posted = try await api.send("POST", "/api/v1/events", #"{"type":"A","data":{"amount":9}}"#).json
                let event = try #require(posted["id"]?.string)
                let why = try await api.send("GET", "/api/v1/events/\(event)/explain?trigger=\(lateID)").json
                #expect(why["outcome"]?.string == outcome && why["reason"]?.string?.isEmpty == false)
            }
        }
    }

    @Test func `what has not fired is run again over the events before it`() async throws {
        try await withGatewayAndDatabase { api, database in
            var ids: [String: String] = [:]
            for (name, rest) in [
                ("count", #""condition": {"aggregate": "count", "window": "1h", "operator": "gte", "value": 3}"#),
                (
                    "average",
                    #""condition": {"aggregate":"ema","field":"n","window":{"events":3},"operator":"gt","value":9}"#
                ),
                ("quiet", #""condition": {"field": "n", "operator": "gt", "value": 1}, "cooldown": "1h""#),
                ("big", #""condition": {"field": "n", "operator": "gt", "value": 3}"#),
                (
                    "silent",
                    #""condition": {"absence": {"after": {"field": "n", "operator": "eq", "value": 4}, "#
                        + #""expect": {"any": []}, "within": "1h"}}"#
                ),
            ] {
                let body = #"{"name": "\#(name)", "event_types": ["A"], \#(rest)}"#
                let made = try await api.send("POST", "/api/v1/triggers", body)
                ids[name] = try #require(try made.json["id"]?.string, "\(made.text)")
            }
            var events: [String] = []
            for number in 1...4 {
                let posted = try await api.send("POST", "/api/v1/events", #"{"type":"A","data":{"n":\#(number)}}"#)
                events.append(try #require(try posted.json["id"]?.string))
            }
            try await withTestConnection(database) { connection in
                try await connection.execute(
                    script: """
                        INSERT INTO follower_positions (follower, part, position)
                        SELECT 'event-processor', part, head FROM log_parts
                        """)
            }
            for (name, event, outcome, replayed, isApproximate) in [
                ("count", 1, "not_matched", 1, false), ("count", 3, "matched", 3, false),
                ("average", 3, "not_matched", 3, true), ("quiet", 1, "matched", 1, true),
                ("quiet", 2, "suppressed", 2, true), ("quiet", 0, "not_matched", 0, false),
                ("big", 2, "not_matched", 0, false), ("silent", 3, "waiting", 3, false),
                ("silent", 2, "not_matched", 2, false),
            ] {
                let path = "/api/v1/events/\(events[event])/explain?trigger=\(try #require(ids[name]))"
                let why = try await api.send("GET", path).json
                #expect(why["outcome"]?.string == outcome, "\(name) \(event): \(why)")
                #expect(why["replay"]?["events"]?.int64 == Int64(replayed), "\(name) \(event): \(why)")
                #expect(why["replay"]?["approximate"]?.bool == isApproximate, "\(name) \(event): \(why)")
                #expect(why["explanation"]?["value"]?.bool == ["matched", "suppressed"].contains(outcome))
            }
        }
    }

    @Test func `an explanation needs a trigger, and both rights`() async throws {
        try await withFirings { api, _, events, _ in
            let path = "/api/v1/events/\(events[0])/explain"
            try expectProblem(try await api.send("GET", path), 400, "invalid-parameter")
            try expectProblem(try await api.send("GET", "\(path)?trigger=\(events[0])"), 404, "not-found")
        }
        let id = "018f0000-0000-7000-8000-000000000000"
        try await withGateway(scopes: [.eventsRead]) { api in
            let answer = try await api.send("GET", "/api/v1/events/\(id)/explain?trigger=\(id)")
            try expectProblem(answer, 403, "missing-scope")
        }
        try await withGateway(scopes: [.triggersRead]) { api in
            try expectProblem(try await api.send("GET", "/api/v1/firings/\(id)"), 403, "missing-scope")
            try expectProblem(try await api.send("GET", "/api/v1/backtests"), 403, "missing-scope")
            try expectProblem(try await api.send("GET", "/api/v1/backtests/\(id)"), 403, "missing-scope")
            try expectProblem(try await api.send("GET", "/api/v1/backtests/\(id)/stream"), 403, "missing-scope")
        }
    }
}
