import JSONTree
import Runtime

/// The body of a delivery as the data of an event, which is an object.
///
/// | body | data |
/// | --- | --- |
/// | JSON object | the object, byte for byte |
/// | any other JSON | `{"payload": …}` |
/// | form whose only field is `payload`, with a JSON object in it | that object (GitHub, Slack) |
/// | any other form | its fields, as texts; a name that is there several times has an array |
/// | any other text | `{"payload": "…"}` |
///
/// A body that doesn't say what it is counts as JSON. Whatever is built here passes the same strict parse as what comes
/// as JSON.
enum HookPayload {
    /// The data.
    ///
    /// - Throws: `JSONError`, or ``Problem`` for a form or a text that can't be stored.
    static func data(_ body: [UInt8], contentType: String?) throws -> JSONDocument {
        switch mediaType(contentType) {
        case nil, "application/json": return try object(try JSONDocument(body))
        case let media? where media.hasSuffix("+json"): return try object(try JSONDocument(body))
        case "application/x-www-form-urlencoded": return try form(body)
        default: return try wrapped { $0.string(try text(body)) }
        }
    }

    static func isForm(_ contentType: String?) -> Bool {
        mediaType(contentType) == "application/x-www-form-urlencoded"
    }

    /// The media type without its parameters.
    private static func mediaType(_ contentType: String?) -> String? {
        contentType.map { String($0.prefix { $0 != ";" }).lowercased().replacing(" ", with: "") }
    }

    private static func object(_ document: JSONDocument) throws -> JSONDocument {
        document.root.kind == .object ? document : try wrapped { $0.value(document.root) }
    }

    private static func wrapped(_ write: (inout JSONWriter) throws -> Void) throws -> JSONDocument {
        var writer = JSONWriter()
        try writer.object {
            $0.key("payload")
            try write(&$0)
        }
        return try JSONDocument(writer.bytes)
    }

    private static func text(_ body: [UInt8]) throws -> String {
        guard let text = String(validating: body, as: UTF8.self) else {
            throw Problem(.unsupportedMediaType, "the body is neither JSON, nor a form, nor text in UTF-8")
        }
        return text
    }

    private static func form(_ body: [UInt8]) throws -> JSONDocument {
        var names: [String] = []
        var fields: [String: [String]] = [:]
        for pair in try text(body).split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = halves[0].percentDecoded(plusIsSpace: true),
                let value = (halves.count == 2 ? halves[1] : "").percentDecoded(plusIsSpace: true)
            else { throw Problem(.malformedRequest, "the form is not percent-encoded UTF-8") }
            if fields[name] == nil { names.append(name) }
            fields[name, default: []].append(value)
        }
        if names == ["payload"], fields["payload"]?.count == 1, let payload = try embedded(fields["payload"]?.first) {
            return payload
        }
        var writer = JSONWriter()
        writer.object { object in
            for name in names { write(name, fields[name] ?? [], to: &object) }
        }
        return try JSONDocument(writer.bytes)
    }

    /// The object in a form's field; nil when its text doesn't begin like one.
    private static func embedded(_ text: String?) throws -> JSONDocument? {
        guard let text, text.first == "{" else { return nil }
        return try JSONDocument(text)
    }

    private static func write(_ name: String, _ values: [String], to object: inout JSONWriter) {
        guard values.count != 1 else { return object.member(name, values[0]) }
        object.key(name)
        object.array { list in values.forEach { list.string($0) } }
    }
}
