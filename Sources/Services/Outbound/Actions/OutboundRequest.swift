import ActionModel
import EventModel
import HTTPWire
import Runtime

/// An action's request with all its headers, and how it is shown in the log of attempts.
///
/// One object and not a value, so that the functions that wait for the answer keep no copies of it.
final class OutboundRequest: Sendable {
    /// Bytes of a request's body that the log of attempts keeps.
    static let excerptLimit = 4 * 1024
    /// How long the Bot API and Slack may take.
    static let messageTimeout = Duration.seconds(15)

    let request: HTTPRequest
    let redaction: Redaction

    /// A rendered `rest` action, signed where it has a secret.
    init(_ rendered: RenderedRequest, deliveryID: UniqueID, at time: Timestamp) {
        var headers: [HTTPRequest.Header] = rendered.headers.map { ($0.0, $0.1) }
        if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) { headers.append(Self.userAgent) }
        headers += StandardWebhooks.headers(
            id: deliveryID.description, at: time, body: rendered.body, secrets: rendered.signingSecrets)
        var request = HTTPRequest(
            rendered.method, rendered.url, headers: headers, body: rendered.body.isEmpty ? nil : rendered.body,
            timeout: .milliseconds(rendered.timeoutMilliseconds))
        request.tls = rendered.tls.map { HTTPRequest.TLS($0) }
        self.request = request
        redaction = Redaction(secrets: Self.secrets(of: rendered))
    }

    /// What must not be kept wherever it comes up: an endpoint may well answer with what it was sent.
    private static func secrets(of rendered: RenderedRequest) -> [String] {
        var secrets: [String] = []
        for (name, value) in rendered.headers where SecretMask.covers(header: name) {
            secrets.append(value)
            // `Bearer x`, `Basic x`: the second half by itself is as good as the whole.
            if let half = value.split(separator: " ", maxSplits: 1).dropFirst().first { secrets.append(String(half)) }
        }
        for secret in rendered.signingSecrets {
            secrets += [secret, String(secret.drop { $0 != "_" }.dropFirst())]
        }
        if let key = rendered.tls?.clientKey { secrets.append(key) }
        return secrets + ShownURL.secrets(in: rendered.url)
    }

    /// One call of the Bot API.
    init(_ call: RenderedTelegram.Call, botToken: String, apiBase: String) {
        request = HTTPRequest(
            "POST", "\(apiBase)/bot\(botToken)/\(call.method)",
            headers: [("content-type", "application/json"), Self.userAgent], body: call.body,
            timeout: Self.messageTimeout)
        redaction = .telegram(botToken)
    }

    /// A message for Slack, whose address is the secret.
    init(_ rendered: RenderedSlack) {
        request = HTTPRequest(
            "POST", rendered.webhook, headers: [("content-type", "application/json"), Self.userAgent],
            body: rendered.body, timeout: Self.messageTimeout)
        redaction = Redaction(secrets: [String(rendered.webhook.dropFirst(rendered.origin.count))])
    }

    static let userAgent: HTTPRequest.Header = ("user-agent", "Collider/\(ColliderVersion.current)")

    /// The request as it is kept; of headers that are credentials the names alone.
    func details(_ trace: HTTPTrace?, responseHeaders: [HTTPRequest.Header] = []) -> AttemptDetails {
        var details = Self.details(method: request.method, url: redaction(ShownURL.text(request.url)), trace)
        details.requestHeaders = shown(request.headers)
        details.responseHeaders = shown(responseHeaders)
        return details
    }

    /// What is kept of anything that was sent.
    static func details(method: String, url: String, _ trace: HTTPTrace?) -> AttemptDetails {
        AttemptDetails(
            method: method, url: url, address: trace?.address,
            timings: trace.map {
                AttemptTimings(
                    dns: $0.nameLookup, connect: $0.connect, tls: $0.handshake, firstByte: $0.firstByte,
                    total: $0.total)
            })
    }

    private func shown(_ headers: [HTTPRequest.Header]) -> [AttemptDetails.Header] {
        headers.prefix(AttemptDetails.maximumHeaders).map { name, value in
            AttemptDetails.Header(name, SecretMask.covers(header: name) ? SecretMask.dots : redaction(value))
        }
    }

    /// The request's first line, its delivery id, and the start of its body. Headers of the action are left out: its
    /// credentials are there.
    var excerpt: String {
        var lines = ["\(request.method) \(ShownURL.text(request.url))"]
        if let id = request.headers.first(where: { $0.name == "webhook-id" }) {
            lines.append("webhook-id: \(id.value)")
        }
        // More than is kept, so that no half of a secret stands at the end.
        let body = redaction(Array((request.body ?? []).prefix(2 * Self.excerptLimit))).prefix(Self.excerptLimit)
        let text = String(decoding: body.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
        if !text.isEmpty { lines += ["", text] }
        return redaction(lines.joined(separator: "\n"))
    }
}

extension HTTPRequest.TLS {
    init(_ options: TLSOptions) {
        var identity: Identity?
        if let certificate = options.clientCertificate, let key = options.clientKey {
            identity = Identity(certificate: certificate, key: key)
        }
        self.init(
            authorities: options.authorities, identity: identity, requiresTLS13: options.minimumVersion == .tls13)
    }
}
