import JSONTree
import Testing

@Suite("Repeats")
struct RepeatTests {
    private static let ndjson = [("content-type", "application/x-ndjson")]

    private func statuses(_ answer: HTTPExchange.Answer) throws -> [String?] {
        try answer.json["results"]?.elements.map { $0["status"]?.string } ?? []
    }

    private func ids(_ answer: HTTPExchange.Answer) throws -> [String?] {
        try answer.json["results"]?.elements.map { $0["id"]?.string ?? $0["error"]?["event_id"]?.string } ?? []
    }

    @Test(arguments: ["application/json", "application/x-ndjson"])
    func `inside one batch the first wins`(type: String) async throws {
        try await withGateway { api in
            let items = [
                #"{"type":"A","id":"1","data":{"n":1}}"#, #"{"type":"A","id":"1","data":{"n":2}}"#,
                #"{"type":"A","id":"1","data":{ "n": 1.0 }}"#,
                #"{"type":"A","source":"other","id":"1","data":{"n":3}}"#,
            ]
            let isArray = type == "application/json"
            let body = isArray ? "[\(items.joined(separator: ","))]" : items.joined(separator: "\n")
            let first = try await api.send("POST", "/api/v1/events", body, headers: [("content-type", type)])
            #expect(try statuses(first) == ["accepted", "rejected", "duplicate", "accepted"])
            #expect(try ids(first)[1] == ids(first)[0] && ids(first)[2] == ids(first)[0])
            #expect(
                try first.json["results"]?[1]?["error"]?["type"]?.string == "urn:collider:problem:id-reused")
            let again = try await api.send("POST", "/api/v1/events", body, headers: [("content-type", type)])
            #expect(try statuses(again) == ["duplicate", "rejected", "duplicate", "duplicate"])
            #expect(try ids(again) == ids(first))
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 2)
        }
    }

    @Test func `an Idempotency-Key makes a batch repeatable, whatever its format`() async throws {
        try await withGateway { api in
            let items = (0..<3).map { #"{"type":"A","data":{"n":\#($0)}}"# }
            let key = ("idempotency-key", "upload-1")
            let first = try await api.send(
                "POST", "/api/v1/events", "[\(items.joined(separator: ","))]",
                headers: [key, ("content-type", "application/json")])
            let again = try await api.send(
                "POST", "/api/v1/events", items.joined(separator: "\n\n"), headers: [key] + Self.ndjson)
            #expect(try statuses(first) == ["accepted", "accepted", "accepted"])
            #expect(try statuses(again) == ["duplicate", "duplicate", "duplicate"])
            #expect(try ids(again) == ids(first))
            let changed = try await api.send(
                "POST", "/api/v1/events", items.reversed().joined(separator: "\n"), headers: [key] + Self.ndjson)
            #expect(try statuses(changed) == ["rejected", "duplicate", "rejected"])
        }
    }

    @Test func `the producer's own id goes before the key, and /ingest takes a key too`() async throws {
        try await withGateway { api in
            let key = [("idempotency-key", "k")]
            let own = try await api.send("POST", "/api/v1/events", #"{"type":"A","id":"x","data":{}}"#, headers: key)
            let stored = try await api.send("GET", own.headers["location"] ?? "").json
            #expect(stored["producer_id"]?.string == "x")
            let first = try await api.send("POST", "/ingest", #"{"type":"A","n":1}"#, headers: key)
            let again = try await api.send("POST", "/ingest", #"{"type":"A","n":1}"#, headers: key)
            let other = try await api.send("POST", "/ingest", #"{"type":"A","n":2}"#, headers: key)
            #expect(first.status == 201 && again.status == 200)
            try expectProblem(other, 422, "id-reused")
        }
    }

    @Test(arguments: ["", "é", String(repeating: "k", count: 201)])
    func `a key that can't be one is 400`(key: String) async throws {
        try await withGateway { api in
            let answer = try await api.send(
                "POST", "/api/v1/events", #"{"type":"A","data":{}}"#, headers: [("idempotency-key", key)])
            try expectProblem(answer, 400, "invalid-parameter")
        }
    }

    @Test func `a CloudEvent in another mode is a repeat`() async throws {
        try await withGateway { api in
            let structured = try await api.send(
                "POST", "/api/v1/events",
                #"{"specversion":"1.0","id":"1","source":"s","type":"T","datacontenttype":"text/plain","data":"hi"}"#,
                headers: [("content-type", "application/cloudevents+json")])
            let binary = try await api.send(
                "POST", "/api/v1/events", "hi",
                headers: [
                    ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "T"),
                    ("content-type", "text/plain"),
                ])
            #expect(structured.status == 201 && binary.status == 200)
            #expect(try structured.json["id"]?.string == binary.json["id"]?.string)
        }
    }

    @Test func `two gateways that are sent the same ids at once store each once`() async throws {
        try await withTwoGateways { gateways in
            let rounds = 6
            let ids = 120
            let answers = try await withThrowingTaskGroup(of: HTTPExchange.Answer.self) { group in
                for round in 0..<rounds {
                    // Each in an order of its own, as one event, an array or lines, half of them to either gateway.
                    let order = (0..<ids).map { ($0 * 7 + round * 31) % ids }
                    let items = order.map { #"{"type":"R","source":"race","id":"\#($0)","data":{"n":\#($0)}}"# }
                    let api = gateways[round % 2]
                    group.addTask {
                        round % 3 == 0
                            ? try await api.send("POST", "/api/v1/events", "[\(items.joined(separator: ","))]")
                            : try await api.send(
                                "POST", "/api/v1/events", items.joined(separator: "\n"), headers: Self.ndjson)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let accepted = try answers.reduce(0) { $0 + (try $1.json["accepted"]?.int64 ?? 0) }
            let duplicates = try answers.reduce(0) { $0 + (try $1.json["duplicates"]?.int64 ?? 0) }
            #expect(accepted == ids && duplicates == ids * (rounds - 1))
            let told = try Set(answers.flatMap { try self.ids($0) })
            #expect(told.count == ids)
            let stored = try await gateways[0].send("GET", "/api/v1/events?type=R&limit=1000").json["data"]
            #expect(stored?.count == ids)
            #expect(Set(stored?.elements.compactMap { $0["id"]?.string } ?? []) == Set(told.compactMap { $0 }))
        }
    }

    @Test func `of different contents under one id one wins, and both gateways say which`() async throws {
        try await withTwoGateways { gateways in
            let answers = try await withThrowingTaskGroup(of: HTTPExchange.Answer.self) { group in
                for number in 0..<10 {
                    let body = #"{"type":"C","id":"one","data":{"n":\#(number % 5)}}"#
                    group.addTask { try await gateways[number % 2].send("POST", "/api/v1/events", body) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.map(\.status).sorted() == [200, 201] + Array(repeating: 422, count: 8))
            #expect(Set(try answers.map { try $0.json["id"]?.string ?? $0.json["event_id"]?.string }).count == 1)
        }
    }
}
