import JSONTree
import Testing

@Suite("Events that follow from others")
struct CauseTests {
    private func post(_ api: HTTPExchange, _ body: String) async throws -> HTTPExchange.Answer {
        try await api.send("POST", "/api/v1/events", body)
    }

    private func stored(_ api: HTTPExchange, _ answer: HTTPExchange.Answer) async throws -> JSONValue {
        let id = try #require(try answer.json["id"]?.string, "\(answer.text)")
        return try await api.send("GET", "/api/v1/events/\(id)").json
    }

    @Test func `a cause stands in the metadata, and gives its subject to an event without one`() async throws {
        try await withGateway { api in
            let first = try await post(api, #"{"type":"Message","subject":"user-7","data":{"text":"hi"}}"#)
            let id = try #require(try first.json["id"]?.string)
            let score = try await post(api, #"{"type":"Score","cause":"\#(id)","data":{"name":"churn","value":0.9}}"#)
            #expect(score.status == 201)
            let event = try await stored(api, score)
            #expect(event["metadata"]?["cause"]?["event_id"]?.string == id)
            #expect(event["metadata"]?["depth"]?.int64 == 1 && event["subject"]?.string == "user-7")
            let own = try await post(api, #"{"type":"Score","cause":"\#(id)","subject":"other","data":{}}"#)
            #expect(try await stored(api, own)["subject"]?.string == "other")
        }
    }

    @Test func `a cause that is no event of the organization is refused`() async throws {
        try await withTwoOrganizations { one, other in
            let theirs = try #require(try await post(other, #"{"type":"A","data":{}}"#).json["id"]?.string)
            for cause in [theirs, "0190aaaa-0000-7000-8000-000000000000"] {
                let answer = try await post(one, #"{"type":"Score","cause":"\#(cause)","data":{}}"#)
                try expectProblem(answer, 422, "validation-failed")
                let error = try #require(try answer.json["errors"]?[0])
                #expect(error["pointer"]?.string == "/cause")
                #expect(error["detail"]?.string == "there is no event of this id")
            }
            for cause in [#""x""#, "7"] {
                let answer = try await post(one, #"{"type":"Score","cause":\#(cause),"data":{}}"#)
                try expectProblem(answer, 422, "validation-failed")
                #expect(try answer.json["errors"]?[0]?["pointer"]?.string == "/cause")
            }
        }
    }

    @Test func `of many events only those with a wrong cause are refused`() async throws {
        try await withGateway { api in
            let id = try #require(try await post(api, #"{"type":"A","subject":"s","data":{}}"#).json["id"]?.string)
            let events = [
                #"{"type":"Score","cause":"\#(id)","data":{"n":0}}"#, #"{"type":"Plain","data":{}}"#,
                #"{"type":"Score","cause":"0190aaaa-0000-7000-8000-000000000000","data":{"n":2}}"#,
                #"{"type":"Score","cause":"\#(id)","data":{"n":3}}"#,
            ]
            let array = try await post(api, "[\(events.joined(separator: ","))]")
            let lines = try await api.send(
                "POST", "/api/v1/events", events.joined(separator: "\n"),
                headers: [("content-type", "application/x-ndjson")])
            for answer in [array, lines] {
                let body = try answer.json
                #expect(body["accepted"]?.int64 == 3 && body["rejected"]?.int64 == 1, "\(answer.text)")
                let results = try #require(body["results"])
                #expect(results[2]?["error"]?["errors"]?[0]?["pointer"]?.string == "/2/cause")
                let last = try #require(results[3]?["id"]?.string)
                let event = try await api.send("GET", "/api/v1/events/\(last)").json
                #expect(event["metadata"]?["cause"]?["event_id"]?.string == id && event["data"]?["n"]?.int64 == 3)
            }
        }
    }

    @Test func `a chain of events that follow from each other ends`() async throws {
        try await withGateway { api in
            var id = try #require(try await post(api, #"{"type":"A","data":{}}"#).json["id"]?.string)
            for depth in 1...8 as ClosedRange<Int64> {
                let answer = try await post(api, #"{"type":"A","cause":"\#(id)","data":{}}"#)
                #expect(try await stored(api, answer)["metadata"]?["depth"]?.int64 == depth)
                id = try #require(try answer.json["id"]?.string)
            }
            try expectProblem(
                try await post(api, #"{"type":"A","cause":"\#(id)","data":{}}"#), 422, "validation-failed")
        }
    }

    @Test func `a repeat with a cause is a repeat`() async throws {
        try await withGateway { api in
            let id = try #require(try await post(api, #"{"type":"A","subject":"s","data":{}}"#).json["id"]?.string)
            let score = #"{"type":"Score","id":"s-1","cause":"\#(id)","data":{"value":1}}"#
            #expect(try await post(api, score).status == 201)
            #expect(try await post(api, score).status == 200)
        }
    }
}
