import JSONTree
import NIOCore
import Testing

@Suite("Limits of what is taken")
struct LimitTests {
    private static let mebibyte = 1 << 20
    private static let ndjson = [("content-type", "application/x-ndjson")]

    private static func nested(_ depth: Int) -> String {
        // The event and its data are two of them.
        let lists = depth - 2
        return #"{"type":"A","data":{"a":"# + String(repeating: "[", count: lists)
            + String(repeating: "]", count: lists) + "}}"
    }

    private static func keys(_ count: Int) -> String {
        #"{"type":"A","data":{"# + (0..<count).map { #""k\#($0)":0"# }.joined(separator: ",") + "}}"
    }

    private static func data(_ value: String) -> String { #"{"type":"A","data":{"a":\#(value)}}"# }

    private static let refused: [(text: [UInt8], code: String)] = [
        (Array(nested(65).utf8), "depth"), (Array(keys(2_001).utf8), "keys"),
        (Array(#"{"type":"A","data":{"a":1,"\u0061":2}}"#.utf8), "duplicateKey"),
        (Array(#"{"type":"A","type":"A","data":{}}"#.utf8), "duplicateKey"),
        (Array(data(#""\u0000""#).utf8), "nulCharacter"), (Array(data("\"\u{0}\"").utf8), "controlCharacter"),
        (Array(data(#""\ud800""#).utf8), "loneSurrogate"), (Array(data("\"\u{1}\"").utf8), "controlCharacter"),
        (Array(data(String(repeating: "1", count: 41)).utf8), "digits"), (Array(data("1e309").utf8), "exponent"),
        (Array(data("1e-309").utf8), "exponent"), (Array(data("01").utf8), "syntax"),
        (Array(data("NaN").utf8), "syntax"),
        (Array(#"{"type":"A","data":{"a":""#.utf8) + [0xC3, 0x28] + Array(#""}}"#.utf8), "utf8"),
        (Array(#"{"type":"A","data":{"a":""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}}"#.utf8), "utf8"),
        ([0xEF, 0xBB, 0xBF] + Array(data("1").utf8), "byteOrderMark"),
    ]

    private func post(_ api: HTTPExchange, _ body: [UInt8], type: String) async throws -> HTTPExchange.Answer {
        var request = ByteBuffer(
            string: "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer "
                + "\(api.key ?? "")\r\ncontent-type: \(type)\r\ncontent-length: \(body.count)\r\n\r\n")
        request.writeBytes(body)
        return try await api.raw(request)
    }

    @Test func `JSON at the door is refused by its rule, alone, in an array, and as a line`() async throws {
        try await withGateway { api in
            for (text, code) in Self.refused {
                let single = try await post(api, text, type: "application/json")
                try expectProblem(single, 400, "malformed-json")
                #expect(try single.json["code"]?.string == code)
                let offset = try #require(try single.json["offset"]?.int64)
                let good = Array(Self.data("1").utf8)
                if code != "byteOrderMark" {
                    let comma = Array(",".utf8)
                    let array = try await post(
                        api, Array("[".utf8) + good + comma + text + Array("]".utf8), type: "application/json")
                    try expectProblem(array, 400, "malformed-json")
                    #expect(try array.json["code"]?.string == code)
                    #expect(try array.json["offset"]?.int64 == offset + Int64(good.count) + 2, "\(code)")
                }
                let lines = try await post(api, good + [0x0A] + text + [0x0A] + good, type: "application/x-ndjson")
                #expect(try lines.json["accepted"]?.int64 == 2 && lines.json["rejected"]?.int64 == 1)
                #expect(try lines.json["results"]?[1]?["error"]?["code"]?.string == code)
            }
            let count = try await api.send("GET", "/api/v1/events?limit=1000").json["data"]?.count
            #expect(count == Self.refused.count * 2, "only good lines were stored")
        }
    }

    @Test func `what is just within the limits is stored, alone and in an array`() async throws {
        try await withGateway { api in
            let texts = [
                Self.nested(64), Self.keys(2_000), Self.data(String(repeating: "1", count: 40)), Self.data("1e308"),
                Self.data("-9223372036854775808"), Self.data("18446744073709551615"), Self.data(#""\ud83d\ude00""#),
                #"{"type":"\#(String(repeating: "é", count: 255))","data":{}}"#,
            ]
            for text in texts {
                #expect(try await api.send("POST", "/api/v1/events", text).status == 201, "\(text.prefix(80))")
            }
            let batch = try await api.send("POST", "/api/v1/events", "[\(texts.joined(separator: ","))]")
            #expect(try batch.json["accepted"]?.int64 == Int64(texts.count), "\(batch.text)")
        }
    }

    @Test func `a type has 1 to 255 characters`() async throws {
        try await withGateway { api in
            for type in ["", String(repeating: "é", count: 256), #"a\n"#, #"\u007f"#] {
                let answer = try await api.send("POST", "/api/v1/events", #"{"type":"\#(type)","data":{}}"#)
                try expectProblem(answer, 422, "validation-failed")
                #expect(try answer.json["errors"]?[0]?["pointer"]?.string == "/type")
            }
            let long = try await api.send(
                "POST", "/ingest", #"{"type":"\#(String(repeating: "x", count: 256))"}"#)
            try expectProblem(long, 422, "validation-failed")
        }
    }

    private static let declared = [
        ("/api/v1/events", "application/json", 16), ("/api/v1/events", "application/x-ndjson", 16),
        ("/api/v1/events", "application/cloudevents-batch+json", 16),
        ("/api/v1/events", "application/cloudevents+json", 1), ("/ingest", "application/json", 1),
        ("/api/v1/events", "image/png\r\nce-specversion: 1.0", 1),
        ("/api/v1/events", "application/x-ndjson\r\ncontent-encoding: gzip", 16),
    ]

    /// All at once, because the gateway goes on reading for two seconds after each of these answers.
    @Test func `a body that is declared too long is refused before it is read`() async throws {
        try await withGateway { api in
            try await withThrowingDiscardingTaskGroup { group in
                for (path, type, mebibytes) in Self.declared {
                    group.addTask { try await Self.declareTooLong(path, type, mebibytes, api) }
                }
            }
        }
    }

    private static func declareTooLong(
        _ path: String, _ type: String, _ mebibytes: Int, _ api: HTTPExchange
    ) async throws {
        let answer = try await api.raw(
            "POST \(path) HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
                + "content-type: \(type)\r\ncontent-length: \(mebibytes * mebibyte + 1)\r\n\r\n")
        try expectProblem(answer, 413, "body-too-large")
        #expect(answer.headers["connection"] == "close", "\(type)")
        #expect(try answer.json["limit"]?.int64 == Int64(mebibytes * mebibyte), "\(type)")
    }

    @Test func `a single event has a mebibyte, to the byte`() async throws {
        try await withGateway { api in
            let frame = Self.data(#""""#)
            let fill = { (count: Int) in
                Self.data("\"" + String(repeating: "x", count: count - frame.utf8.count) + "\"")
            }
            #expect(try await api.send("POST", "/api/v1/events", fill(Self.mebibyte)).status == 201)
            let over = try await api.send("POST", "/api/v1/events", fill(Self.mebibyte + 1))
            try expectProblem(over, 413, "body-too-large")
            let batch = try await api.send(
                "POST", "/api/v1/events", "[\(fill(Self.mebibyte + 1)),\(fill(Self.mebibyte)),{}]")
            let statuses = try batch.json["results"]?.elements.map { $0["status"]?.string }
            #expect(statuses == ["rejected", "accepted", "rejected"])
        }
    }

    @Test func `lines that grow over the limit end the request, and the answer says what is stored`() async throws {
        try await withGateway { api in
            let line = Self.data("\"" + String(repeating: "x", count: 1_000_000) + "\"") + "\n"
            let chunk = "\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n"
            let answer = try await api.raw(
                "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
                    + "content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
                    + String(repeating: chunk, count: 18) + "0\r\n\r\n")
            try expectProblem(answer, 413, "body-too-large")
            let settled = try #require(try answer.json["settled"]?.int64)
            #expect(settled > 0 && settled <= 16, "slices are bounded by their bytes")
            #expect(try answer.json["accepted"]?.int64 == settled)
            let stored = try await api.send("GET", "/api/v1/events?limit=1000").json["data"]?.count
            #expect(stored == Int(settled))
        }
    }

    @Test func `an array that grows over the limit stores nothing`() async throws {
        try await withGateway { api in
            let item = Self.data("\"" + String(repeating: "x", count: 1_000_000) + "\"") + ","
            let chunk = "\(String(item.utf8.count, radix: 16))\r\n\(item)\r\n"
            let answer = try await api.raw(
                "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
                    + "transfer-encoding: chunked\r\n\r\n1\r\n[\r\n" + String(repeating: chunk, count: 18) + "0\r\n\r\n"
            )
            try expectProblem(answer, 413, "body-too-large")
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 0)
        }
    }

    @Test func `a body that breaks off is no event, whatever of it has come`() async throws {
        try await withGateway { api in
            let head = { (fields: String) in
                "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n\(fields)\r\n"
            }
            let attributes =
                "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: s\r\nce-type: T\r\ncontent-type: text/plain\r\n"
            for framing in [
                "content-length: 100\r\n\r\nhalf a te", "transfer-encoding: chunked\r\n\r\n9\r\nhalf a te\r\n",
            ] {
                try await KeptConnection.with(api) { connection in
                    try await connection.write(String(head(attributes + framing).dropLast(2)))
                    connection.closeOutput()
                    if let answer = try? await connection.answer() { #expect(answer.status == 400) }
                }
            }
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 0)
        }
    }

    @Test func `refusals are counted by their reason`() async throws {
        try await withGateway { api in
            _ = try await api.send("POST", "/api/v1/events", "{")
            _ = try await api.send("POST", "/ingest", "[]")
            _ = try await api.send("POST", "/api/v1/events", "{}", headers: [("content-encoding", "br")])
            _ = try await api.send("POST", "/api/v1/events", "{}", headers: [("content-encoding", "gzip")])
            _ = try await api.send("POST", "/api/v1/events", "{\n7\n\(Self.data("1"))", headers: Self.ndjson)
            let metrics = try await api.send("GET", "/metrics").text
            for (reason, count) in [
                ("malformed-json", 2), ("validation-failed", 2), ("unsupported-media-type", 1),
                ("malformed-request", 1), ("unavailable", 0),
            ] {
                #expect(metrics.contains(#"gateway_refusals_total{reason="\#(reason)"} \#(count)"#), "\(reason)")
            }
            #expect(metrics.contains(#"gateway_events_total{result="accepted"} 1"#))
        }
    }
}
