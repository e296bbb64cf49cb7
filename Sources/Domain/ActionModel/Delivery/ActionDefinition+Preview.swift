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
            switch config {
            case .rest(let action):
                do throws(RenderingError) {
                    try Self.write(action.request(for: firing), to: &writer)
                } catch {
                    writer.member("error", error.description)
                }
            case .telegram(let action):
                writer.key("request")
                writer.object {
                    $0.member("method", "sendMessage")
                    Self.write(body: action.request(for: firing).body, to: &$0)
                }
            case .emit(let action):
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
    private static func write(body: [UInt8], to writer: inout JSONWriter) {
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
