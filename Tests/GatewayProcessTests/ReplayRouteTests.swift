import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

@Suite("Deliveries brought back and made again")
struct ReplayRouteTests {
    /// Stores deliveries of one event as a processor and a worker would have left them; gives their ids.
    private func seed(
        _ api: HTTPExchange, _ database: PostgresConfiguration, _ statuses: [String]
    ) async throws -> [UniqueID] {
        let trigger = try await api.send(
            "POST", "/api/v1/triggers",
            #"{"name": "t", "actions": [{"type": "rest", "config": {"url": "https://example.com"}}]}"#)
        let id = try #require(try trigger.json["id"]?.string)
        let ids = statuses.map { _ in UniqueID.generate() }
        let rows = zip(ids, statuses).map { id, status in
            let isOpen = ["ready", "scheduled"].contains(status)
            return """
                ('\(id)', to_timestamp(\(Double(id.timestampMilliseconds) / 1_000)), '\(status)',
                \(isOpen ? "NULL" : "now()"))
                """
        }
        try await withTestConnection(database) {
            try await $0.execute(
                script: """
                    INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version,
                        event_id, event_received_at, action_index, kind, max_attempts, run_at, pushed_at, status,
                        finished_at, attempt)
                    SELECT v.id::uuid, v.created_at, t.organization_id, gen_random_uuid(), t.id, 1, gen_random_uuid(),
                        now(), 0, 'rest', 1, now(), now(), v.status, v.finished_at::timestamptz, 1
                    FROM (VALUES \(rows.joined(separator: ","))) AS v (id, created_at, status, finished_at)
                    JOIN triggers t ON t.id = '\(id)'
                    """)
        }
        return ids
    }

    @Test func `a dead delivery is retried, one that has arrived is not, and one that waits is called off`()
        async throws
    {
        try await withGatewayAndDatabase { api, database in
            let ids = try await seed(api, database, ["dead", "succeeded", "scheduled"])
            let retried = try await api.send("POST", "/api/v1/deliveries/\(ids[0])/retry")
            #expect(retried.status == 200, "\(retried.text)")
            #expect(try retried.json["status"]?.string == "ready" && retried.json["max_attempts"]?.int64 == 2)
            #expect(try retried.json["attempts"]?.kind == .array)
            let arrived = try await api.send("POST", "/api/v1/deliveries/\(ids[1])/retry")
            try expectProblem(arrived, 409, "conflict")
            #expect(arrived.text.contains("replay"))
            let cancelled = try await api.send("POST", "/api/v1/deliveries/\(ids[2])/cancel")
            #expect(try cancelled.status == 200 && cancelled.json["status"]?.string == "cancelled")
            try expectProblem(try await api.send("POST", "/api/v1/deliveries/\(ids[2])/cancel"), 409, "conflict")
            for what in ["retry", "cancel"] {
                let nobody = try await api.send("POST", "/api/v1/deliveries/\(UniqueID.generate())/\(what)")
                try expectProblem(nobody, 404, "not-found")
            }
        }
    }

    @Test func `dead deliveries are purged by filter, and nothing else can be`() async throws {
        try await withGatewayAndDatabase { api, database in
            _ = try await seed(api, database, ["dead", "dead", "succeeded", "cancelled"])
            for (body, pointer) in [
                ("{}", "/filter"), (#"{"filter": {}}"#, "/filter"),
                (#"{"filter": {"status": "succeeded"}}"#, "/filter/status"),
                (#"{"filter": {"trigger": 1}}"#, "/filter/trigger"),
            ] {
                let answer = try await api.send("POST", "/api/v1/deliveries/purge", body)
                try expectProblem(answer, 422, "validation-failed")
                let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string }
                #expect(pointers?.contains(pointer) == true, "\(body): \(answer.text)")
            }
            let purged = try await api.send("POST", "/api/v1/deliveries/purge", #"{"filter": {"status": "dead"}}"#)
            #expect(try purged.json["purged"]?.int64 == 2 && purged.json["complete"]?.bool == true)
            #expect(try await api.send("GET", "/api/v1/deliveries").json["data"]?.count == 2)
        }
    }

    @Test func `a replay is ordered, shown, listed, watched and given up`() async throws {
        try await withGateway { api in
            let body =
                #"{"filter": {"status": "dead", "from": "2026-01-01T00:00:00Z"}, "rate": 7, "version": "current"}"#
            let order = try await api.send("POST", "/api/v1/deliveries/replay", body)
            #expect(order.status == 202, "\(order.text)")
            let id = try #require(try order.json["id"]?.string)
            #expect(order.headers["location"] == "/api/v1/replays/\(id)")
            let shown = try await api.send("GET", "/api/v1/replays/\(id)").json
            #expect(shown["status"]?.string == "queued" && shown["rate"]?.int64 == 7 && shown["made"]?.int64 == 0)
            #expect(shown["request"]?["filter"]?["status"]?.string == "dead")
            let list = try await api.send("GET", "/api/v1/replays").json["data"]
            #expect(list?.elements.compactMap { $0["id"]?.string } == [id])
            #expect(try await api.send("DELETE", "/api/v1/replays/\(id)").json["status"]?.string == "cancelled")
            let stream = try await api.send("GET", "/api/v1/replays/\(id)/stream")
            #expect(stream.headers["content-type"] == "text/event-stream")
            #expect(stream.text.contains("event: done") && stream.text.contains(#""status":"cancelled""#))
        }
    }

    @Test func `what can't be replayed is refused with its place`() async throws {
        try await withGateway { api in
            for (body, pointer) in [
                ("{}", ""), (#"{"filter": {}}"#, "/filter"), (#"{"filter": {"status": "ready"}}"#, "/filter/status"),
                (#"{"filter": {"status": "dead"}, "rate": 0}"#, "/rate"),
                (#"{"filter": {"status": "dead"}, "version": "old"}"#, "/version"),
                (#"{"filter": {"status": "dead"}, "events": {"id": "x"}}"#, "/events/id"),
                (#"{"events": {"type": "A"}}"#, "/events"),
                (#"{"events": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}"#, "/events/from"),
                (#"{"events": {"from": "2026-01-02T00:00:00Z"}, "again": true}"#, "/again"),
                (#"{"filter": {"status": "dead"}, "trigger_id": "x"}"#, "/trigger_id"),
            ] {
                let answer = try await api.send("POST", "/api/v1/deliveries/replay", body)
                try expectProblem(answer, 422, "validation-failed")
                let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string }
                #expect(pointers?.contains(pointer) == true, "\(body): \(answer.text)")
            }
        }
    }

    @Test func `reading deliveries is no right to change them, and another organization sees nothing`() async throws {
        try await withGateway(scopes: [.deliveriesRead]) { api in
            let id = UniqueID.generate()
            for path in ["replay", "purge", "\(id)/retry", "\(id)/cancel"] {
                try expectProblem(try await api.send("POST", "/api/v1/deliveries/\(path)", "{}"), 403, "missing-scope")
            }
            try expectProblem(try await api.send("DELETE", "/api/v1/replays/\(id)"), 403, "missing-scope")
        }
        try await withTwoOrganizations { one, other in
            let order = try await one.send("POST", "/api/v1/deliveries/replay", #"{"filter": {"status": "dead"}}"#)
            let id = try #require(try order.json["id"]?.string)
            for (method, path) in [("GET", ""), ("GET", "/stream"), ("DELETE", "")] {
                try expectProblem(try await other.send(method, "/api/v1/replays/\(id)\(path)"), 404, "not-found")
            }
            #expect(try await other.send("GET", "/api/v1/replays").json["data"]?.count == 0)
        }
    }
}
