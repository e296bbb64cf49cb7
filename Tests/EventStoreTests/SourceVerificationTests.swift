import ActionModel
import EventModel
import EventStore
import JSONTree
import Testing

/// A delivery with what its source demands of it.
struct SignedDelivery {
    var verification: String
    var body: String
    var headers: [String: [String]]
    var time: Int64 = 1_614_265_330

    func refusal(after seconds: Int64 = 0) throws -> HookRefusal? {
        let definition = try SourceDefinition(
            JSONDocument(#"{"name": "a", "event_type": "A", "verification": \#(verification)}"#).root)
        do throws(HookRefusal) {
            try definition.verification.check(
                body: Array(body.utf8), headers: { headers[$0] ?? [] },
                now: Timestamp(microseconds: (time + seconds) * 1_000_000 + 999_999))
            return nil
        } catch {
            return error
        }
    }
}

/// The documented example of each scheme. Signatures that no documentation gives were made by Python's `hmac`.
enum Examples {
    static let standard = SignedDelivery(
        verification: #"{"scheme":"standard_webhooks","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#,
        body: #"{"test": 2432232314}"#,
        headers: [
            "webhook-id": ["msg_p5jXN8AQM9LWM0D4loKWxJek"], "webhook-timestamp": ["1614265330"],
            "webhook-signature": ["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="],
        ])
    static let github = SignedDelivery(
        verification: #"{"scheme":"github","secrets":["It's a Secret to Everybody"]}"#, body: "Hello, World!",
        headers: [
            "x-hub-signature-256": ["sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"]
        ])
    static let slack = SignedDelivery(
        verification: #"{"scheme":"slack","secrets":["8f742231b10e8888abcd99yyyzzz85a5"]}"#,
        body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            + "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
            + "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
            + "%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        headers: [
            "x-slack-request-timestamp": ["1531420618"],
            "x-slack-signature": ["v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"],
        ], time: 1_531_420_618)
    static let stripe = SignedDelivery(
        verification: #"{"scheme":"stripe","secrets":["whsec_test_secret_of_stripe"]}"#,
        body: #"{"id":"evt_1","type":"invoice.paid"}"#,
        headers: [
            "stripe-signature": [
                "t=1614265330,v0=00,v1=c3f4c1197d6c4d1c6eb3dc01097684e115a43a38a6baf5df5ca6261f13c3ed5d"
            ]
        ])

    static func hmac(
        _ members: String, _ signature: String, time: String? = "1614265330"
    ) -> SignedDelivery {
        var headers = ["x-signature": [signature]]
        headers["x-time"] = time.map { [$0] }
        return SignedDelivery(
            verification:
                #"{"scheme":"hmac","secrets":["a generic secret"],"header":"X-Signature"\#(members)}"#,
            body: stripe.body, headers: headers)
    }

    static let timed = #","timestamp_header":"X-Time""#
    static let generic = hmac(timed, "95dff1851cf135bbe3999b216c69938f53f796587bb98b124956ba6ebe56fdc3")
    static let basic = SignedDelivery(
        verification: #"{"scheme":"basic","username":"alice","secrets":["open sesame"]}"#, body: "x",
        headers: ["authorization": ["Basic YWxpY2U6b3BlbiBzZXNhbWU="]])

    static let signed = [standard, github, slack, stripe, generic]
    static let timestamped = [standard, slack, stripe, generic]
}

@Suite("A delivery is taken only from who has a secret of the source")
struct SourceVerificationTests {
    @Test("The documented examples pass", arguments: Examples.signed + [Examples.basic])
    func examples(_ delivery: SignedDelivery) throws {
        #expect(try delivery.refusal() == nil)
    }

