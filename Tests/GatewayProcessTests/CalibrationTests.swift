import EventStore
import JSONTree
import Testing

@testable import GatewayProcess

@Suite("Calibrating a similarity over HTTP")
struct CalibrationTests {
    private static let condition = #"{"similar_to":"I want my money back","field":"text"}"#
    private static let since = #""from":"2026-01-01T00:00:00Z""#

    private func fill(_ api: HTTPExchange) async throws -> [String] {
        let texts = ["I want my money back", "money back please", "hello there", "where is it"]
        let events = texts.map { #"{"type":"Message","data":{"text":"\#($0)"}}"# } + [#"{"type":"Other","data":{}}"#]
        let answer = try await api.send("POST", "/api/v1/events", "[\(events.joined(separator: ","))]").json
        return answer["results"]?.elements.compactMap { $0["id"]?.string } ?? []
    }

    @Test func `it tells how often each degree would have fired, and which samples lie beside it`() async throws {
        try await withGateway { api in
            let ids = try await fill(api)
            let answer = try await api.send(
                "POST", "/api/v1/triggers/calibrate", #"{"condition":\#(Self.condition),\#(Self.since)}"#)
            #expect(answer.status == 200, "\(answer.text)")
            let body = try answer.json
            #expect(body["complete"]?.bool == true && body["evaluated"]?.int64 == 5)
            #expect(body["comparable"]?.int64 == 4)
            let rows = try #require(body["thresholds"])
            #expect(rows.elements.compactMap { $0["fires"]?.int64 }.last == 1)
            #expect(rows[19]?["just_above"]?[0]?["event_id"]?.string == ids[0])
            #expect(rows[0]?["fires_per_day"]?.double ?? 0 > 0)
            #expect(body["suggested"]?.isNull == true)
        }
    }

    @Test func `labels and types narrow it`() async throws {
        try await withGateway { api in
            let ids = try await fill(api)
            let labels = ids.prefix(2).map { #""\#($0)""# }.joined(separator: ",")
            let body = try await api.send(
                "POST", "/api/v1/triggers/calibrate",
                #"{"condition":\#(Self.condition),\#(Self.since),"event_types":["Mess*"],"positives":[\#(labels)]}"#
            ).json
            #expect(body["evaluated"]?.int64 == 4 && body["positives_found"]?.int64 == 2)
            #expect(body["suggested"]?["f1"]?.double == 1 && body["suggested"]?["fires"]?.int64 == 2)
            let rate = try await api.send(
                "POST", "/api/v1/triggers/calibrate",
                #"{"condition":\#(Self.condition),\#(Self.since),"event_types":["Message"],"target_per_day":1000}"#
            ).json
            #expect(rate["evaluated"]?.int64 == 4 && rate["suggested"]?["fires"]?.int64 ?? 0 >= 2)
        }
    }

    @Test func `it reads back no further than its bound, and says so`() async throws {
        try await withGateway { api in
            let line = #"{"type":"Message","data":{"text":"hello"}}"#
            let body = Array(repeating: line, count: 7_000).joined(separator: "\n")
            for _ in 0..<3 {
                _ = try await api.send(
                    "POST", "/api/v1/events", body, headers: [("content-type", "application/x-ndjson")])
            }
            let answer = try await api.send(
                "POST", "/api/v1/triggers/calibrate", #"{"condition":\#(Self.condition),\#(Self.since)}"#
            ).json
            // By their number, or on a slow machine by time.
            #expect(answer["complete"]?.bool == false && answer["evaluated"]?.int64 ?? 0 <= 20_000)
            #expect(answer["read_from"]?.string ?? "" > "2026-01-01T00:00:00Z")
        }
    }

    @Test func `what can't be calibrated is refused with its place`() async throws {
        try await withGateway { api in
            for (body, pointer) in [
                ("{\(Self.since)}", "/condition"), (#"{"condition":\#(Self.condition)}"#, "/from"),
                (#"{"condition":{"similar_to":7},\#(Self.since)}"#, "/condition/similar_to"),
                (#"{"condition":{"field":"a","operator":"eq","value":1},\#(Self.since)}"#, "/condition"),
                (#"{"condition":\#(Self.condition),"from":"2100-01-01T00:00:00Z"}"#, "/from"),
                (#"{"condition":\#(Self.condition),\#(Self.since),"target_per_day":-1}"#, "/target_per_day"),
                (#"{"condition":\#(Self.condition),\#(Self.since),"positives":["x"]}"#, "/positives/0"),
                (#"{"condition":\#(Self.condition),\#(Self.since),"event_types":[7]}"#, "/event_types/0"),
                (#"{"condition":\#(Self.condition),\#(Self.since),"x":1}"#, "/x"),
            ] {
                let answer = try await api.send("POST", "/api/v1/triggers/calibrate", body)
                try expectProblem(answer, 422, "validation-failed")
                let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string }
                #expect(pointers?.contains(pointer) == true, "\(body): \(answer.text)")
            }
        }
    }

    @Test func `a gateway works on a few at a time`() {
        let room = CalibrationRoom()
        for _ in 0..<CalibrationRoom.places { #expect(room.enter()) }
        #expect(!room.enter())
        room.leave()
        #expect(room.enter() && !room.enter())
    }

    @Test func `it needs the rights to read triggers and events, and sees one organization alone`() async throws {
        let order = #"{"condition":\#(Self.condition),\#(Self.since)}"#
        for scopes in [[.triggersRead], [.eventsRead]] as [Set<Scope>] {
            try await withGateway(scopes: scopes) { api in
                try expectProblem(try await api.send("POST", "/api/v1/triggers/calibrate", order), 403, "missing-scope")
            }
        }
        try await withTwoOrganizations { one, other in
            _ = try await fill(one)
            #expect(try await other.send("POST", "/api/v1/triggers/calibrate", order).json["evaluated"]?.int64 == 0)
        }
    }
}
