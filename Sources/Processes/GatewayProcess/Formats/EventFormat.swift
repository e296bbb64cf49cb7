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
    /// A CloudEvent whose attributes are header fields and whose data is the body.
    case binaryCloudEvent(MediaType)

    private static let accepted = """
        application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json
        """

    /// - Throws: `unsupported-media-type` for anything else.
    init(_ request: Request) throws {
        let media = try MediaType(request)
        switch media.name {
        case "application/x-ndjson", "application/ndjson", "application/jsonl": self = .ndjson
        case "application/cloudevents+json": self = .cloudEvent
        case "application/cloudevents-batch+json": self = .cloudEvents
        case _ where request.headers.contains { $0.name.canonicalName == "ce-specversion" }:
            self = .binaryCloudEvent(media)
        case "", "application/json": self = .json
        default: throw Problem.unsupported(media, Self.accepted)
        }
    }
}

extension CloudEvent {
    /// Reads a request of the binary mode (CloudEvents HTTP binding §3.1).
    static func binary(_ request: Request, _ media: MediaType, body: [UInt8]) throws -> EventEnvelope {
        var attributes: [(name: String, value: String)] = []
        for field in request.headers where field.name.canonicalName.hasPrefix("ce-") {
            let name = String(field.name.canonicalName.dropFirst(3))
            guard let value = field.value.percentDecoded() else {
                throw JSONValidationError(pointer: "/\(name)", detail: "is not percent-encoded UTF-8")
            }
            attributes.append((name, value))
        }
        return try binary(attributes, contentType: media.text, payload(body, media))
    }

    private static func payload(_ body: [UInt8], _ media: MediaType) throws -> Payload {
        if body.isEmpty { return .none }
        // Without a type the data is JSON (spec.md, "datacontenttype").
        if media.isJSON || media.name.isEmpty { return .json(try JSONDocument(body).root) }
        if media.isText, let text = String(validating: body, as: UTF8.self), !text.utf8.contains(0) {
            return .text(text)
        }
        return .base64(Base64.encode(body))
    }
}

/// RFC 4648 §4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                let digit = alphabet[bits >> (18 - 6 * place) & 63]
                text.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
