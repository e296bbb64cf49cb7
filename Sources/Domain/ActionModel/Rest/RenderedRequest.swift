import EventModel
import JSONTree

/// A request that is ready to be signed and sent.
public struct RenderedRequest: Sendable {
    /// The method, in capitals.
    public let method: String
    /// An absolute URL of printable ASCII.
    public let url: String
    /// Names and values, free of line breaks; `content-type` is among them when there is a body.
    public let headers: [(String, String)]
    /// What is sent and signed.
    public let body: [UInt8]
    /// How long the attempt may take as a whole.
    public let timeoutMilliseconds: Int
    /// The secrets to sign with (see ``SigningSecret``); none for an unsigned request.
    public let signingSecrets: [String]
    /// How TLS is spoken; nil for the usual way.
    public let tls: TLSOptions?
}

extension RestAction {
    /// Renders the request for a firing.
    ///
    /// - Throws: ``RenderingError`` when the event's values make it larger than its bounds: 4 MiB of body, 8 KiB of URL
    ///   and of each header.
    public func request(for firing: Firing) throws(RenderingError) -> RenderedRequest {
        var rendered: [(String, String)] = []
        for header in headers {
            rendered.append((header.name, try header.render(firing)))
        }
        var payload: [UInt8] = []
        if let body {
            payload = try body.render(firing)
        } else if method.hasPayload {
            payload = Self.payload(for: firing)
        }
        if !payload.isEmpty, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            rendered.append(("content-type", body?.contentType ?? "application/json"))
        }
        // The trace goes on with whoever is called (W3C Trace Context), unless the action says what to send.
        if let traceparent = firing.event.event.traceparent,
            !headers.contains(where: { $0.name.lowercased() == "traceparent" })
        {
            rendered.append(("traceparent", traceparent))
        }
        return RenderedRequest(
            method: method.rawValue, url: try url.render(firing), headers: rendered, body: payload,
            timeoutMilliseconds: timeoutMilliseconds, signingSecrets: signingSecrets, tls: tls)
    }

    /// The payload of an action without a body of its own (CONTRACT §5).
    private static func payload(for firing: Firing) -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("type", "trigger.fired")
            $0.member("timestamp", firing.firedAt.rfc3339)
            $0.memberRaw("data", firing.data)
        }
        return writer.bytes
    }
}
