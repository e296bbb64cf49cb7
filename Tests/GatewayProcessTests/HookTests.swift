import Crypto
import EventModel
import JSONTree
import Runtime
import Testing

/// A sender of webhooks: knows the path of a source, and no API key.
struct HookSender: Sendable {
    let api: HTTPExchange
    let path: String
    let id: String

    /// Defines a source of which it knows the path.
    static func make(
        _ api: HTTPExchange, _ verification: String, type: String = #""Thing""#, more: String = ""
    ) async throws -> HookSender {
        let made = try await api.send(
            "POST", "/api/v1/sources",
            #"{"name": "shop", "event_type": \#(type), "verification": \#(verification)\#(more)}"#)
        #expect(made.status == 201, "\(made.text)")
        return HookSender(
            api: api, path: try #require(made.json["hook_path"]?.string), id: try #require(made.json["id"]?.string))
    }

    func deliver(
        _ body: String, _ headers: [(String, String)] = [], type: String = "application/json"
    ) async throws -> HTTPExchange.Answer {
        var nobody = api
        nobody.key = nil
        return try await nobody.send("POST", path, body, headers: [("content-type", type)] + headers)
    }

    /// The stored events, oldest first.
    func events() async throws -> [JSONValue] {
        try Array(await api.send("GET", "/api/v1/events?order=asc").json["data"]?.elements.map { $0 } ?? [])
    }

    /// The value of a counter.
    func count(_ series: String) async throws -> Int? {
        let lines = try await api.send("GET", "/metrics").text.split(separator: "\n")
        return lines.first { $0.hasPrefix(series + " ") }.flatMap { Int($0.dropFirst(series.count + 1)) }
    }

    static func now(_ offset: Int64 = 0) -> String { "\(Timestamp.now().microseconds / 1_000_000 + offset)" }

    static func hex(_ text: String, key: String = "a good secret") -> String {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: Array(key.utf8)))
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

@Suite("Deliveries of sources over HTTP")
struct HookTests {
    private static func scheme(_ name: String, _ more: String = "") -> String {
        #"{"scheme": "\#(name)", "secrets": ["a good secret"]\#(more)}"#
    }

    @Test func `a delivery of GitHub is stored with its type, id and headers, and again is a repeat`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(
                api, Self.scheme("github"), type: #"{"header": "X-GitHub-Event", "prefix": "github."}"#,
                more: #", "subject_path": "repository.full_name", "headers": ["X-GitHub-Event", "X-None"]"#)
            let body = #"{"repository": {"full_name": "a/b"}}"#
            let headers = [
                ("X-Hub-Signature-256", "sha256=\(HookSender.hex(body))"), ("X-GitHub-Event", "push"),
                ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ]
            let first = try await sender.deliver(body, headers)
            #expect(first.status == 200, "\(first.text)")
            let again = try await sender.deliver(body, headers)
            #expect(again.status == 200)
            #expect(try first.json["duplicate"]?.bool == false && again.json["duplicate"]?.bool == true)
            #expect(try first.json["id"]?.string == again.json["id"]?.string)
            let events = try await sender.events()
            #expect(events.count == 1)
            #expect(events[0]["type"]?.string == "github.push" && events[0]["source"]?.string == "shop")
            #expect(events[0]["subject"]?.string == "a/b")
            #expect(events[0]["producer_id"]?.string == "72d3162e-cc78-11e3-81ab-4c9367dc0958")
            #expect(events[0]["metadata"]?["headers"]?["x-github-event"]?.string == "push")
            #expect(events[0]["metadata"]?["headers"]?.count == 1)
            #expect(events[0]["metadata"]?["source"]?.string == "shop")
            #expect(try await sender.count(#"gateway_hook_deliveries_total{result="accepted"}"#) == 1)
            #expect(try await sender.count(#"gateway_hook_deliveries_total{result="duplicate"}"#) == 1)
        }
    }

    @Test func `Stripe, Slack, a generic HMAC and a password are verified`() async throws {
        try await withGateway { api in
            let body = #"{"id": "evt_1", "event_id": "Ev1", "type": "invoice.paid"}"#
            let now = HookSender.now()
            let senders: [(String, [(String, String)], String?)] = [
                (
                    Self.scheme("stripe"), [("stripe-signature", "t=\(now),v1=\(HookSender.hex("\(now).\(body)"))")],
                    "evt_1"
                ),
                (
                    Self.scheme("slack"),
                    [
                        ("x-slack-request-timestamp", now),
                        ("x-slack-signature", "v0=\(HookSender.hex("v0:\(now):\(body)"))"),
                    ], "Ev1"
                ),
                (
                    Self.scheme("hmac", #", "header": "X-Sig", "timestamp_header": "X-Time""#),
                    [("x-sig", HookSender.hex("\(now).\(body)")), ("x-time", now)], nil
                ),
                (
                    Self.scheme("basic", #", "username": "alice""#),
                    [("authorization", "Basic YWxpY2U6YSBnb29kIHNlY3JldA==")], nil
                ),
                (#"{"scheme": "none"}"#, [], nil),
            ]
            for (verification, headers, id) in senders {
                let sender = try await HookSender.make(api, verification, type: #"{"path": "type"}"#)
                let taken = try await sender.deliver(body, headers)
                #expect(taken.status == 200, "\(verification): \(taken.text)")
                let event = try #require(try await sender.events().last)
                #expect(event["type"]?.string == "invoice.paid" && event["producer_id"]?.string == id)
                if !headers.isEmpty {
                    try expectProblem(try await sender.deliver(body), 401, "unauthenticated")
                }
                #expect(try await api.send("DELETE", "/api/v1/sources/\(sender.id)").status == 204)
            }
        }
    }

    @Test func `a Standard Webhooks delivery is verified and known again by its id`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(
                api, #"{"scheme":"standard_webhooks","secrets":["whsec_YSBnb29kIHNlY3JldCBvZiAyNCBieXRl"]}"#)
            func signed(_ id: String, _ body: String) -> [(String, String)] {
                let now = HookSender.now()
                let code = HMAC<SHA256>.authenticationCode(
                    for: Array("\(id).\(now).\(body)".utf8),
                    using: SymmetricKey(data: Array("a good secret of 24 byte".utf8)))
                return [
                    ("webhook-id", id), ("webhook-timestamp", now), ("webhook-signature", "v1,\(Self.base64(code))"),
                ]
            }
            let first = try await sender.deliver(#"{"n": 1}"#, signed("msg_1", #"{"n": 1}"#))
            #expect(first.status == 200, "\(first.text)")
            // The same delivery with other bytes: the first one stands, and the sender is content.
            let other = try await sender.deliver(#"{"n": 2}"#, signed("msg_1", #"{"n": 2}"#))
            #expect(other.status == 200)
            #expect(try other.json["id"]?.string == first.json["id"]?.string && other.json["duplicate"]?.bool == true)
            let events = try await sender.events()
            #expect(events.count == 1 && events[0]["data"]?["n"]?.int64 == 1)
            #expect(try await sender.count(#"gateway_hook_deliveries_total{result="conflict"}"#) == 1)
        }
    }

    @Test func `an id that the definition chose and that names two things is 422`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(
                api, #"{"scheme": "none"}"#, more: #", "delivery_id": {"path": "order"}"#)
            #expect(try await sender.deliver(#"{"order": 1, "state": "paid"}"#).status == 200)
            #expect(try await sender.deliver(#"{"order": 1, "state": "paid"}"#).json["duplicate"]?.bool == true)
            try expectProblem(try await sender.deliver(#"{"order": 1, "state": "sent"}"#), 422, "id-reused")
        }
    }

    @Test func `what is not signed as it must be is 401, all alike, and counted by its reason`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(api, Self.scheme("stripe"))
            let (now, old) = (HookSender.now(), HookSender.now(-400))
            func signature(_ time: String, _ body: String, key: String = "a good secret") -> [(String, String)] {
                [("stripe-signature", "t=\(time),v1=\(HookSender.hex("\(time).\(body)", key: key))")]
            }
            let good = signature(now, "{}")
            let refused: [(String, String, [(String, String)])] = [
                ("missing", "{}", []), ("malformed", "{}", good + good),
                ("malformed", "{}", [("stripe-signature", "v1=")]),
                ("signature", "{ }", good), ("signature", "{}", signature(now, "{}", key: "a wrong secret")),
                ("timestamp", "{}", signature(old, "{}")), ("timestamp", "{}", signature(HookSender.now(400), "{}")),
            ]
            var details: Set<String> = []
            for (_, body, headers) in refused {
                let answer = try await sender.deliver(body, headers)
                try expectProblem(answer, 401, "unauthenticated")
                #expect(answer.headers["www-authenticate"] != nil)
                details.insert(try #require(try answer.json["detail"]?.string))
            }
            #expect(details.count == 1)
            for (reason, count) in [("missing", 1), ("malformed", 2), ("signature", 2), ("timestamp", 2)] {
                #expect(
                    try await sender.count("gateway_hook_refusals_total{reason=\"\(reason)\"}") == count, "\(reason)")
            }
            #expect(try await sender.events().isEmpty)
            #expect(try await sender.deliver("{}", good).status == 200)
        }
    }

    @Test func `an unknown or disabled source is answered like a path that is not there`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(api, #"{"scheme": "none"}"#, more: #", "enabled": false"#)
            var nobody = api
            nobody.key = nil
            let known = [("x-request-id", "r")]
            let nowhere = try await nobody.send("POST", "/nowhere", "{}", headers: known)
            try expectProblem(nowhere, 404, "not-found")
            let unknown = "/hooks/" + String(repeating: "0", count: 32)
            for path in [unknown, sender.path, "/hooks/x", "/hooks/\(sender.id)", "/hooks/shop"] {
                let answer = try await nobody.send("POST", path, "{}", headers: known)
                #expect(answer.status == 404 && answer.text == nowhere.text, "\(path)")
            }
            try expectProblem(try await nobody.send("GET", unknown), 405, "method-not-allowed")
            #expect(try await sender.count(#"gateway_hook_refusals_total{reason="unknown"}"#) == 4)
            #expect(try await sender.count(#"gateway_hook_refusals_total{reason="disabled"}"#) == 1)
        }
    }

    @Test func `Slack's challenge is answered when it is signed, and stored nowhere`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(api, Self.scheme("slack"))
            let body = #"{"type": "url_verification", "challenge": "3eZbrw1a\""}"#
            try expectProblem(try await sender.deliver(body), 401, "unauthenticated")
            func signed(_ body: String) -> [(String, String)] {
                let now = HookSender.now()
                return [
                    ("x-slack-request-timestamp", now),
                    ("x-slack-signature", "v0=\(HookSender.hex("v0:\(now):\(body)"))"),
                ]
            }
            let answer = try await sender.deliver(body, signed(body))
            #expect(answer.status == 200)
            #expect(try answer.json["challenge"]?.string == "3eZbrw1a\"")
            #expect(try await sender.events().isEmpty)

            // A command is answered with nothing, because its person would see it.
            let command = "command=%2Fweather&text=94070"
            let shown = try await sender.deliver(command, signed(command), type: "application/x-www-form-urlencoded")
            #expect(shown.status == 200 && shown.body.isEmpty)
            #expect(try await sender.events().first?["data"]?["command"]?.string == "/weather")
        }
    }

    @Test func `every kind of payload becomes an object`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(api, #"{"scheme": "none"}"#)
            let form = "application/x-www-form-urlencoded"
            let payloads = [
                (#"{ "a": 1 }"#, "application/json; charset=utf-8", #"{"a":1}"#),
                ("[1,2]", "application/json", #"{"payload":[1,2]}"#),
                ("null", "application/json", #"{"payload":null}"#),
                (#"{"a":1}"#, "application/vnd.x+json", #"{"a":1}"#),
                ("a=1&b=x+y%21&a=2&c", form, #"{"a":["1","2"],"b":"x y!","c":""}"#),
                ("payload=%7B%22a%22%3A1%7D", form, #"{"a":1}"#), ("payload=text", form, #"{"payload":"text"}"#),
                ("payload=%7B%7D&b=1", form, #"{"payload":"{}","b":"1"}"#), ("", form, "{}"),
                ("hällo\n\"x\"", "text/plain", #"{"payload":"hällo\n\"x\""}"#),
                ("<a/>", "application/xml", #"{"payload":"<a/>"}"#),
            ]
            for (body, type, data) in payloads {
                let answer = try await sender.deliver(body, type: type)
                #expect(answer.status == 200, "\(body): \(answer.text)")
                let stored = try #require(try await sender.events().last?["data"])
                #expect(stored == (try JSONDocument(data).root), "\(stored)")
            }
            #expect(try await sender.events().count == payloads.count)
        }
    }

    @Test func `what can't be stored is refused with a reason`() async throws {
        try await withGateway { api in
            let sender = try await HookSender.make(api, #"{"scheme": "none"}"#)
            let form = "application/x-www-form-urlencoded"
            try expectProblem(try await sender.deliver("{"), 400, "malformed-json")
            try expectProblem(try await sender.deliver(""), 400, "malformed-json")
            try expectProblem(try await sender.deliver("a=%zz", type: form), 400, "malformed-request")
            try expectProblem(try await sender.deliver("a=%FF", type: form), 400, "malformed-request")
            try expectProblem(try await sender.deliver("a=%00", type: form), 400, "malformed-json")
            try expectProblem(try await sender.deliver("payload=%7B", type: form), 400, "malformed-json")
            let gzip = try await sender.deliver("{}", [("content-encoding", "gzip")])
            try expectProblem(gzip, 415, "unsupported-media-type")
            let large = String(repeating: "x", count: (1 << 20) + 1)
            try expectProblem(try await sender.deliver(large, type: "text/plain"), 413, "body-too-large")
            #expect(try await sender.events().isEmpty)
            #expect(try await sender.count(#"gateway_hook_deliveries_total{result="rejected"}"#) == 8)
        }
    }

    @Test func `without its database a delivery is 503, and what can be no path of a source is 404`() async throws {
        try await withStrandedGateway { api in
            let possible = try await api.send("POST", "/hooks/" + String(repeating: "0", count: 32), "{}")
            try expectProblem(possible, 503, "unavailable")
            #expect(possible.headers["retry-after"] != nil)
            try expectProblem(try await api.send("POST", "/hooks/shop", "{}"), 404, "not-found")
        }
    }

    private static func base64(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = bytes.flatMap { byte in (0..<8).reversed().map { byte >> $0 & 1 } }
        let sextets = stride(from: 0, to: bits.count, by: 6).map { start in
            (0..<6).reduce(0) { $0 << 1 | (start + $1 < bits.count ? Int(bits[start + $1]) : 0) }
        }
        let text = String(sextets.map { digits[$0] })
        return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }
}
