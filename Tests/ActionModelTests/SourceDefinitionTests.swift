import ActionModel
import EventModel
import JSONTree
import Testing

@Suite("Sources are defined by JSON")
struct SourceDefinitionTests {
    static let secret = "It's a Secret to Everybody"

    private static func github(_ members: String = "") -> String {
        """
        {"name": "github", "event_type": {"header": "X-GitHub-Event", "prefix": "github."},
         "verification": {"scheme": "github", "secrets": ["\(secret)"]}\(members)}
        """
    }

    private static func source(
        _ text: String, from previous: SourceDefinition? = nil
    ) throws(JSONValidationError) -> SourceDefinition {
        guard let value = try? json(text) else { throw JSONValidationError(pointer: "", detail: "no JSON") }
        return try SourceDefinition(value, secretsFrom: previous?.verification)
    }

    private static func text(_ definition: SourceDefinition, _ secrets: SecretMode) -> String {
        var writer = JSONWriter()
        writer.object { definition.write(to: &$0, secrets: secrets) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func verified(_ verification: String, type: String = #""A""#) -> String {
        #"{"name":"a","event_type":\#(type),"verification":{\#(verification)}}"#
    }

    private static let hmac = #""scheme":"hmac","secrets":["12345678"]"#

    static let complete = [
        github(#", "subject_path": "repository.full_name", "headers": ["X-GitHub-Event", "x-github-event"]"#),
        #"{"name":"a","enabled":false,"description":"b","event_type":"A","verification":{"scheme":"none"}}"#,
        """
        {"name": "s", "event_type": {"path": "type", "default": "Other"}, "headers": [],
         "verification": {"scheme": "stripe", "secrets": ["whsec_test_secret"], "tolerance_seconds": 60}}
        """,
        """
        {"name": "sw", "event_type": {"path": "type"}, "verification": {"scheme": "standard_webhooks",
         "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}}
        """,
        """
        {"name": "h", "event_type": "A", "delivery_id": {"path": "delivery[0]"}, "verification": {"scheme": "hmac",
         "secrets": ["0123456789"], "header": "X-Signature", "algorithm": "sha512", "encoding": "base64",
         "prefix": "v1=", "timestamp_header": "X-Time", "signed_content": "<{timestamp}|{body}>"}}
        """,
        """
        {"name": "b", "event_type": "A", "delivery_id": {"header": "X-Id"},
         "verification": {"scheme": "basic", "username": "alice", "secrets": ["0123456789"]}}
        """,
        #"{"name":"c","event_type":"A","verification":{"scheme":"slack","secrets":["0123456789"]}}"#,
    ]

    @Test("What is written in plain reads back as the same", arguments: complete)
    func roundTrip(_ written: String) throws {
        let once = Self.text(try Self.source(written), .plain)
        #expect(Self.text(try Self.source(once), .plain) == once)
    }

    @Test("Masked secrets are not shown, and stand for the stored ones", arguments: complete)
    func masks(_ written: String) throws {
        let definition = try Self.source(written)
        let shown = Self.text(definition, .masked)
        for secret in definition.verification.secrets { #expect(!shown.contains(secret)) }
        #expect(try Self.source(shown, from: definition).verification.secrets == definition.verification.secrets)
        #expect(
            try SourceDefinition(json(shown), storedSecrets: definition.verification.secrets).verification
                == definition.verification)
        if !definition.verification.secrets.isEmpty {
            #expect(throws: JSONValidationError.self) { try Self.source(shown) }
        }
    }

    @Test("One of several secrets can be left out, and another put in its place")
    func rotation() throws {
        let old = try Self.source(
            Self.github().replacing("[\"\(Self.secret)\"]", with: #"["the first", "the second"]"#))
        let new = Self.github().replacing("[\"\(Self.secret)\"]", with: ##"["#2 ••••", "the third"]"##)
        #expect(try Self.source(new, from: old).verification.secrets == ["the second", "the third"])
    }

    @Test("A mask does not carry a secret over to another scheme")
    func maskOfAnotherScheme() throws {
        let old = try Self.source(Self.github())
        let new = """
            {"name":"a","event_type":"A","verification":{"scheme":"slack","secrets":["#1 ••••"]}}
            """
        let found = problems { _ = try Self.source(new, from: old) }
        #expect(found.count == 1 && found[0].hasPrefix("/verification/secrets/0: is masked"), "\(found)")
    }

    @Test(
        "Every mistake has its place",
        arguments: [
            ("{}", ["/name", "/event_type", "/verification"]),
            (#"{"name":"","event_type":"","verification":{}}"#, ["/name", "/event_type", "/verification/scheme"]),
            (
                #"{"name":"a\nb","event_type":{},"verification":{"scheme":"x"}}"#,
                ["/name", "/event_type", "/verification/scheme"]
            ),
            (
                github(#", "headers": ["Authorization", "a b", 1, "X-Token"]"#),
                ["/headers/0", "/headers/1", "/headers/2", "/headers/3"]
            ),
            (github(#", "subject_path": "a..b", "colour": 1"#), ["/subject_path", "/colour"]),
            (github(#", "delivery_id": {"header": "X-Id"}"#), ["/delivery_id"]),
            (
                verified(#""scheme":"none","secrets":["x"]"#, type: #"{"path":"a","header":"b"}"#),
                ["/event_type", "/verification/secrets"]
            ),
            (
                verified(#""scheme":"github","secrets":["short"," has blank"]"#),
                ["/verification/secrets/0", "/verification/secrets/1"]
            ),
            (
                verified(#""scheme":"github","secrets":[]"#),
                ["/verification/secrets"]
            ),
            (
                verified(#""scheme":"standard_webhooks","secrets":["whsec_!"]"#),
                ["/verification/secrets/0"]
            ),
            (
                verified(#""scheme":"stripe","secrets":["12345678"],"tolerance_seconds":0"#),
                ["/verification/tolerance_seconds"]
            ),
            (
                verified(#""scheme":"basic","username":"a:b","secrets":["12345678"]"#),
                ["/verification/username"]
            ),
            (
                verified(hmac + #","algorithm":"md5""#),
                ["/verification/header", "/verification/algorithm"]
            ),
            (
                verified(hmac + #","header":"S","timestamp_header":"T","signed_content":"{body}""#),
                ["/verification/signed_content"]
            ),
            (
                verified(hmac + #","header":"S","signed_content":"{timestamp}{body}{body}""#),
                ["/verification/signed_content", "/verification/signed_content"]
            ),
        ])
    func mistakes(_ written: String, _ pointers: [String]) {
        let found = problems { _ = try Self.source(written) }
        #expect(found.map { String($0.prefix { $0 != ":" }) } == pointers, "\(found)")
        for problem in found { #expect(!problem.contains("short") && !problem.contains("12345678")) }
    }
}

@Suite("A delivery becomes an event as its source says")
struct SourceEnvelopeTests {
    private func envelope(
        _ definition: String, _ payload: String, _ headers: [String: [String]] = [:]
    ) throws -> EventEnvelope {
        try SourceDefinition(json(definition)).envelope(data: json(payload)) { headers[$0] ?? [] }
    }

    private static let none = #""verification": {"scheme": "none"}"#

    @Test("Type, subject, id and the headers asked for come from the delivery")
    func members() throws {
        let definition = """
            {"name": "github", "event_type": {"header": "X-GitHub-Event", "prefix": "github."},
             "subject_path": "repository.id", "headers": ["X-GitHub-Event", "X-Missing", "Accept"],
             "verification": {"scheme": "github", "secrets": ["12345678"]}}
            """
        let payload = #"{ "repository": {"id": 42}, "ref": "main" }"#
        let event = try envelope(
            definition, payload,
            [
                "x-github-event": ["push"], "x-github-delivery": ["72d3162e"], "accept": ["a/b", "c"],
                "authorization": ["Bearer x"],
            ])
        #expect(event.type == "github.push" && event.source == "github" && event.subject == "42")
        #expect(event.producerID == "72d3162e" && event.data == Array(payload.utf8))
        #expect(
            String(decoding: event.metadata ?? [], as: UTF8.self)
                == #"{"headers":{"x-github-event":"push","accept":"a/b, c"},"source":"github"}"#)
    }

    @Test(
        "What names no fit type is the fallback, or Unknown and to be classified",
        arguments: [
            #"{}"#, #"{"kind": ""}"#, #"{"kind": null}"#, #"{"kind": {"a": 1}}"#, #"{"kind": "a\u0007"}"#,
            #"{"kind": "\#(String(repeating: "x", count: 254))"}"#,
        ])
    func unfitTypes(_ payload: String) throws {
        let rule = #""event_type": {"path": "kind", "prefix": "p.""#
        let bare = try envelope(#"{"name": "a", \#(rule)}, \#(Self.none)}"#, payload)
        #expect(bare.type == "Unknown" && bare.metadata == Array(#"{"headers":{},"source":"a","classify":true}"#.utf8))
        let kept = try envelope(#"{"name": "a", \#(rule), "default": "Other"}, \#(Self.none)}"#, payload)
        #expect(kept.type == "Other" && kept.metadata == Array(#"{"headers":{},"source":"a"}"#.utf8))
    }

    @Test(
        "An unfit subject or id is left out",
        arguments: [
            #"{"who": "", "id": ""}"#, #"{"who": [1], "id": 1.5}"#, #"{"who": true}"#,
            #"{"who": "\#(String(repeating: "x", count: 513))", "id": "\#(String(repeating: "x", count: 256))"}"#,
        ])
    func unfitSubjects(_ payload: String) throws {
        let event = try envelope(
            """
            {"name": "a", "event_type": "A", "subject_path": "who", "delivery_id": {"path": "id"}, \(Self.none)}
            """, payload)
        #expect(event.type == "A" && event.subject == nil && event.producerID == nil)
    }

    @Test(
        "Each scheme has its own place for the id of a delivery",
        arguments: [
            ("standard_webhooks", "h1"), ("github", "h2"), ("stripe", "p1"), ("slack", "p2"),
        ])
    func deliveryIDs(_ scheme: String, _ id: String) throws {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let event = try envelope(
            #"{"name":"a","event_type":"A","verification":{"scheme":"\#(scheme)","secrets":["\#(secret)"]}}"#,
            #"{"id": "p1", "event_id": "p2"}"#, ["webhook-id": ["h1"], "x-github-delivery": ["h2"]])
        #expect(event.producerID == id)
    }

    @Test("A header that is there twice names nothing")
    func doubledHeaders() throws {
        let event = try envelope(
            #"{"name": "a", "event_type": {"header": "X-Type"}, \#(Self.none)}"#, "{}", ["x-type": ["a", "b"]])
        #expect(event.type == "Unknown")
    }
}
