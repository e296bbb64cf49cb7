import EventModel
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime

/// The formats in which events are taken, told apart by the header fields of a request.
enum EventFormat {
    /// One event, or an array of them.
    case json
    /// One event a line.
    case ndjson
    /// One CloudEvent in the JSON event format.
    case cloudEvent
    /// An array of those.
    case cloudEvents
    /// A CloudEvent whose attributes are header fields and whose data is the body, which can be anything.
    case binaryCloudEvent

    private static let accepted = """
        application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json
        """
    /// Each of them makes a request one of the binary mode, so that one that lacks another is told so.
    private static let binaryMode: Set<String> = ["ce-specversion", "ce-id", "ce-source", "ce-type"]

    /// - Throws: `unsupported-media-type` for anything else.
    init(_ request: Request) throws {
        let media = request.declaredType
        let isBinary = request.headers.contains { Self.binaryMode.contains($0.name.canonicalName) }
        switch media.name {
        case "application/cloudevents+json": self = .cloudEvent
        case "application/cloudevents-batch+json": self = .cloudEvents
        case _ where media.name.hasPrefix("application/cloudevents"): throw Problem.unsupported(media, Self.accepted)
        case _ where isBinary:
            self = .binaryCloudEvent
            return
        case "application/x-ndjson", "application/ndjson", "application/jsonl": self = .ndjson
        case "", "application/json": self = .json
        default: throw Problem.unsupported(media, Self.accepted)
        }
        try media.requireUTF8()
    }
}

extension CloudEvent {
    /// Reads a request of the binary mode (CloudEvents HTTP binding §3.1).
    static func binary(_ request: Request, body: [UInt8]) throws -> EventEnvelope {
        var attributes: [(name: String, value: String)] = []
        for field in request.headers where field.name.canonicalName.hasPrefix("ce-") {
            let name = String(field.name.canonicalName.dropFirst(3))
            // The server puts U+FFFD where bytes are no UTF-8, as of clients that send ISO 8859-1.
            guard !field.value.contains("\u{FFFD}"), let value = decoded(field.value) else {
                throw JSONValidationError(
                    pointer: JSONPointer.member(name, of: ""),
                    detail: "the header ce-\(name) is not UTF-8; percent-encode all that is not ASCII")
            }
            attributes.append((name, value))
        }
        return try binary(attributes, type: request.declaredType, body: body)
    }

    /// The value of an attribute in a header: first without the quotes of a quoted string (RFC 9110 §5.6.4), then
    /// percent-decoded once (HTTP binding §3.1.3.2).
    private static func decoded(_ value: String) -> String? {
        guard value.utf8.count >= 2, value.first == "\"", value.last == "\"" else { return value.percentDecoded() }
        var text = ""
        var isEscaped = false
        for character in value.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                text.append(character)
                isEscaped = false
            }
        }
        return text.percentDecoded()
    }
}
