import JSONTree

/// Reads events of CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) as envelopes.
///
/// `id`, `source`, `type`, `subject` and `time` are the envelope's own; the extension `traceparent` is its trace
/// context. Everything else that is no data goes to the metadata, under `cloudevents`, so that nothing is lost. Data
/// that is no JSON object becomes one: any other JSON `{"value": …}`, text `{"text": "…"}`, bytes `{"base64": "…"}`.
public enum CloudEvent {
    private static let ownAttributes: Set<String> = ["specversion", "id", "source", "type", "subject", "time"]

    /// Reads the JSON event format, of a structured request or an item of a batch.
    ///
    /// - Parameter pointer: where the event is in the request; empty for a single one.
    public static func structured(_ value: JSONValue, pointer: String = "") throws(JSONValidationError) -> EventEnvelope
    {
        guard value.kind == .object else {
            throw JSONValidationError(
                pointer: pointer, detail: "an event must be a JSON object, not \(value.kind.noun)")
        }
        var reader = AttributeReader(pointer: pointer)
        var data = Payload.none
        for (name, member) in value.members where !member.isNull {
            switch name {
            case "data": data = reader.payload(data, .json(member))
            case "data_base64": data = reader.payload(data, reader.base64(member))
            default: reader.add(name, member)
            }
        }
        return try reader.envelope(data)
    }

    /// Reads the binary mode of the HTTP binding: attributes in headers, data as the body.
    ///
    /// - Parameters:
    ///   - attributes: names without `ce-`, values percent-decoded.
    ///   - contentType: the `Content-Type`, which is the event's `datacontenttype`.
    public static func binary(
        _ attributes: [(name: String, value: String)], contentType: String, _ body: Payload
    ) throws(JSONValidationError) -> EventEnvelope {
        var reader = AttributeReader(pointer: "")
        for (name, value) in attributes { reader.add(name, value) }
        if !contentType.isEmpty { reader.add("datacontenttype", contentType) }
        return try reader.envelope(body)
    }

    /// The data of an event, in the form in which it came.
    public enum Payload: Sendable {
        case none
        case json(JSONValue)
        case text(String)
        /// Base64 of bytes that are neither JSON nor text.
        case base64(String)

        /// The JSON object that is stored.
        var object: [UInt8] {
            var writer = JSONWriter()
            switch self {
            case .none: writer.object { _ in }
            case .json(let value) where value.kind == .object: return Array(value.source)
            case .json(let value): writer.object { $0.memberRaw("value", value.source) }
            case .text(let text): writer.object { $0.member("text", text) }
            case .base64(let text): writer.object { $0.member("base64", text) }
            }
            return writer.bytes
        }
    }

    /// Collects attributes and what is wrong with them.
    private struct AttributeReader {
        let pointer: String
        private var own: [String: String] = [:]
        /// The others: name and JSON value.
        private var others: [(name: String, json: [UInt8])] = []
        private var problems: [JSONProblem] = []

        init(pointer: String) {
            self.pointer = pointer
        }

        mutating func add(_ name: String, _ value: JSONValue) {
            if let text = value.string { return add(name, text) }
            guard [.integer, .number, .boolean].contains(value.kind), !CloudEvent.ownAttributes.contains(name) else {
                return note(name, "must be a string, not \(value.kind.noun)")
            }
            if isFit(name) { others.append((name, Array(value.source))) }
        }

        mutating func add(_ name: String, _ value: String) {
            guard isFit(name) else { return }
            guard own[name] == nil, !others.contains(where: { $0.name == name }) else {
                return note(name, "is given twice")
            }
            if CloudEvent.ownAttributes.contains(name) || name == "traceparent" {
                own[name] = value
            } else {
                // Strings of CloudEvents have no control characters (spec.md, "Type system"); headers can bring any.
                if let detail = EnvelopeReader.problem(with: value, from: 0, upTo: .max) { note(name, detail) }
                var writer = JSONWriter()
                writer.string(value)
                others.append((name, writer.bytes))
            }
        }

        /// A second payload is an error, and so is one that could not be read.
        mutating func payload(_ before: Payload, _ next: Payload) -> Payload {
            if case .none = before { return next }
            problems.append(JSONProblem(pointer: pointer, detail: "has both data and data_base64"))
            return before
        }

        mutating func base64(_ value: JSONValue) -> Payload {
            guard let text = value.string, CloudEvent.isBase64(text) else {
                note("data_base64", "must be a string of base64")
                return .none
            }
            return .base64(text)
        }

        mutating func envelope(_ data: Payload) throws(JSONValidationError) -> EventEnvelope {
            if let version = own["specversion"], version != "1.0" {
                note("specversion", "must be 1.0, not \(version)")
            }
            for name in ["specversion", "id", "source", "type"] where own[name] == nil { note(name, "is required") }
            for (name, limit) in [("id", 255), ("source", 512), ("type", 255), ("subject", 512)] {
                guard let text = own[name] else { continue }
                if let detail = EnvelopeReader.problem(with: text, from: 1, upTo: limit) { note(name, detail) }
            }
            var time: Timestamp?
            if let text = own["time"] {
                time = Timestamp(rfc3339: text)
                if time == nil { note("time", "must be an RFC 3339 time with a zone, such as 2026-03-01T09:30:00Z") }
            }
            if let text = own["traceparent"], !EnvelopeReader.isTraceparent(text) {
                note("traceparent", EnvelopeReader.traceparentRule)
            }
            if case .text(let text) = data, text.utf8.contains(0) {
                note("data", "must not contain U+0000, which can't be stored")
            }
            guard problems.isEmpty, let type = own["type"], let source = own["source"] else {
                throw JSONValidationError(problems)
            }
            return EventEnvelope(
                type: type, source: source, subject: own["subject"], time: time, producerID: own["id"],
                traceparent: own["traceparent"], data: data.object, metadata: metadata)
        }

        private var metadata: [UInt8] {
            var writer = JSONWriter()
            writer.object { root in
                root.key("cloudevents")
                root.object { attributes in
                    for (name, json) in others { attributes.memberRaw(name, json) }
                }
            }
            return writer.bytes
        }

        /// Names are lower-case letters and digits (spec.md, "Attribute naming convention").
        private mutating func isFit(_ name: String) -> Bool {
            let isFit =
                (1...64).contains(name.utf8.count)
                && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
            if !isFit { note(name, "an attribute's name has 1 to 64 lower-case letters and digits") }
            return isFit
        }

        private mutating func note(_ name: String, _ detail: String) {
            problems.append(JSONProblem(pointer: JSONPointer.member(name, of: pointer), detail: detail))
        }
    }

    private static func isBase64(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let padding = bytes.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return bytes.count % 4 == 0 && padding <= 2
            && bytes.dropLast(padding).allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
