/// Cuts Telegram's HTML into pieces: tags and entities stay whole.
///
/// What is not well formed is taken for text, and Telegram says what it thinks of it.
struct HTMLPieces {
    private let characters: [Character]
    private var index = 0
    private var names: [String] = []
    private var pieces: [MarkupPiece] = []

    static func pieces(of text: String) -> [MarkupPiece] {
        var lexer = HTMLPieces(text)
        lexer.run()
        return lexer.pieces
    }

    private init(_ text: String) {
        characters = Array(text)
    }

    private mutating func run() {
        while index < characters.count {
            if takeTag() || takeEntity() { continue }
            pieces.append(MarkupPiece(characters[index]))
            index += 1
        }
    }

    private mutating func takeTag() -> Bool {
        guard characters[index] == "<", let end = tagEnd() else { return false }
        let text = String(characters[index...end])
        let isClosing = text.hasPrefix("</")
        let name = String(text.dropFirst(isClosing ? 2 : 1).prefix { $0.isLetter || $0.isNumber || $0 == "-" })
            .lowercased()
        guard !name.isEmpty else { return false }
        if !isClosing {
            names.append(name)
            let span = MarkupSpan(opening: text, closing: "</\(name)>", isPreformatted: name == "pre")
            pieces.append(MarkupPiece(text, .open(span)))
        } else if names.last == name {
            names.removeLast()
            pieces.append(MarkupPiece(text, .close))
        } else {
            pieces.append(MarkupPiece(text))
        }
        index = end + 1
        return true
    }

    /// Where the tag ends that begins here; a `>` in a quoted attribute does not end it.
    private func tagEnd() -> Int? {
        var quote: Character?
        for position in index + 1..<characters.count {
            let character = characters[position]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "<" {
                return nil
            } else if character == ">" {
                return position
            }
        }
        return nil
    }

    private mutating func takeEntity() -> Bool {
        let rest = characters[(index + 1)...].prefix(10)
        guard characters[index] == "&", let end = rest.firstIndex(of: ";"), end > index + 1,
            rest[..<end].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "#") })
        else { return false }
        pieces.append(MarkupPiece(String(characters[index...end])))
        index = end + 1
        return true
    }
}
