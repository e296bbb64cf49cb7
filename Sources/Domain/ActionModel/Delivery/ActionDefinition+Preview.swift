import EventModel
import JSONTree

extension ActionDefinition {
    /// Longest body that a preview shows, in bytes.
    static let previewLimit = 64 * 1024

    /// Writes what the action would do for a firing, with credentials masked: `{"type", "request" | "event" |
    /// "error"}`.
    public func writePreview(for firing: Firing, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("type", kind.rawValue)
            do throws(RenderingError) {
                switch config {
                case .rest(let action):
                    try Self.write(action.request(for: firing), to: &writer)
                case .telegram(let action):
                    try Self.write(action.request(for: firing), to: &writer)
                case .emit(let action):
                    Self.write(action, for: firing, to: &writer)
                case .slack(let action):
                    let request = try action.request(for: firing)
                    writer.key("request")
                    writer.object {
                        $0.member("method", "POST")
                        $0.member("url", "\(request.origin)/\(SecretMask.dots)")
                        Self.write(body: request.body, to: &$0)
                    }
                case .email(let action):
                    try Self.write(action.request(for: firing, deliveryID: firing.id), to: &writer)
                case .llm(let action):
                    try action.writePreview(for: firing, to: &writer)
                case .mcp(let action):
                    try action.writePreview(for: firing, to: &writer)
                }
            } catch {
                writer.member("error", error.description)
            }
        }
    }

    /// Several messages, when the text is too long for one, are `requests`.
    private static func write(_ request: RenderedTelegram, to writer: inout JSONWriter) {
        let write: (RenderedTelegram.Call, inout JSONWriter) -> Void = { call, writer in
            writer.object {
                $0.member("method", call.method)
                Self.write(body: call.body, to: &$0)
            }
        }
        guard request.calls.count > 1 else {
            writer.key("request")
            return write(request.calls[0], &writer)
        }
        writer.key("requests")
        writer.array { array in
            for call in request.calls { write(call, &array) }
        }
    }

    private static func write(_ action: EmitAction, for firing: Firing, to writer: inout JSONWriter) {
        do throws(EmitError) {
            let event = try action.envelope(for: firing, at: firing.firedAt)
            writer.key("event")
            writer.object {
                $0.member("type", event.type)
                $0.member("source", event.source)
                $0.member("subject", event.subject)
                $0.memberRaw("data", event.data)
            }
        } catch {
            writer.member("error", error.description)
        }
    }

    private static func write(_ mail: RenderedEmail, to writer: inout JSONWriter) {
        writer.key("request")
        writer.object {
            $0.member("server", "\(mail.host):\(mail.port)")
            $0.member("from", mail.sender)
            $0.key("to")
            $0.array { array in
                for recipient in mail.recipients { array.string(recipient) }
            }
            write(body: mail.message, to: &$0)
        }
    }

    private static func write(_ request: RenderedRequest, to writer: inout JSONWriter) {
        writer.key("request")
        writer.object { writer in
            writer.member("method", request.method)
            writer.member("url", request.url)
            writer.key("headers")
            writer.object {
                for (name, value) in request.headers {
                    $0.member(name, SecretMask.covers(header: name) ? SecretMask.dots : value)
                }
            }
            writer.member("signed", !request.signingSecrets.isEmpty)
            if !request.body.isEmpty { write(body: request.body, to: &writer) }
        }
    }

    /// JSON as JSON, all else as text.
    static func write(body: [UInt8], to writer: inout JSONWriter) {
        guard body.count <= previewLimit else {
            writer.member("body_bytes", body.count)
            writer.member("body_excerpt", String(decoding: body.prefix(previewLimit), as: UTF8.self))
            return
        }
        if let document = try? JSONDocument(body) {
            writer.memberRaw("body", document.root.source)
        } else {
            writer.member("body", String(decoding: body, as: UTF8.self))
        }
    }
}
