/// Cuts Telegram's MarkdownV2 into pieces: markers, escapes and links stay whole.
///
/// What is not well formed is taken for text, and Telegram says what it thinks of it.
struct MarkdownPieces {
    private struct Open {
        let marker: String
        /// Where a link's text ends, and the link.
        var link: (textEnd: Int, end: Int)?
    }

    /// The longer before those that begin the same.
    private static let markers = ["__", "||", "*", "_", "~"]

    private let characters: [Character]
    private var index = 0
    private var open: [Open] = []
    private var pieces: [MarkupPiece] = []

    static func pieces(of text: String) -> [MarkupPiece] {
        var lexer = MarkdownPieces(text)
        lexer.run()
        return lexer.pieces
    }

    private init(_ text: String) {
        characters = Array(text)
    }

    private mutating func run() {
        while index < characters.count {
            if takeEscape() || takeCode() { continue }
            let isCode = open.last.map { $0.marker.hasPrefix("`") } ?? false
            if !isCode, takeQuotation() || takeLink() || takeMarker() { continue }
            pieces.append(MarkupPiece(characters[index]))
            index += 1
        }
    }

    private func has(_ text: String, at position: Int) -> Bool {
        characters[min(position, characters.count)...].starts(with: text)
    }

    private mutating func take(_ count: Int, _ kind: MarkupPiece.Kind) {
        pieces.append(MarkupPiece(String(characters[index..<index + count]), kind))
        index += count
    }

    private mutating func takeEscape() -> Bool {
        guard characters[index] == "\\", index + 1 < characters.count else { return false }
        take(2, .text)
        return true
    }

    private mutating func takeCode() -> Bool {
        let marker = has("```", at: index) ? "```" : "`"
        guard has(marker, at: index) else { return false }
        if let last = open.last, last.marker.hasPrefix("`") {
            guard last.marker == marker else { return false }
            open.removeLast()
            take(marker.count, .close)
            return true
        }
        guard marker == "```" else {
            open.append(Open(marker: marker))
            take(1, .open(MarkupSpan(opening: marker, closing: marker)))
            return true
        }
        // The rest of the line names the language, unless the block ends on it.
        let line = characters[(index + 3)...].prefix { !$0.isNewline }
        let isBlock = line.endIndex < characters.count && !String(line).contains("```")
        let count = isBlock ? 3 + line.count + 1 : 3
        let opening = String(characters[index..<index + count])
        open.append(Open(marker: marker))
        take(count, .open(MarkupSpan(opening: opening, closing: "\n```", isPreformatted: true)))
        return true
    }

    private mutating func takeQuotation() -> Bool {
        guard characters[index] == ">", index == 0 || characters[index - 1].isNewline else { return false }
        take(1, .open(MarkupSpan(opening: ">", closing: "", isQuotation: true)))
        return true
    }

    private mutating func takeLink() -> Bool {
        if let link = open.last?.link, link.textEnd == index {
            open.removeLast()
            take(link.end - index, .close)
            return true
        }
        let isEmoji = has("![", at: index)
        let start = isEmoji ? index + 1 : index
        guard has("[", at: start), let textEnd = unescaped("]", from: start + 1), has("(", at: textEnd + 1),
            let last = unescaped(")", from: textEnd + 2)
        else { return false }
        if isEmoji {
            take(last + 1 - index, .text)
            return true
        }
        let closing = String(characters[textEnd...last])
        open.append(Open(marker: "[", link: (textEnd, last + 1)))
        take(1, .open(MarkupSpan(opening: "[", closing: closing)))
        return true
    }

    private func unescaped(_ character: Character, from start: Int) -> Int? {
        var position = start
        while position < characters.count, characters[position] != character {
            position += characters[position] == "\\" ? 2 : 1
        }
        return position < characters.count ? position : nil
    }

    private mutating func takeMarker() -> Bool {
        guard let marker = Self.markers.first(where: { has($0, at: index) }) else { return false }
        if open.last?.marker == marker {
            open.removeLast()
            take(marker.count, .close)
        } else if open.contains(where: { $0.marker == marker }) || endsExpandableQuotation(marker) {
            take(marker.count, .text)
        } else {
            open.append(Open(marker: marker))
            take(marker.count, .open(MarkupSpan(opening: marker, closing: marker)))
        }
        return true
    }

    /// `||` at the end of a line that no `||` has opened is the mark of a quotation that can be folded.
    private func endsExpandableQuotation(_ marker: String) -> Bool {
        guard marker == "||" else { return false }
        return index + 2 >= characters.count || characters[index + 2].isNewline
    }
}
