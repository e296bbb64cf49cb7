import JSONTree
import Testing

@testable import GatewayProcess

@Suite("Formats of events")
struct FormatTests {
    private static let ndjson = [("content-type", "application/x-ndjson")]

    @Test func `NDJSON stores each line and answers for each`() async throws {
        try await withGateway { api in
            let lines = [
                #"{"type":"A","data":{"n":0}}"#, "", #"{"type":"A"}"#, "{",
                #"{"type":"A","id":"x","data":{"n":3}}"# + "\r",
                #"{"type":"A","id":"x","data":{"n":3}}"#, #"{"type":"A","id":"x","data":{"n":4}}"#,
            ]
            let answer = try await api.send(
                "POST", "/api/v1/events", lines.joined(separator: "\n"), headers: Self.ndjson)
            #expect(answer.status == 200, "\(answer.text)")
            let body = try answer.json
            #expect(body["accepted"]?.int64 == 2 && body["duplicates"]?.int64 == 1 && body["rejected"]?.int64 == 3)
            let results = try #require(body["results"]?.elements)
            #expect(
                results.map { $0["status"]?.string } == [
                    "accepted", "rejected", "rejected", "accepted", "duplicate", "rejected",
                ])
            let errors = results.map { $0["error"]?["type"]?.string?.split(separator: ":").last }
            #expect(errors == [nil, "validation-failed", "malformed-json", nil, nil, "id-reused"])
            #expect(body["results"]?[1]?["error"]?["errors"]?[0]?["pointer"]?.string == "/1/data")
            #expect(body["results"]?[4]?["id"]?.string == body["results"]?[3]?["id"]?.string)
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 2)
        }
    }

    @Test func `thousands of lines are all stored, in their order`() async throws {
        try await withGateway { api in
            let count = 4_321
            let text = (0..<count).map { #"{"type":"N","data":{"n":\#($0)}}"# }.joined(separator: "\n")
            let answer = try await api.send("POST", "/api/v1/events", text, headers: Self.ndjson)
            #expect(try answer.json["accepted"]?.int64 == Int64(count))
            var cursor = ""
            var seen: [Int64] = []
            while seen.count < count {
                let page = try await api.send("GET", "/api/v1/events?order=asc&limit=1000\(cursor)").json
                seen += page["data"]?.elements.compactMap { $0["data"]?["n"]?.int64 } ?? []
                guard let next = page["next_cursor"]?.string else { break }
                cursor = "&cursor=\(next)"
            }
            #expect(seen.count == count && Set(seen).count == count)
            #expect(
                try await api.send("POST", "/api/v1/events", "\n \n", headers: Self.ndjson).json["accepted"]?.int64 == 0
            )
        }
    }

    @Test func `a line that is too long is refused by itself, too many lines end the request`() async throws {
        try await withGateway { api in
            let long = #"{"type":"A","data":{"t":""# + String(repeating: "x", count: 1 << 20) + #""}}"#
            let answer = try await api.send(
                "POST", "/api/v1/events", long + "\n" + #"{"type":"A","data":{}}"#, headers: Self.ndjson)
            #expect(try answer.json["accepted"]?.int64 == 1 && answer.json["rejected"]?.int64 == 1)
            let many = String(repeating: #"{"type":"B","data":{}}"# + "\n", count: 10_001)
            let refused = try await api.send("POST", "/api/v1/events", many, headers: Self.ndjson)
            try expectProblem(refused, 422, "validation-failed")
            let told = try #require(try refused.json["accepted"]?.int64)
            var stored: Int64 = 0
            var cursor = ""
            while true {
                let page = try await api.send("GET", "/api/v1/events?type=B&limit=1000\(cursor)").json
                stored += Int64(page["data"]?.count ?? 0)
                guard let next = page["next_cursor"]?.string else { break }
                cursor = "&cursor=\(next)"
            }
            #expect(told == stored && stored <= 10_000, "what was stored before is told")
        }
    }

    @Test func `a structured CloudEvent is stored with all that it says`() async throws {
        try await withGateway { api in
            let event = """
                {"specversion":"1.0","id":"c-1","source":"/shop","type":"com.shop.paid","subject":"o-1",
                 "time":"2026-01-02T03:04:05Z","datacontenttype":"application/json","dataschema":"urn:x","priority":7,
                 "data":{"amount":12}}
                """
            let headers = [("content-type", "application/cloudevents+json; charset=utf-8")]
            let first = try await api.send("POST", "/api/v1/events", event, headers: headers)
            #expect(first.status == 201, "\(first.text)")
            #expect(try await api.send("POST", "/api/v1/events", event, headers: headers).status == 200)
            let stored = try await api.send("GET", first.headers["location"] ?? "").json
            #expect(stored["type"]?.string == "com.shop.paid" && stored["source"]?.string == "/shop")
            #expect(stored["subject"]?.string == "o-1" && stored["producer_id"]?.string == "c-1")
            #expect(stored["time"]?.string?.hasPrefix("2026-01-02T03:04:05") == true)
            #expect(stored["data"]?["amount"]?.int64 == 12)
            let attributes = stored["metadata"]?["cloudevents"]
            #expect(attributes?["dataschema"]?.string == "urn:x" && attributes?["priority"]?.int64 == 7)
        }
    }

    @Test(arguments: [
        (#""data":[1,2]"#, #"{"value":[1,2]}"#), (#""data":"text""#, #"{"value":"text"}"#),
        (#""data_base64":"AQID""#, #"{"base64":"AQID"}"#), (#""subject":"s""#, "{}"),
    ])
    func `data that is no object becomes one`(member: String, data: String) async throws {
        try await withGateway { api in
            let event = #"{"specversion":"1.0","id":"1","source":"s","type":"T",\#(member)}"#
            let headers = [("content-type", "application/cloudevents+json")]
            let answer = try await api.send("POST", "/api/v1/events", event, headers: headers)
            let stored = try await api.send("GET", answer.headers["location"] ?? "").json
            #expect(try stored["data"] == JSONDocument(data).root)
        }
    }

    @Test(arguments: [
        (#"{"id":"1","source":"s","type":"T"}"#, "/specversion"),
        (#"{"specversion":"0.3","id":"1","source":"s","type":"T"}"#, "/specversion"),
        (#"{"specversion":"1.0","source":"s","type":"T"}"#, "/id"),
        (#"{"specversion":"1.0","id":"","source":"s","type":"T"}"#, "/id"),
        (#"{"specversion":"1.0","id":"1","source":"s","type":"T","time":"today"}"#, "/time"),
        (#"{"specversion":"1.0","id":"1","source":"s","type":"T","Bad_Name":"x"}"#, "/Bad_Name"),
        (#"{"specversion":"1.0","id":"1","source":"s","type":"T","ext":{}}"#, "/ext"),
        (#"{"specversion":"1.0","id":"1","source":"s","type":"T","data_base64":"!"}"#, "/data_base64"),
        (#"{"specversion":"1.0","id":"1","source":"s","type":"T","data":1,"data_base64":"AQID"}"#, ""),
    ])
    func `a CloudEvent that breaks the specification says where`(event: String, pointer: String) async throws {
        try await withGateway { api in
            let headers = [("content-type", "application/cloudevents+json")]
            let answer = try await api.send("POST", "/api/v1/events", event, headers: headers)
            try expectProblem(answer, 422, "validation-failed")
            #expect(try answer.json["errors"]?[0]?["pointer"]?.string == pointer, "\(answer.text)")
        }
    }

    @Test func `a batch of CloudEvents is judged item by item`() async throws {
        try await withGateway { api in
            let batch = #"[{"specversion":"1.0","id":"1","source":"s","type":"T"},{"specversion":"1.0"}]"#
            let headers = [("content-type", "application/cloudevents-batch+json")]
            let body = try await api.send("POST", "/api/v1/events", batch, headers: headers).json
            #expect(body["accepted"]?.int64 == 1 && body["rejected"]?.int64 == 1)
            #expect(body["results"]?[1]?["error"]?["errors"]?[0]?["pointer"]?.string == "/1/id")
            try expectProblem(
                try await api.send("POST", "/api/v1/events", "{}", headers: headers), 422, "validation-failed")
        }
    }

    @Test(arguments: [
        ("application/json", #"{"a":1}"#, #"{"a":1}"#), ("application/vnd.x+json", "[1]", #"{"value":[1]}"#),
        ("text/plain", "hello", #"{"text":"hello"}"#), ("application/octet-stream", "hello", #"{"base64":"aGVsbG8="}"#),
    ])
    func `the binary mode takes attributes from headers`(type: String, body: String, data: String) async throws {
        try await withGateway { api in
            let headers = [
                ("ce-specversion", "1.0"), ("ce-id", "b-1"), ("ce-source", "/s"), ("ce-type", "T"),
                ("ce-subject", "caf%C3%A9"), ("ce-region", "eu"), ("content-type", type),
            ]
            let answer = try await api.send("POST", "/api/v1/events", body, headers: headers)
            #expect(answer.status == 201, "\(answer.text)")
            let stored = try await api.send("GET", answer.headers["location"] ?? "").json
            #expect(stored["subject"]?.string == "café" && stored["producer_id"]?.string == "b-1")
            #expect(try stored["data"] == JSONDocument(data).root)
            #expect(stored["metadata"]?["cloudevents"]?["region"]?.string == "eu")
            #expect(stored["metadata"]?["cloudevents"]?["datacontenttype"]?.string == type)
        }
    }

    @Test func `an event without a type is marked for classification`() async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/ingest", #"{"who":"me"}"#)
            let stored = try await api.send("GET", answer.headers["location"] ?? "").json
            #expect(stored["type"]?.string == "Unknown" && stored["metadata"]?["classify"]?.bool == true)
            let typed = try await api.send("POST", "/ingest", #"{"type":"Known"}"#)
            #expect(try await api.send("GET", typed.headers["location"] ?? "").json["metadata"] == nil)
        }
    }

    @Test(arguments: [("content-encoding", "br"), ("content-type", "application/xml"), ("content-type", "text/csv")])
    func `an encoding or a type that is not taken is 415`(name: String, value: String) async throws {
        try await withGateway { api in
            let answer = try await api.send("POST", "/api/v1/events", "{}", headers: [(name, value)])
            try expectProblem(answer, 415, "unsupported-media-type")
            #expect(answer.headers[name == "content-encoding" ? "accept-encoding" : "accept"] != nil)
        }
    }

    @Test func `what claims to be gzip and is not is 400`() async throws {
        try await withGateway { api in
            let answer = try await api.send(
                "POST", "/api/v1/events", #"{"type":"A","data":{}}"#, headers: [("content-encoding", "gzip")])
            try expectProblem(answer, 400, "malformed-request")
        }
    }
}

@Suite("Lines of a text in pieces")
struct LineSplitterTests {
    @Test(arguments: [1, 2, 3, 5, 100])
    func `however it is cut`(size: Int) {
        let text = Array("one\n\n two \r\nthree is too long\nfour".utf8)
        var splitter = LineSplitter(limit: 8)
        var lines: [String] = []
        func note(_ line: LineSplitter.Line) {
            switch line {
            case .text(let bytes): lines.append(String(decoding: bytes, as: UTF8.self))
            case .tooLong: lines.append("-")
            }
        }
        for start in stride(from: 0, to: text.count, by: size) {
            splitter.append(text[start..<min(start + size, text.count)], note)
        }
        splitter.finish(note)
        #expect(lines == ["one", " two \r", "-", "four"])
    }
}
