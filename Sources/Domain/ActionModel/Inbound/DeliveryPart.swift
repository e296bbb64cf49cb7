import EventModel
public import JSONTree

/// A text somewhere in a delivery: in a header, or at a path of its payload.
public enum DeliveryPart: Sendable, Equatable {
    /// The value of a header, whose name is in lower case.
    case header(String)
    /// The string or integer at a path.
    case path(JSONPath)

    /// Reads `{"header": …}` or `{"path": …}`.
    init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let part = Self.read(&reader)
        try reader.finish()
        guard let part else { throw JSONValidationError(pointer: pointer, detail: "has neither header nor path") }
        self = part
    }

    /// Reads the member `header` or `path` of an object that may have others.
    static func read(_ reader: inout ObjectReader) -> DeliveryPart? {
        let place = reader.pointer(to: "header")
        let header = reader.member("header").flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> String in
                try HeaderName.read(value, pointer: place)
            }
        }
        let path = reader.path("path")
        guard reader.isObject, reader.has("header") != reader.has("path") else {
            if reader.isObject { reader.refuse("must have either header or path") }
            return nil
        }
        return header.map(DeliveryPart.header) ?? path.map(DeliveryPart.path)
    }

    func writeMember(to object: inout JSONWriter) {
        switch self {
        case .header(let name): object.member("header", name)
        case .path(let path): object.member("path", path.description)
        }
    }

    /// The text in a delivery; nil when it is absent, neither string nor integer, or no member of an event can hold it.
    func text(in payload: JSONValue, _ headers: (String) -> [String], upTo maximum: Int) -> String? {
        let text: String? =
            switch self {
            case .header(let name): headers(name).count == 1 ? headers(name)[0] : nil
            case .path(let path): payload.value(at: path).flatMap(Self.text)
            }
        return text.flatMap { EventEnvelope.isFit($0, upTo: maximum) ? $0 : nil }
    }

    private static func text(_ value: JSONValue) -> String? {
        value.kind == .integer ? value.description : value.string
    }
}

/// Where the type of an event comes from.
public enum EventTypeRule: Sendable, Equatable {
    /// Every delivery is of one type.
    case fixed(String)
    /// The delivery says; a prefix keeps the words of different senders apart. What names no type gets the fallback.
    case taken(from: DeliveryPart, prefix: String, fallback: String?)

    /// Reads a string, or `{"path" | "header", "prefix"?, "default"?}`.
    init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        if let type = value.string {
            guard EventEnvelope.isFit(type, upTo: EventEnvelope.typeLength) else {
                throw JSONValidationError(pointer: pointer, detail: Self.rule)
            }
            self = .fixed(type)
            return
        }
        guard value.kind == .object else {
            throw JSONValidationError(pointer: pointer, detail: "must be a type, or an object with a path or a header")
        }
        var reader = ObjectReader(value, pointer: pointer)
        let part = DeliveryPart.read(&reader)
        let prefix = Self.readText("prefix", from: &reader, upTo: 100)
        let fallback = Self.readText("default", from: &reader, upTo: EventEnvelope.typeLength)
        try reader.finish()
        guard let part else { throw JSONValidationError(pointer: pointer, detail: "has neither header nor path") }
        self = .taken(from: part, prefix: prefix ?? "", fallback: fallback)
    }

    private static let rule = "must have 1 to \(EventEnvelope.typeLength) characters and no control characters"

    private static func readText(_ name: String, from reader: inout ObjectReader, upTo maximum: Int) -> String? {
        guard let text = reader.string(name) else { return nil }
        if EventEnvelope.isFit(text, upTo: maximum) { return text }
        reader.refuse(name, "must have 1 to \(maximum) characters and no control characters")
        return nil
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .fixed(let type):
            writer.string(type)
        case .taken(let part, let prefix, let fallback):
            writer.object {
                part.writeMember(to: &$0)
                if !prefix.isEmpty { $0.member("prefix", prefix) }
                if let fallback { $0.member("default", fallback) }
            }
        }
    }

    /// The type of a delivery; nil when it names none and there is no fallback.
    func type(of payload: JSONValue, _ headers: (String) -> [String]) -> String? {
        switch self {
        case .fixed(let type):
            return type
        case .taken(let part, let prefix, let fallback):
            let word = part.text(in: payload, headers, upTo: EventEnvelope.typeLength)
            guard let type = word.map({ prefix + $0 }), EventEnvelope.isFit(type, upTo: EventEnvelope.typeLength)
            else { return fallback }
            return type
        }
    }
}
