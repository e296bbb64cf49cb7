import JSONTree

/// Splits a text into what stands and what is put in.
struct TemplateParser {
    private let bytes: [UInt8]
    private var offset = 0
    private var segments: [Template.Segment] = []
    private var placeholders = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// - Throws: one problem with an empty pointer, which the caller places.
    mutating func parse() throws(JSONValidationError) -> [Template.Segment] {
        guard bytes.count <= Template.maximumBytes else { throw problem("a template has at most 64 KiB") }
        var textStart = 0
        while offset < bytes.count {
            guard let tag = Self.tag(in: bytes, at: offset) else {
                offset += 1
                continue
            }
            guard let end = tag.end else { throw problem("a placeholder is not closed, at byte \(offset)") }
            keep(textStart..<offset)
            try put(tag, at: offset)
            offset = end
            textStart = end
        }
        keep(textStart..<bytes.count)
        return segments
    }

    private mutating func keep(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        segments.append(.text(Array(bytes[range])))
    }

    private mutating func put(_ tag: Tag, at start: Int) throws(JSONValidationError) {
        var content = String(decoding: bytes[tag.content], as: UTF8.self)
        var isEscaped = !tag.isTriple
        switch content.utf8.first {
        case UInt8(ascii: "!"):
            return
        case UInt8(ascii: "&") where isEscaped:
            isEscaped = false
            content.removeFirst()
        case UInt8(ascii: "#"), UInt8(ascii: "/"), UInt8(ascii: "^"), UInt8(ascii: ">"), UInt8(ascii: "="):
            throw problem("sections, partials and delimiters are not supported, at byte \(start)")
        default:
            break
        }
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" }
        let name = String(content.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
        guard !name.isEmpty else { throw problem("a placeholder is empty, at byte \(start)") }
        placeholders += 1
        guard placeholders <= Template.maximumPlaceholders else {
            throw problem("a template has at most \(Template.maximumPlaceholders) placeholders")
        }
        do throws(JSONValidationError) {
            segments.append(.value(try TemplatePath(name), isEscaped: isEscaped))
        } catch {
            throw problem("in {{\(name)}}: \(error.problems[0].detail)")
        }
    }

    private func problem(_ detail: String) -> JSONValidationError {
        JSONValidationError(pointer: "", detail: detail)
    }
}

extension TemplateParser {
    /// What stands between two or three braces.
    struct Tag {
        let content: Range<Int>
        let isTriple: Bool
        /// Behind the closing braces; nil when there are none.
        let end: Int?
    }

    /// The placeholder that begins at a byte; nil when none does. Braces in a quoted key don't close it.
    static func tag(in bytes: [UInt8], at start: Int) -> Tag? {
        let opening = bytes[start...].prefix(3).prefix { $0 == UInt8(ascii: "{") }.count
        guard opening >= 2 else { return nil }
        var position = start + opening
        var isQuoted = false
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: "\\") where isQuoted: position += 1
            case UInt8(ascii: "}") where !isQuoted:
                let closing = bytes[position...].prefix(opening).prefix { $0 == UInt8(ascii: "}") }.count
                guard closing == opening else { break }
                return Tag(content: start + opening..<position, isTriple: opening == 3, end: position + opening)
            default: break
            }
            position += 1
        }
        return Tag(content: start..<start, isTriple: opening == 3, end: nil)
    }
}
