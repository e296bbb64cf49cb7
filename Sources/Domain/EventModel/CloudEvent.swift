import JSONTree

/// Reads events of CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) as envelopes.
///
/// `id`, `source`, `type`, `subject` and `time` are the envelope's own; the extension `traceparent` is its trace
/// context. Everything else that is no data goes to the metadata, under `cloudevents`, so that nothing is lost. How
/// data becomes an object is the matter of ``CloudEventData``.
public enum CloudEvent {
    /// Reads the JSON event format, of a structured request or an item of a batch.
    ///
    /// - Parameter pointer: where the event is in the request; empty for a single one.
    public static func structured(_ value: JSONValue, pointer: String = "") throws(JSONValidationError) -> EventEnvelope
    {
        guard value.kind == .object else {
            throw JSONValidationError(
                pointer: pointer, detail: "an event must be a JSON object, not \(value.kind.noun)")
        }
        var reader = CloudEventReader(pointer: pointer)
        // `null` is as good as absent (JSON event format §2.2).
        for (name, member) in value.members where !member.isNull && name != "data" && name != "data_base64" {
            reader.add(name, member)
        }
        let data = value["data"].flatMap { $0.isNull ? nil : $0 }
        let bytes = value["data_base64"].flatMap { $0.isNull ? nil : $0 }
        return try reader.envelope(reader.data(data, bytes))
    }

    /// Reads the binary mode of the HTTP binding: attributes in headers, data as the body.
    ///
    /// - Parameters:
    ///   - attributes: names without `ce-`, values decoded.
    ///   - type: the `Content-Type`, which is the event's `datacontenttype`. Without one the body is JSON.
    ///   - body: the data.
    /// - Throws: `JSONError` when the body is declared as JSON and is not, else `JSONValidationError`.
    public static func binary(
        _ attributes: [(name: String, value: String)], type: ContentType, body: [UInt8]
    ) throws -> EventEnvelope {
        var reader = CloudEventReader(pointer: "")
        for (name, value) in attributes { reader.add(name, value) }
        if !type.text.isEmpty { reader.add("datacontenttype", type.text) }
        return try reader.envelope(
            CloudEventData(body, type: type.name.isEmpty ? ContentType("application/json") : type))
    }
}

/// The data of a CloudEvent, told by its content type in the same way in every mode: an event that is sent again in
/// another mode is a repeat.
///
/// | data | stored as | `data_form` in the metadata |
/// | --- | --- | --- |
/// | a JSON object | the object | none |
/// | any other JSON | `{"value": …}` | `value` |
/// | text (`text/*`, XML, forms) in UTF-8 | `{"text": "…"}` | `text` |
/// | any other bytes | `{"base64": "…"}` | `base64` |
/// | no data | `{}` | `none` |
enum CloudEventData {
    case none
    case json(JSONValue)
    case text(String)
    case bytes([UInt8])

    /// The data that are these bytes.
    init(_ bytes: [UInt8], type: ContentType) throws(JSONError) {
        if bytes.isEmpty {
            self = .none
        } else if type.isJSON, type.isUTF8 {
            self = .json(try JSONDocument(bytes).root)
        } else if type.isText, type.isUTF8, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) {
            self = .text(text)
        } else {
            self = .bytes(bytes)
        }
    }

    /// What the metadata say of it; nil when it is stored as it came.
    var form: String? {
        switch self {
        case .none: "none"
        case .json(let value): value.kind == .object ? nil : "value"
        case .text: "text"
        case .bytes: "base64"
        }
    }

    /// The JSON object that is stored.
    var object: [UInt8] {
        var writer = JSONWriter()
        switch self {
        case .none: writer.object { _ in }
        case .json(let value) where value.kind == .object: return Array(value.source)
        case .json(let value): writer.object { $0.memberRaw("value", value.source) }
        case .text(let text): writer.object { $0.member("text", text) }
        case .bytes(let bytes): writer.object { $0.member("base64", Base64.encode(bytes)) }
        }
        return writer.bytes
    }
}
