import EventModel
import JSONTree
import Testing

@Suite("Taking events in")
struct IntakeTests {
    private static let signup = #"{"type":"UserSignup","data":{"email":"alice@example.com"}}"#

    @Test func `one event is stored and answered with 201, its id and its place`() async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/api/v1/events", Self.signup)
            #expect(answer.status == 201)
            let body = try answer.json
            let id = try #require(body["id"]?.string)
            #expect(body["type"]?.string == "UserSignup" && body["duplicate"]?.bool == false)
            #expect(answer.headers["location"] == "/api/v1/events/\(id)")
            let stored = try await api.send("GET", "/api/v1/events/\(id)")
            #expect(stored.status == 200)
            let event = try stored.json
            #expect(event["data"]?["email"]?.string == "alice@example.com")
            #expect(event["received_at"]?.string == body["received_at"]?.string)
        }
    }

    @Test func `the milliseconds of an id are those of received_at`() async throws {
        try await withGateway { api in
            let body = try await api.send("POST", "/api/v1/events", Self.signup).json
            let id = try #require(body["id"]?.string.flatMap { UniqueID($0) })
            let received = try #require(body["received_at"]?.string.flatMap { Timestamp(rfc3339: $0) })
            #expect(id.timestampMilliseconds == received.microseconds / 1_000)
        }
    }

    @Test func `a repeat answers 200 with the first id, other content 422`() async throws {
        try await withGateway { api in
            let event = #"{"type":"Paid","source":"shop","id":"p-1","data":{"amount":7}}"#
            let first = try await api.send("POST", "/api/v1/events", event)
            let again = try await api.send("POST", "/api/v1/events", event)
            #expect(first.status == 201 && again.status == 200)
            #expect(try again.json["duplicate"]?.bool == true)
            #expect(try again.json["id"]?.string == first.json["id"]?.string)
            let other = try await api.send("POST", "/api/v1/events", event.replacing("7", with: "8"))
            try expectProblem(other, 422, "id-reused")
            #expect(try other.json["event_id"]?.string == first.json["id"]?.string)
        }
    }

    @Test func `an Idempotency-Key does the same for producers without ids`() async throws {
        try await withGateway { api in
            let key = [("idempotency-key", "order-77")]
            let first = try await api.send("POST", "/api/v1/events", Self.signup, headers: key)
            let again = try await api.send("POST", "/api/v1/events", Self.signup, headers: key)
            #expect(first.status == 201 && again.status == 200)
            #expect(try again.json["id"]?.string == first.json["id"]?.string)
        }
    }

    @Test func `good items of a batch are stored although others are bad`() async throws {
        try await withGateway { api in
            let batch =
                "[\(Self.signup), {\"type\":\"\",\"data\":{}}, 7, {\"type\":\"A\",\"data\":{},\"id\":\"1\"}"
                + ", {\"type\":\"A\",\"data\":{},\"id\":\"1\"}]"
            let answer = try await api.send("POST", "/api/v1/events", batch)
            #expect(answer.status == 200)
            let body = try answer.json
            #expect(body["accepted"]?.int64 == 2 && body["duplicates"]?.int64 == 1 && body["rejected"]?.int64 == 2)
            let statuses = body["results"]?.elements.map { $0["status"]?.string }
            #expect(statuses == ["accepted", "rejected", "rejected", "accepted", "duplicate"])
            let error = body["results"]?[1]?["error"]
            #expect(error?["errors"]?[0]?["pointer"]?.string == "/1/type")
            #expect(error?["detail"]?.string?.isEmpty == false)
            let id = try #require(body["results"]?[0]?["id"]?.string)
            #expect(try await api.send("GET", "/api/v1/events/\(id)").status == 200)
        }
    }

    @Test func `an empty batch is nothing, and one of too many items is refused`() async throws {
        try await withGateway { api in
            let empty = try await api.send("POST", "/api/v1/events", "[]")
            #expect(empty.status == 200)
            #expect(try empty.json["results"]?.count == 0)
            let many = "[" + String(repeating: "1,", count: 10_000) + "1]"
            try expectProblem(try await api.send("POST", "/api/v1/events", many), 422, "validation-failed")
        }
    }

    @Test(arguments: ["/ingest", "/api/v1/ingest"])
    func `any object can be ingested, its type is the type`(path: String) async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", path, #"{"type":"agent.turn","score":0.5}"#)
            #expect(answer.status == 201)
            #expect(try answer.json["type"]?.string == "agent.turn")
            let untyped = try await api.send("POST", path, #"{"score":1}"#)
            #expect(try untyped.json["type"]?.string == "Unknown")
            try expectProblem(try await api.send("POST", path, "[1]"), 422, "validation-failed")
        }
    }

    @Test(arguments: [
        (#"{"type":"A","data":{"a":1,"a":2}}"#, "duplicateKey"),
        (#"{"type":"A","data":{"a":"\u0000"}}"#, "nulCharacter"),
        (#"{"type":"A","data":{"a":1e999}}"#, "exponent"), (#"{"type":"A","data":{"#, "syntax"), ("", "empty"),
        (#"{"type":"A","data":\#(String(repeating: "[", count: 70))"#, "depth"),
    ])
    func `what is no acceptable JSON is 400 with a code and an offset`(body: String, code: String) async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/api/v1/events", body)
            try expectProblem(answer, 400, "malformed-json")
            #expect(try answer.json["offset"]?.int64 != nil)
            if code != "syntax", code != "depth" { #expect(try answer.json["code"]?.string == code) }
        }
    }

    @Test func `JSON with wrong members is 422 with a pointer to each`() async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/api/v1/events", #"{"type":7,"data":[],"colour":1}"#)
            try expectProblem(answer, 422, "validation-failed")
            let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string } ?? []
            #expect(Set(pointers) == ["/type", "/data", "/colour"])
        }
    }

    @Test func `a body over the limit is 413, by its declared or its counted length`() async throws {
        try await withGateway { api in
            let declared = try await api.raw(
                """
                POST /api/v1/events HTTP/1.1\r
                host: x\r
                authorization: Bearer \(api.key ?? "")\r
                content-length: 99000000\r
                \r

                """)
            try expectProblem(declared, 413, "body-too-large")
            #expect(declared.headers["connection"] == "close")

            let big = "{\"type\":\"A\",\"data\":{\"x\":\"" + String(repeating: "x", count: 1 << 20) + "\"}}"
            let counted = try await api.raw(
                "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
                    + "transfer-encoding: chunked\r\n\r\n"
                    + "\(String(big.utf8.count, radix: 16))\r\n\(big)\r\n0\r\n\r\n")
            try expectProblem(counted, 413, "body-too-large")
        }
    }

    @Test func `an array may be larger than a single event`() async throws {
        try await withGateway { api in
            let item = "{\"type\":\"A\",\"data\":{\"x\":\"" + String(repeating: "x", count: 300_000) + "\"}}"
            let batch = "[" + Array(repeating: item, count: 8).joined(separator: ",") + "]"
            let answer = try await api.send("POST", "/api/v1/events", batch)
            #expect(answer.status == 200)
            #expect(try answer.json["accepted"]?.int64 == 8)
        }
    }

    @Test(arguments: ["text/plain", "application/json; charset=latin1"])
    func `another media type is 415`(type: String) async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/api/v1/events", Self.signup, headers: [("content-type", type)])
            try expectProblem(answer, 415, "unsupported-media-type")
        }
    }
}
