extension TemplateParser {
    /// What stands between two or three braces.
    struct Tag {
        enum Kind {
            case value
            case section
            case inverted
            case closing
            case comment
            case unsupported
        }

        /// Without the braces, with the sign.
        let content: Range<Int>
        let kind: Kind
        /// Whether the value is put in as it is.
        let isUnescaped: Bool
        /// Whether the content begins with a sign.
        let hasSigil: Bool
        /// Behind the closing braces; nil when there are none.
        let end: Int?

        /// The line that a tag is on, with its end, when it is of a kind that leaves nothing and there is nothing else
        /// on the line: Mustache drops such a line.
        ///
        /// - Parameters:
        ///   - start: of the tag.
        ///   - textStart: behind the tag before it.
        func standsAlone(in bytes: [UInt8], at start: Int, behind textStart: Int) -> Range<Int>? {
            guard let end, kind != .value, kind != .unsupported else { return nil }
            let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            let lineStart = bytes[..<start].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            guard lineStart >= textStart, bytes[lineStart..<start].allSatisfy(isBlank) else { return nil }
            let rest = bytes[end...].drop(while: isBlank)
            if rest.isEmpty { return lineStart..<bytes.count }
            if rest.first == UInt8(ascii: "\n") { return lineStart..<rest.startIndex + 1 }
            if rest.starts(with: [UInt8(ascii: "\r"), UInt8(ascii: "\n")]) { return lineStart..<rest.startIndex + 2 }
            return nil
        }
    }

    /// The tag that begins at a byte; nil when none does. Braces in a quoted key or default don't close it.
    static func tag(in bytes: [UInt8], at start: Int) -> Tag? {
        let opening = bytes[start...].prefix(3).prefix { $0 == UInt8(ascii: "{") }.count
        guard opening >= 2 else { return nil }
        let (kind, hasSigil) = sigil(opening == 3 || start + 2 >= bytes.count ? nil : bytes[start + 2])
        var scanner = TagScanner(isComment: kind == .comment)
        var position = start + opening
        while position < bytes.count {
            if scanner.closes(at: bytes[position]) {
                let closing = bytes[position...].prefix(opening).prefix { $0 == UInt8(ascii: "}") }.count
                if closing == opening {
                    return Tag(
                        content: start + opening..<position, kind: kind,
                        isUnescaped: opening == 3 || bytes[start + 2] == UInt8(ascii: "&"), hasSigil: hasSigil,
                        end: position + opening)
                }
            }
            position += 1
        }
        return Tag(content: start..<start, kind: kind, isUnescaped: false, hasSigil: false, end: nil)
    }

    private static func sigil(_ byte: UInt8?) -> (kind: Tag.Kind, hasSigil: Bool) {
        switch byte {
        case UInt8(ascii: "!"): (.comment, true)
        case UInt8(ascii: "&"): (.value, true)
        case UInt8(ascii: "#"): (.section, true)
        case UInt8(ascii: "^"): (.inverted, true)
        case UInt8(ascii: "/"): (.closing, true)
        case UInt8(ascii: ">"), UInt8(ascii: "="), UInt8(ascii: "<"), UInt8(ascii: "$"), UInt8(ascii: "%"):
            (.unsupported, true)
        default: (.value, false)
        }
    }
}

/// Finds the brace that can end a tag: none in quotes. Single quotes count behind `|` alone, because a key may hold
/// one.
private struct TagScanner {
    let isComment: Bool
    private var quote: UInt8?
    private var isEscaped = false
    private var hasFilter = false

    init(isComment: Bool) {
        self.isComment = isComment
    }

    mutating func closes(at byte: UInt8) -> Bool {
        if isComment { return byte == UInt8(ascii: "}") }
        guard let open = quote else {
            if byte == UInt8(ascii: "\"") || (byte == UInt8(ascii: "'") && hasFilter) { quote = byte }
            if byte == UInt8(ascii: "|") { hasFilter = true }
            return byte == UInt8(ascii: "}")
        }
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\"), open == UInt8(ascii: "\"") {
            isEscaped = true
        } else if byte == open {
            quote = nil
        }
        return false
    }
}
