/// The smallest part of a text with markup that a cut must not go through.
struct MarkupPiece: Equatable {
    enum Kind: Equatable {
        /// A character, or what stands for one.
        case text
        /// The end of a line, and with it of a quotation that each line begins anew.
        case lineEnd
        /// What begins with this piece.
        case open(MarkupSpan)
        /// The end of the innermost span.
        case close
    }

    /// How good a place it is to end a message.
    enum Break: Int, Comparable {
        case never
        case character
        case word
        case line
        case paragraph

        static func < (left: Break, right: Break) -> Bool { left.rawValue < right.rawValue }
    }

    /// As it is sent.
    let text: String
    let kind: Kind
    /// In UTF-16 units, as Telegram counts.
    let width: Int

    init(_ text: String, _ kind: Kind = .text) {
        self.text = text
        self.kind = kind
        width = text.utf16.count
    }

    init(_ character: Character) {
        self.init(String(character), character.isNewline ? .lineEnd : .text)
    }

    /// Whether it shows nothing.
    var isBlank: Bool { kind == .lineEnd || (kind == .text && text.allSatisfy(\.isWhitespace)) }
}

/// Markup around a text: what begins it again behind a cut, and what ends it before.
struct MarkupSpan: Equatable {
    let opening: String
    let closing: String
    /// Whether it begins at the start of a line and ends with it.
    var isQuotation = false
    /// Whether blanks in it are shown as they are.
    var isPreformatted = false

    /// What a message needs of its room for the span's ends.
    var closingWidth: Int { closing.utf16.count }
}
