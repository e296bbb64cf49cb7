import EventModel
import Testing

@testable import ActionModel

@Suite("Secrets, TLS and endpoints of rest actions")
struct RestSecurityTests {
    private let one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private let two = "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private let ed25519 = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

    private func definition(_ members: String, from previous: ActionDefinition? = nil) throws -> ActionDefinition {
        try action(#"{"type":"rest","config":{"url":"https://example.com/"\#(members)}}"#, from: previous)
    }

    private func secrets(_ definition: ActionDefinition) -> [String] {
        if case .rest(let action) = definition.config { action.signingSecrets } else { [] }
    }

    @Test("Several secrets are read, masked by their kind, and kept when all come back masked")
    func rotation() throws {
        let stored = try definition(#","signing_secrets":["\#(two)","\#(one)"]"#)
        #expect(secrets(stored) == [two, one])
        #expect(stored.written(.masked).contains(#""signing_secrets":["whsec_••••","whsec_••••"]"#))
        #expect(secrets(try action(stored.written(.plain))) == [two, one])
        #expect(secrets(try action(stored.written(.masked), from: stored)) == [two, one])
        // A new one in front of those that are there.
        let three = try definition(#","signing_secrets":["\#(ed25519)","whsec_••••","whsec_••••"]"#, from: stored)
        #expect(secrets(three) == [ed25519, two, one])
        #expect(three.written(.masked).contains(#"["whsk_••••","whsec_••••","whsec_••••"]"#))
        // One of two: which?
        let found = problems { _ = try definition(#","signing_secrets":["whsec_••••"]"#, from: stored) }
        #expect(found.count == 1 && found[0].contains("2 secrets are stored"))
        #expect(secrets(try definition(#","signing_secrets":["\#(one)"]"#, from: stored)) == [one])
    }

    @Test("What is no secret is refused, and so are both ways of writing at once")
    func wrongSecrets() {
        let found = problems {
            _ = try definition(#","signing_secret":"\#(one)","signing_secrets":["whsk_AAAA",5,"whsec_••••"]"#)
        }
        #expect(found.map { $0.prefix { $0 != ":" } } == ["/actions/0/config/signing_secrets"])
        let list = problems { _ = try definition(#","signing_secrets":["whsk_AAAA",5,"whsec_••••"]"#) }
        #expect(
            list.map { $0.prefix { $0 != ":" } }
                == (0..<3).map { "/actions/0/config/signing_secrets/\($0)" }.map { $0[...] })
        #expect(problems { _ = try definition(#","signing_secrets":[]"#) }.count == 1)
    }

    @Test("A private key is 32 bytes, or 64 with the public half")
    func privateKeys() {
        guard case .asymmetric(let seed)? = SigningSecret.signingKey(of: ed25519) else {
            Issue.record("no key")
            return
        }
        #expect(seed.count == 32)
        let whole = SigningSecret.privatePrefix + Base64.encode(seed + seed)
        #expect(SigningSecret.signingKey(of: whole) == .asymmetric(seed))
        #expect(SigningSecret.signingKey(of: "whsk_AAAA") == nil && SigningSecret.key(of: ed25519) == nil)
    }

    @Test("TLS options are read, and the key is kept masked for its certificate only")
    func tls() throws {
        func pem(_ label: String, _ text: String) -> String {
            "-----BEGIN \(label)-----\\n\(text)\\n-----END \(label)-----\\n"
        }
        let certificate = pem("CERTIFICATE", "AAAA")
        let members =
            #","tls":{"ca_pem":"\#(pem("CERTIFICATE", "CCCC"))","client_certificate":"\#(certificate)","#
            + #""client_key":"\#(pem("PRIVATE KEY", "c2VjcmV0"))","min_version":"1.3"}"#
        let stored = try definition(members)
        guard case .rest(let rest) = stored.config, let tls = rest.tls else {
            Issue.record("no options")
            return
        }
        #expect(tls.minimumVersion == .tls13 && tls.clientKey?.contains("c2VjcmV0") == true)
        let masked = stored.written(.masked)
        #expect(masked.contains(#""client_key":"••••""#) && !masked.contains("c2VjcmV0"))
        guard case .rest(let kept) = try action(masked, from: stored).config else { return }
        #expect(kept.tls == tls)
        let other = masked.replacing("AAAA", with: "BBBB")
        #expect(problems { _ = try action(other, from: stored) }.count == 1)
    }

    @Test(
        "TLS options that make no sense are refused",
        arguments: [
            #"{"ca_pem":"nothing"}"#,
            #"{"client_certificate":"-----BEGIN CERTIFICATE-----x-----END CERTIFICATE-----"}"#,
            #"{"min_version":"1.1"}"#, #"{"verify":false}"#, #"5"#,
        ])
    func wrongTLS(_ text: String) {
        #expect(problems { _ = try definition(#","tls":\#(text)"#) }.count == 1)
    }

    @Test("TLS options need https")
    func plainTLS() {
        let found = problems {
            _ = try action(#"{"type":"rest","config":{"url":"http://example.com/","tls":{"min_version":"1.2"}}}"#)
        }
        #expect(found == ["/actions/0/config/tls: needs a URL of https"])
    }

    @Test(
        "All spellings of an endpoint are one",
        arguments: [
            ("https://Example.COM:443/a", "https://example.com"), ("https://example.com.", "https://example.com"),
            ("http://example.com:80?x", "http://example.com"), ("http://example.com:443/", "http://example.com:443"),
            ("https://[::1]:443/", "https://[::1]"), ("https://[::1]:8443", "https://[::1]:8443"),
            ("https://example.com:8443/{{x}}", "https://example.com:8443"),
        ])
    func endpoints(_ url: String, _ endpoint: String) throws {
        #expect(try rest(#"{"url":"\#(url)"}"#).endpoint == endpoint)
    }

    @Test("HEAD and OPTIONS are methods; HEAD has no body")
    func methods() throws {
        #expect(try rest(#"{"url":"https://example.com","method":"options"}"#).method == .options)
        let head = try rest(#"{"url":"https://example.com","method":"HEAD"}"#)
        #expect(try head.request(for: try firing("{}")).body.isEmpty)
        let found = problems { _ = try rest(#"{"url":"https://example.com","method":"HEAD","body":"x"}"#) }
        #expect(found == ["/actions/0/config/body: a HEAD request has no body"])
    }

    @Test("The event's trace goes on, unless the action says another")
    func trace() throws {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let plain = try firing("{}")
        let old = plain.event.event
        let event = Event(
            id: old.id, organizationID: old.organizationID, part: 3, position: 9, type: old.type, source: old.source,
            subject: nil, time: old.time, receivedAt: old.receivedAt, producerID: nil, traceparent: parent,
            data: old.data)
        let traced = Firing(
            id: plain.id, triggerID: plain.triggerID, triggerName: "x", triggerVersion: 1, firedAt: plain.firedAt,
            event: try ParsedEvent(event))
        func sent(_ config: String, _ firing: Firing) throws -> [String] {
            try rest(config).request(for: firing).headers.filter { $0.0.lowercased() == "traceparent" }.map(\.1)
        }
        let config = #"{"url":"https://example.com"}"#
        #expect(try sent(config, traced) == [parent])
        #expect(try sent(config, plain).isEmpty)
        #expect(try sent(#"{"url":"https://example.com","headers":{"Traceparent":"mine"}}"#, traced) == ["mine"])
    }

    @Test("Names tell which headers and parameters are credentials")
    func credentials() {
        for name in ["Authorization", "Cookie", "set-cookie", "X-Api-Key", "x-functions-key", "X-Auth", "x-my-token"] {
            #expect(SecretMask.covers(header: name), "\(name)")
        }
        for name in ["content-type", "Idempotency-Key", "x-author", "x-keyboard", "webhook-signature", "etag"] {
            #expect(!SecretMask.covers(header: name), "\(name)")
        }
        for name in ["sig", "token", "access_token", "key", "api_key", "code", "X-Amz-Signature"] {
            #expect(SecretMask.covers(parameter: name), "\(name)")
        }
        #expect(!SecretMask.covers(parameter: "page") && !SecretMask.covers(parameter: "barcode"))
    }
}

@Suite("What attempts say")
struct AttemptTests {
    private func result(_ status: Int) -> AttemptResult {
        AttemptResult(statusCode: status, body: [], durationMicroseconds: 1)
    }

    @Test("An answer shows that the endpoint works, 5xx and no answer that it does not")
    func health() {
        for status in [200, 301, 400, 401, 404, 408, 410] { #expect(result(status).health == .healthy, "\(status)") }
        for status in [500, 502, 503, 504] {
            #expect(result(status).health == .unhealthy(reason: "the receiver answered \(status)"))
        }
        #expect(result(429).health == .unknown)
        for failure in AttemptResult.Failure.allCases {
            let health = AttemptResult(failure: failure, error: "why", durationMicroseconds: 1).health
            #expect(health == (failure.isPermanent ? .unknown : .unhealthy(reason: "why")), "\(failure)")
        }
        let odd = AttemptResult(
            failure: .timeout, error: "a\0" + String(repeating: "b", count: 999), durationMicroseconds: 1)
        #expect(odd.health == .unhealthy(reason: "a " + String(repeating: "b", count: 298)))
    }

    @Test("The reason of the next attempt names the step, or what the receiver asked for")
    func reasons() {
        let policy = RetryPolicy.standard()
        #expect(policy.reason(afterAttempt: 2) == "attempt 3 of 10: step 2 of the schedule, 5m ±20 %")
        #expect(
            policy.reason(afterAttempt: 1, retryAfterSeconds: 7)
                == "attempt 2 of 10: the receiver asked for 7 s, kept between once and twice step 1 of the schedule, 5s"
        )
        #expect(
            RetryPolicy.standard(retryAfter: .obeyed).reason(afterAttempt: 1, retryAfterSeconds: 30)
                == "attempt 2 of 10: the receiver asked for 30 s, up to an hour")
    }

    @Test("Details are bounded")
    func bounds() throws {
        let long = AttemptDetails.Header("X-Long", String(repeating: "ö", count: 1_000))
        #expect(long.name == "x-long" && long.value.utf8.count <= AttemptDetails.maximumValueBytes + 2)
        let details = AttemptDetails(
            method: "GET", url: String(repeating: "u", count: 9_000),
            requestHeaders: Array(repeating: long, count: 99), responseHeaders: Array(repeating: long, count: 99))
        #expect(details.requestHeaders.count == 50 && details.responseHeaders.count == 50)
        #expect(try #require(details.json).count < 60_000)
        #expect(AttemptDetails.none.json == nil)
    }
}
