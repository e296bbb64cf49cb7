import ActionModel
import EventModel
import HTTPWire
import Runtime

/// An action's request with all its headers, and how it is shown in the log of attempts.
struct OutboundRequest: Sendable {
    /// Bytes of a request's body that the log of attempts keeps.
    static let excerptLimit = 4 * 1024
    /// How long the Bot API may take.
    static let telegramTimeout = Duration.seconds(15)

    let request: HTTPRequest
    let redaction: Redaction

    /// A rendered `rest` action, signed where it has a secret.
    init(_ rendered: RenderedRequest, deliveryID: UniqueID, at time: Timestamp) {
        var headers: [HTTPRequest.Header] = rendered.headers.map { ($0.0, $0.1) }
        if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) { headers.append(Self.userAgent) }
        headers += StandardWebhooks.headers(
            id: deliveryID.description, at: time, body: rendered.body, secret: rendered.signingSecret)
        request = HTTPRequest(
            rendered.method, rendered.url, headers: headers, body: rendered.body.isEmpty ? nil : rendered.body,
            timeout: .milliseconds(rendered.timeoutMilliseconds))
        redaction = .none
    }

    /// A call of `sendMessage`.
    init(_ rendered: RenderedTelegram, apiBase: String) {
        request = HTTPRequest(
            "POST", "\(apiBase)/bot\(rendered.botToken)/sendMessage",
            headers: [("content-type", "application/json"), Self.userAgent], body: rendered.body,
            timeout: Self.telegramTimeout)
        redaction = .telegram(rendered.botToken)
    }

    static let userAgent: HTTPRequest.Header = ("user-agent", "Collider/\(ColliderVersion.current)")

    /// The request's first line, its delivery id, and the start of its body. Headers of the action are left out: its
    /// credentials are there.
    var excerpt: String {
        var lines = ["\(request.method) \(request.url)"]
        if let id = request.headers.first(where: { $0.name == "webhook-id" }) {
            lines.append("webhook-id: \(id.value)")
        }
        let body = (request.body ?? []).prefix(Self.excerptLimit).map { $0 == 0 ? UInt8(ascii: " ") : $0 }
        if !body.isEmpty { lines += ["", String(decoding: body, as: UTF8.self)] }
        return redaction(lines.joined(separator: "\n"))
    }
}