    @Test(
        "Every algorithm, encoding and content of a generic HMAC",
        arguments: [
            Examples.hmac(Examples.timed + #","algorithm":"sha1""#, "b4ac715f2d8e6762b80b8e3e0b17d68c6374c2c9"),
            Examples.hmac(Examples.timed + #","algorithm":"sha1","encoding":"base64""#, "tKxxXy2OZ2K4C44+CxfWjGN0wsk="),
            Examples.hmac(
                Examples.timed + #","encoding":"base64","prefix":"sig:""#,
                "sig:ld/xhRzxNbvjmZshbGmTj1P3llh7uYsSSVa6br5W/cM="),
            Examples.hmac(
                Examples.timed + #","algorithm":"sha512""#,
                "AF6076851AF8AB4D14486C5B7E0EE5143073ADE95605116781714EE947471B1E"
                    + "F7F88C4E3683C5EC259E715079DE16203DBA781A4BA2B8E474FA3AA80B6992D5"),
            Examples.hmac("", "8e78a5a038cb2ad66a5baba3ff3c8bd6ad8b4b906a224ddf5f78a0de300af885", time: nil),
            Examples.hmac(#","encoding":"base64""#, "jniloDjLKtZqW6uj/zyL1q2LS5BqIk3fX3ig3jAK+IU=", time: nil),
            Examples.hmac(
                Examples.timed + #","signed_content":"<{body}>{timestamp}""#,
                "a688d9cda66b50e4b9ad2694ff122148a3508b51e7d5eb4ef9a12dff15374437"),
        ])
    func generic(_ delivery: SignedDelivery) throws {
        #expect(try delivery.refusal() == nil)
        var changed = delivery
        changed.body += " "
        #expect(try changed.refusal() == .signature)
    }

    @Test("Another body, another secret, and no secret's signature are refused", arguments: Examples.signed)
    func forged(_ delivery: SignedDelivery) throws {
        for body in ["", delivery.body + " ", delivery.body.uppercased()] {
            var changed = delivery
            changed.body = body
            #expect(try changed.refusal() == .signature)
        }
        var changed = delivery
        changed.verification = changed.verification
            .replacing("MfKQ9", with: "AfKQ9").replacing("Everybody", with: "everybody")
            .replacing("8f742", with: "8f743").replacing("of_stripe", with: "of_strips")
            .replacing("a generic", with: "A generic")
        #expect(changed.verification != delivery.verification)
        #expect(try changed.refusal() == .signature)
    }

    @Test("Any of several secrets is good", arguments: Examples.signed + [Examples.basic])
    func rotation(_ delivery: SignedDelivery) throws {
        let other =
            delivery.verification.contains("standard") ? "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" : "another one"
        for (old, new) in [("[", #"["\#(other)","#), ("]", #","\#(other)"]"#)] {
            var changed = delivery
            changed.verification = delivery.verification.replacing(old, with: new)
            #expect(try changed.refusal() == nil, "\(changed.verification)")
        }
    }

    @Test(
        "A header that is missing, doubled, empty, cut or garbled is refused",
        arguments: Examples.signed + [Examples.basic])
    func headers(_ delivery: SignedDelivery) throws {
        for (name, values) in delivery.headers {
            var changed = delivery
            changed.headers[name] = nil
            #expect(try changed.refusal() == .missing, "\(name)")
            changed.headers[name] = values + values
            #expect(try changed.refusal() == .malformed, "\(name)")
            for value in ["", " ", "x", String(values[0].dropLast(1)), String(values[0].dropLast(2)), "\(values[0])0"] {
                changed.headers[name] = [value]
                #expect(try changed.refusal() != nil, "\(name): \(value)")
            }
        }
    }

    @Test("Every part of a signature counts", arguments: Examples.signed)
    func truncated(_ delivery: SignedDelivery) throws {
        let name = try #require(delivery.headers.keys.first { $0.contains("signature") })
        let value = try #require(delivery.headers[name]?.first)
        for count in 0..<value.count {
            var changed = delivery
            changed.headers[name] = [String(value.prefix(count))]
            #expect(try changed.refusal() != nil, "\(value.prefix(count))")
        }
    }

    @Test("A time is good up to the tolerance, in either direction", arguments: Examples.timestamped)
    func times(_ delivery: SignedDelivery) throws {
        for seconds: Int64 in [-300, -1, 0, 299, 300] { #expect(try delivery.refusal(after: seconds) == nil) }
        for seconds: Int64 in [-100_000, -301, 301, 100_000] {
            #expect(try delivery.refusal(after: seconds) == .timestamp)
        }
        var narrow = delivery
        narrow.verification = String(delivery.verification.dropLast()) + #","tolerance_seconds":10}"#
        #expect(try narrow.refusal(after: 10) == nil)
        #expect(try narrow.refusal(after: 11) == .timestamp)
    }

    @Test("A new time under an old signature is refused", arguments: Examples.timestamped)
    func renewed(_ delivery: SignedDelivery) throws {
        for (name, values) in delivery.headers where values[0].contains("\(delivery.time)") {
            var changed = delivery
            changed.headers[name] = [values[0].replacing("\(delivery.time)", with: "\(delivery.time + 1)")]
            #expect(try changed.refusal() == .signature)
            for time in ["-\(delivery.time)", "+\(delivery.time)", "\(delivery.time).0", "99999999999999999999", "NaN"]
            {
                changed.headers[name] = [values[0].replacing("\(delivery.time)", with: time)]
                #expect(try changed.refusal() == .malformed, "\(time)")
            }
        }
    }

    @Test("One good signature among others is enough")
    func severalSignatures() throws {
        var standard = Examples.standard
        let good = try #require(standard.headers["webhook-signature"]?.first)
        standard.headers["webhook-signature"] = ["v1a,AAAA v1,AAAA \(good)"]
        #expect(try standard.refusal() == nil)
        // Beyond the bound nothing is looked at, however many a stranger sends.
        let many = [String](repeating: "v1,AAAA", count: 50).joined(separator: " ")
        standard.headers["webhook-signature"] = ["\(many) \(good)"]
        #expect(try standard.refusal() == .signature)
        var stripe = Examples.stripe
        let value = try #require(stripe.headers["stripe-signature"]?.first)
        stripe.headers["stripe-signature"] = [value.replacing(",v1=", with: ", v1=00ff,v1=")]
        #expect(try stripe.refusal() == nil)
        stripe.headers["stripe-signature"] = [value + ",t=1614265330"]
        #expect(try stripe.refusal() == .malformed)
    }

    @Test(
        "A wrong name or password is refused",
        arguments: [
            "Basic YWxpY2U6b3BlbiBzZXNhbQ==", "Basic Ym9iOm9wZW4gc2VzYW1l", "Basic YWxpY2U=", "Basic Og==",
        ])
    func passwords(_ header: String) throws {
        var changed = Examples.basic
        changed.headers["authorization"] = [header]
        #expect(try changed.refusal() == .credentials)
        changed.headers["authorization"] = ["basic YWxpY2U6b3BlbiBzZXNhbWU="]
        #expect(try changed.refusal() == nil, "the scheme's name is the same in any case")
        changed.headers["authorization"] = ["Bearer YWxpY2U6b3BlbiBzZXNhbWU="]
        #expect(try changed.refusal() == .malformed)
    }

    @Test("Without verification everything passes")
    func none() throws {
        #expect(try SignedDelivery(verification: #"{"scheme":"none"}"#, body: "x", headers: [:]).refusal() == nil)
    }
}
