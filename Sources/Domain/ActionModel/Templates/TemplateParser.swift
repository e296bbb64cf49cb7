import JSONTree

/// Splits a text into what stands, what is put in, and what is repeated.
struct TemplateParser {
    /// A section that has been opened.
    private struct Opening {
        let name: String
        let path: TemplatePath
        let isInverted: Bool
        let offset: Int
        /// What stood before it.
        let before: [Template.Segment]
    }

    private let bytes: [UInt8]
    private var segments: [Template.Segment] = []
    private var openings: [Opening] = []
    private var tags = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// - Throws: one problem with an empty pointer, which the caller places.
    mutating func parse() throws(JSONValidationError) -> [Template.Segment] {
        guard bytes.count <= Template.maximumBytes else {
            throw JSONValidationError(pointer: "", detail: "a template has at most 64 KiB")
        }
        var offset = 0
        var textStart = 0
        while offset < bytes.count {
            guard let tag = Self.tag(in: bytes, at: offset) else {
                offset += 1
                continue
            }
            guard let end = tag.end else { throw problem("a placeholder is not closed", at: offset) }
            let line = tag.standsAlone(in: bytes, at: offset, behind: textStart)
            keep(textStart..<(line?.lowerBound ?? offset))
            try put(tag, at: offset)
            offset = line?.upperBound ?? end
            textStart = offset
        }
        keep(textStart..<bytes.count)
        if let opening = openings.last {
            throw problem("the section {{#\(opening.name)}} is not closed", at: opening.offset)
        }
        return segments
    }

    private mutating func keep(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        segments.append(.text(Array(bytes[range])))
    }

    private mutating func put(_ tag: Tag, at start: Int) throws(JSONValidationError) {
        var content = String(decoding: bytes[tag.content], as: UTF8.self)
        guard tag.kind != .comment else { return }
        if tag.kind == .unsupported { throw problem("partials and delimiters are not supported", at: start) }
        if tag.hasSigil { content.removeFirst() }
        let (name, filter) = Self.split(content)
        guard !name.isEmpty else { throw problem("a placeholder is empty", at: start) }
        tags += 1
        guard tags <= Template.maximumTags else {
            throw problem("a template has at most \(Template.maximumTags) placeholders", at: start)
        }
        if tag.kind == .closing { return try close(name, at: start) }
        guard name != "." || !openings.isEmpty else {
            throw problem("{{.}} is what a section stands at, and there is none around it", at: start)
        }
        let path: TemplatePath
        do throws(JSONValidationError) {
            path = try TemplatePath(name)
        } catch {
            throw problem("in {{\(name)}}: \(error.problems[0].detail)", at: start)
        }
        guard tag.kind == .value else {
            guard filter == nil else { throw problem("a section has no default", at: start) }
            return try open(
                Opening(name: name, path: path, isInverted: tag.kind == .inverted, offset: start, before: segments))
        }
        var fallback: JSONValue?
        if let filter {
            guard let value = Self.fallback(filter) else {
                throw problem(
                    "behind the | of {{\(name) | …}} can stand a default alone, like | default: \"x\" or | default: 0",
                    at: start)
            }
            fallback = value
        }
        segments.append(
            .value(Template.Placeholder(path: path, isEscaped: !tag.isUnescaped, fallback: fallback)))
    }

    private mutating func open(_ opening: Opening) throws(JSONValidationError) {
        guard openings.count < Template.maximumDepth else {
            throw problem("sections are more than \(Template.maximumDepth) deep", at: opening.offset)
        }
        openings.append(opening)
        segments = []
    }

    private mutating func close(_ name: String, at start: Int) throws(JSONValidationError) {
        guard let opening = openings.popLast() else {
            throw problem("{{/\(name)}} closes a section that was not opened", at: start)
        }
        guard opening.name == name else {
            throw problem("{{/\(name)}} stands where {{/\(opening.name)}} is due", at: start)
        }
        let section = Template.Section(path: opening.path, isInverted: opening.isInverted, body: segments)
        segments = opening.before + [.section(section)]
    }

    /// A problem with its place: the line, where there are several, and the column, both counted from 1.
    private func problem(_ detail: String, at offset: Int) -> JSONValidationError {
        let before = bytes[..<offset]
        let newline = UInt8(ascii: "\n")
        let lineStart = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
        let column = String(decoding: bytes[lineStart..<offset], as: UTF8.self).unicodeScalars.count + 1
        let line = bytes.contains(newline) ? "line \(before.count(where: { $0 == newline }) + 1), " : ""
        return JSONValidationError(pointer: "", detail: "\(detail), at \(line)column \(column)")
    }
}

// MARK: - What stands in a tag

extension TemplateParser {
    /// The path, and what stands behind `|`.
    private static func split(_ content: String) -> (name: String, filter: String?) {
        var isQuoted = false
        var isEscaped = false
        let bar = content.utf8.firstIndex { byte in
            defer { isEscaped = isQuoted && !isEscaped && byte == UInt8(ascii: "\\") }
            if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
            return byte == UInt8(ascii: "|") && !isQuoted
        }
        guard let bar else { return (trimmed(content[...]), nil) }
        return (trimmed(content[..<bar]), trimmed(content[bar...].dropFirst()))
    }

    /// The value of `default: …`: JSON's string, number, boolean or null, or a string in single quotes, which stands
    /// better in JSON.
    private static func fallback(_ filter: String) -> JSONValue? {
        guard filter.hasPrefix("default") else { return nil }
        let rest = trimmed(filter.dropFirst("default".count))
        guard rest.hasPrefix(":") else { return nil }
        let literal = trimmed(rest.dropFirst())
        var json = Array(literal.utf8)
        if literal.utf8.count >= 2, literal.hasPrefix("'"), literal.hasSuffix("'") {
            let text = literal.dropFirst().dropLast()
            guard !text.contains("'") else { return nil }
            var writer = JSONWriter()
            writer.string(String(text))
            json = writer.bytes
        }
        guard let value = try? JSONDocument(json).root, value.kind != .array, value.kind != .object else { return nil }
        return value
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r\n" }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
