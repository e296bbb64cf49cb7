import JSONTree

/// What a `rest` action sends.
enum RestBody: Sendable {
    /// JSON, with the value's type kept where a string is one placeholder.
    case json(JSONTemplate)
    /// Any other text, escaped for its media type.
    case text(Template, Escaping)

    /// Reads a body: an object or array is a JSON template, and so is a string, unless a `content-type` says otherwise.
    init(_ value: JSONValue, contentType: String?, pointer: String) throws(JSONValidationError) {
        switch value.kind {
        case .object, .array:
            self = .json(try JSONTemplate.read(value, pointer: pointer))
        case .string:
            self = try Self.string(value.string ?? "", contentType: contentType, pointer: pointer)
        case .null, .boolean, .integer, .number:
            throw JSONValidationError(pointer: pointer, detail: "must be an object, an array or a string")
        }
    }

    private static func string(
        _ text: String, contentType: String?, pointer: String
    ) throws(JSONValidationError) -> RestBody {
        let media = contentType?.lowercased().prefix { $0 != ";" && $0 != " " }
        let first = text.utf8.first { !" \t\r\n".utf8.contains($0) }
        let looksLikeJSON = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        guard media.map({ $0.hasSuffix("/json") || $0.hasSuffix("+json") }) ?? looksLikeJSON else {
            return .text(try Template(text, pointer: pointer), escaping(for: media))
        }
        guard text.utf8.count <= Template.maximumBytes else {
            throw JSONValidationError(pointer: pointer, detail: "a template has at most 64 KiB")
        }
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(JSONTemplate.quotingPlaceholders(in: text))
        } catch {
            throw JSONValidationError(
                pointer: pointer, detail: "is not JSON (\(error)); for another format set a content-type header")
        }
        var problems: [JSONProblem] = []
        let template = JSONTemplate(document.root, pointer: "", problems: &problems)
        guard problems.isEmpty else {
            throw JSONValidationError(problems.map { JSONProblem(pointer: pointer, detail: $0.detail) })
        }
        return .json(template)
    }

    private static func escaping(for media: Substring?) -> Escaping {
        switch media {
        case "application/x-www-form-urlencoded": .url
        case "text/html", "text/xml", "application/xml", "application/xhtml+xml": .html
        default: .none
        }
    }

    /// The media type when no header says one.
    var contentType: String {
        switch self {
        case .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        }
    }

    func render(_ firing: Firing) throws(RenderingError) -> [UInt8] {
        let limit = RestAction.maximumBodyBytes
        switch self {
        case .json(let template): return try template.render(firing, limit: limit)
        case .text(let template, let escaping):
            return Array(try template.render(firing, escaping: escaping, limit: limit, of: .body).utf8)
        }
    }
}
