import JSONTree

/// Collects the attributes of a CloudEvent, and everything that is wrong with them.
struct CloudEventReader {
    /// Attributes that an envelope has a place for.
    private static let placed: Set<String> = ["specversion", "id", "source", "type", "subject", "time", "traceparent"]
    /// The others that can only be texts.
    private static let texts: Set<String> = ["datacontenttype", "dataschema"]

    private let pointer: String
    private var own: [String: String] = [:]
    /// The others: name and JSON value.
    private var others: [(name: String, json: [UInt8])] = []
    private var problems: [JSONProblem] = []
    private var dataType = ContentType("")

    init(pointer: String) {
        self.pointer = pointer
    }

    // MARK: Attributes

    mutating func add(_ name: String, _ value: JSONValue) {
        if let text = value.string { return add(name, text) }
        guard [.integer, .number, .boolean].contains(value.kind), !Self.placed.contains(name),
            !Self.texts.contains(name)
        else { return note(name, "must be a string, not \(value.kind.noun)") }
        if isFit(name) { others.append((name, Array(value.source))) }
    }

    mutating func add(_ name: String, _ value: String) {
        guard isFit(name) else { return }
        guard own[name] == nil, !others.contains(where: { $0.name == name }) else {
            return note(name, "is given twice")
        }
        if name == "datacontenttype" { dataType = ContentType(value) }
        if Self.placed.contains(name) {
            own[name] = value
        } else if let detail = EnvelopeReader.problem(with: value, from: 0, upTo: 65_536) {
            note(name, detail)
        } else {
            var writer = JSONWriter()
            writer.string(value)
            others.append((name, writer.bytes))
        }
    }

    /// Names are lower-case letters and digits (spec.md, "Naming conventions"), and none is `data`.
    private mutating func isFit(_ name: String) -> Bool {
        let isFit =
            (1...64).contains(name.utf8.count) && name != "data"
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
        if !isFit {
            note(name, "is no name of an attribute: 1 to 64 lower-case letters and digits, and not data")
        }
        return isFit
    }

    // MARK: Data

    /// The data of the JSON event format: the member `data`, or the bytes in `data_base64`.
    mutating func data(_ value: JSONValue?, _ base64: JSONValue?) -> CloudEventData {
        switch (value, base64) {
        case (nil, nil): return .none
        case (_?, _?):
            problems.append(JSONProblem(pointer: pointer, detail: "has both data and data_base64"))
            return .none
        case (let value?, nil):
            // Data of another type than JSON stands in a string (JSON event format §3.1).
            guard !dataType.name.isEmpty, !dataType.isJSON, let text = value.string else { return .json(value) }
            return text.isEmpty ? .none : .text(text)
        case (nil, let base64?):
            guard let bytes = base64.string.flatMap({ Base64.decode($0) }) else {
                note("data_base64", "must be a string of base64 with padding")
                return .none
            }
            do throws(JSONError) {
                return try CloudEventData(bytes, type: dataType)
            } catch {
                note("data_base64", "is declared as JSON, and is none: \(error.description) of what it encodes")
                return .none
            }
        }
    }

    // MARK: Result

    mutating func envelope(_ data: CloudEventData) throws(JSONValidationError) -> EventEnvelope {
        if let version = own["specversion"], version != "1.0" {
            note("specversion", "must be 1.0")
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
        guard problems.isEmpty, let type = own["type"], let source = own["source"] else {
            throw JSONValidationError(problems)
        }
        return EventEnvelope(
            type: type, source: source, subject: own["subject"], time: time, producerID: own["id"],
            traceparent: own["traceparent"], data: data.object, metadata: metadata(data.form))
    }

    private func metadata(_ form: String?) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { root in
            root.key("cloudevents")
            root.object { attributes in
                for (name, json) in others { attributes.memberRaw(name, json) }
            }
            if let form { root.member("data_form", form) }
        }
        return writer.bytes
    }

    private mutating func note(_ name: String, _ detail: String) {
        problems.append(JSONProblem(pointer: JSONPointer.member(name, of: pointer), detail: detail))
    }
}
