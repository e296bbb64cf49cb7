import JSONTree
import PostgresWire
import TestKit
import Testing

@Suite("Backtests over HTTP")
struct BacktestTests {
    private static let times = #""from": "2026-01-01T00:00:00Z", "to": "2026-01-31T00:00:00Z""#

    @Test func `a backtest of a trigger is queued, shown, listed and cancelled`() async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("big", over: 100))
                .json
            let trigger = try #require(made["id"]?.string)
            let order = try await api.send("POST", "/api/v1/triggers/\(trigger)/backtest", "{\(Self.times)}")
            #expect(order.status == 202, "\(order.text)")
            let id = try #require(try order.json["id"]?.string)
            #expect(order.headers["location"] == "/api/v1/backtests/\(id)")
            let shown = try await api.send("GET", "/api/v1/backtests/\(id)").json
            #expect(shown["status"]?.string == "queued" && shown["progress"]?.double == 0)
            #expect(shown["trigger_id"]?.string == trigger && shown["trigger_version"]?.int64 == 1)
            #expect(shown["from"]?.string == "2026-01-01T00:00:00Z" && shown["to"]?.string == "2026-01-31T00:00:00Z")
            let list = try await api.send("GET", "/api/v1/backtests?trigger=\(trigger)").json["data"]
            #expect(list?.elements.compactMap { $0["id"]?.string } == [id])

            #expect(try await api.send("DELETE", "/api/v1/backtests/\(id)").json["status"]?.string == "cancelled")
            let stream = try await api.send("GET", "/api/v1/backtests/\(id)/stream")
            #expect(stream.headers["content-type"] == "text/event-stream")
            #expect(stream.text.contains("event: done") && stream.text.contains(#""status":"cancelled""#))
        }
    }

    @Test func `a draft is tested without being stored as a trigger, and its secrets are not kept`() async throws {
        try await withGatewayAndDatabase { api, database in
            let draft = TriggerVersionTests.trigger("draft", over: 100)
            let order = try await api.send(
                "POST", "/api/v1/triggers/backtest", #"{"trigger": \#(draft), \#(Self.times)}"#)
            #expect(order.status == 202, "\(order.text)")
            #expect(try order.json["trigger_id"]?.isNull == true && order.json["name"]?.string == "draft")
            #expect(try await api.send("GET", "/api/v1/triggers").json["data"]?.count == 0)
            let kept = try await withTestConnection(database) { connection in
                try await connection.query(
                    PostgresStatement(
                        "test_kept", "SELECT count(*) FROM backtests WHERE definition::text LIKE '%whsec%'")
                )[0].decode(0, as: Int64.self)
            }
            #expect(kept == 0)
        }
    }

    @Test func `what can't be tested is refused with its place`() async throws {
        try await withGateway { api in
            let draft = TriggerVersionTests.trigger("draft", over: 100)
            let far = #""from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z""#
            for (body, pointer) in [
                ("{\(Self.times)}", "/trigger"), (#"{"trigger": {"nme": 1}, \#(Self.times)}"#, "/trigger/nme"),
                (#"{"trigger": \#(draft)}"#, "/from"), (#"{"trigger": \#(draft), "from": "yesterday"}"#, "/from"),
                (#"{"trigger": \#(draft), "from": "2100-01-01T00:00:00Z"}"#, "/from"),
                (#"{"trigger": \#(draft), \#(far)}"#, "/from"),
                (#"{"trigger": \#(draft), \#(Self.times), "until": 1}"#, "/until"),
            ] {
                let answer = try await api.send("POST", "/api/v1/triggers/backtest", body)
                try expectProblem(answer, 422, "validation-failed")
                let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string }
                #expect(pointers?.contains(pointer) == true, "\(body): \(answer.text)")
            }
        }
    }

    @Test func `an organization has a bounded number open, and sees only its own`() async throws {
        try await withTwoOrganizations { one, other in
            let draft = #"{"trigger": \#(TriggerVersionTests.trigger("draft", over: 1)), \#(Self.times)}"#
            var ids: [String] = []
            for _ in 0..<10 {
                let order = try await one.send("POST", "/api/v1/triggers/backtest", draft)
                ids.append(try #require(try order.json["id"]?.string))
            }
            try expectProblem(try await one.send("POST", "/api/v1/triggers/backtest", draft), 409, "conflict")
            try expectProblem(try await other.send("GET", "/api/v1/backtests/\(ids[0])"), 404, "not-found")
            try expectProblem(try await other.send("GET", "/api/v1/backtests/\(ids[0])/stream"), 404, "not-found")
            try expectProblem(try await other.send("DELETE", "/api/v1/backtests/\(ids[0])"), 404, "not-found")
            #expect(try await other.send("GET", "/api/v1/backtests").json["data"]?.count == 0)
            #expect(try await other.send("POST", "/api/v1/triggers/backtest", draft).status == 202)
            #expect(try await one.send("DELETE", "/api/v1/backtests/\(ids[0])").status == 200)
            #expect(try await one.send("POST", "/api/v1/triggers/backtest", draft).status == 202)
            let page = try await one.send("GET", "/api/v1/backtests?limit=4").json
            let cursor = try #require(page["next_cursor"]?.string)
            let rest = try await one.send("GET", "/api/v1/backtests?limit=50&cursor=\(cursor)").json
            #expect(page["data"]?.count == 4 && rest["data"]?.count == 7)
        }
    }

    private func order(_ api: HTTPExchange) async throws -> String {
        let draft = #"{"trigger": \#(TriggerVersionTests.trigger("draft", over: 1)), \#(Self.times)}"#
        let order = try await api.send("POST", "/api/v1/triggers/backtest", draft)
        return "/api/v1/backtests/\(try #require(try order.json["id"]?.string))"
    }

    @Test func `a stream tells progress as there is some, and ends with the result`() async throws {
        try await withGatewayAndDatabase { api, database in
            let path = try await order(api)
            try await StreamClient.withStream(api, path: "\(path)/stream") { stream in
                let first = try await stream.event()
                #expect(first?.field("event") == "progress" && first?.data?["status"]?.string == "queued")
                let changes = [
                    """
                    status = 'running', lease_token = gen_random_uuid(), lease_until = now(), positions_read = 1,
                    positions_total = 4
                    """,
                    """
                    status = 'succeeded', lease_token = NULL, lease_until = NULL, finished_at = now(),
                    result = '{"fired": 3}'
                    """,
                ]
                for change in changes {
                    try await withTestConnection(database) {
                        try await $0.execute(script: "UPDATE backtests SET \(change)")
                    }
                    let next = try await stream.event()
                    if next?.data?["status"]?.string == "running" {
                        #expect(next?.field("event") == "progress" && next?.data?["progress"]?.double == 0.25)
                    } else {
                        #expect(next?.field("event") == "done" && next?.data?["result"]?["fired"]?.int64 == 3)
                    }
                }
                #expect(try await stream.event() == nil)
            }
        }
    }

    @Test func `a stopping gateway ends the streams of backtests`() async throws {
        let (ended, ending) = AsyncStream<Bool>.makeStream()
        let (opened, opening) = AsyncStream<Void>.makeStream()
        try await withGateway { api in
            let path = try await order(api)
            _ = Task {
                try await StreamClient.withStream(api, path: "\(path)/stream") { stream in
                    _ = try await stream.event()
                    opening.yield()
                    ending.yield(try await stream.event() == nil)
                }
            }
            var iterator = opened.makeAsyncIterator()
            await iterator.next()
        }
        var iterator = ended.makeAsyncIterator()
        #expect(await iterator.next() == true)
    }
}
