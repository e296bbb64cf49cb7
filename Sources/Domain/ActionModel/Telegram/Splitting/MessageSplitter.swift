/// Splits a text that is too long for one message into several, at the end of a paragraph, a line or a word, and
/// through a word only where there is nothing else. Markup that a cut goes through is ended before it and begun again
/// behind it, so that each part can be read by itself.
struct MessageSplitter {
    /// What is said of a text that has no end within the parts.
    private static let ellipsis = "…"

    private let pieces: [MarkupPiece]
    private var index = 0
    /// What is open at the index.
    private var spans: [MarkupSpan] = []

    /// A place where a part may end.
    private struct Cut {
        let index: Int
        let spans: [MarkupSpan]
        let width: Int
    }

    /// Splits a text.
    ///
    /// - Parameters:
    ///   - limits: how many UTF-16 units the parts may have, in their order, markup included. What does not fit into
    ///     all of them is left out, and the last ends in "…".
    /// - Returns: at least one part, unless the text shows nothing.
    static func split(_ text: String, _ parseMode: TelegramAction.ParseMode?, limits: [Int]) -> [String] {
        // What lies behind can't get into any part; a tag that is cut off here neither.
        let reach = limits.reduce(0, +) + 8_192
        let near = text.utf16.count > reach ? String(text.utf16.prefix(reach)) ?? String(text.prefix(reach)) : text
        let pieces =
            switch parseMode {
            case .html: HTMLPieces.pieces(of: near)
            case .markdownV2: MarkdownPieces.pieces(of: near)
            case nil: near.map { MarkupPiece($0) }
            }
        var splitter = MessageSplitter(pieces: pieces)
        var parts: [String] = []
        for (number, limit) in limits.enumerated() {
            guard let part = splitter.next(limit, isLast: number == limits.count - 1) else { break }
            parts.append(part)
        }
        return parts
    }

    private init(pieces: [MarkupPiece]) {
        self.pieces = pieces
    }

    /// The next part; nil when nothing is left that shows.
    private mutating func next(_ limit: Int, isLast: Bool) -> String? {
        let ending = isLast ? Self.ellipsis : ""
        while true {
            skipBlanks()
            guard shows(to: pieces.count) else { return nil }
            let openings = spans.filter(\.isQuotation) + spans.filter { !$0.isQuotation }
            let prefix = openings.map(\.opening).joined()
            if let whole = reach(limit, from: prefix.utf16.count).whole {
                defer { (index, spans) = (whole.index, whole.spans) }
                return prefix + text(to: whole.index)
            }
            let cuts = reach(limit - ending.utf16.count, from: prefix.utf16.count).cuts
            if let cut = best(cuts, limit: limit) {
                defer { (index, spans) = (cut.index, cut.spans) }
                return prefix + text(to: cut.index) + ending + cut.spans.reversed().map(\.closing).joined()
            }
            // The next piece has no room in any message: a tag as long as one. What it marks goes without it.
            Self.pass(pieces[index], &spans)
            if case .open = pieces[index].kind { _ = spans.popLast() }
            index += 1
        }
    }

    private mutating func skipBlanks() {
        while index < pieces.count, pieces[index].isBlank {
            if pieces[index].kind == .text, spans.contains(where: \.isPreformatted) { break }
            Self.pass(pieces[index], &spans)
            index += 1
        }
    }

    /// The text up to a place, without the blanks at its end.
    private func text(to end: Int) -> String {
        var end = end
        while end > index, pieces[end - 1].isBlank { end -= 1 }
        return pieces[index..<end].map(\.text).joined()
    }

    /// The last places where a part could end, by how good that is; and the end, when all that is left fits.
    private func reach(_ limit: Int, from start: Int) -> (whole: Cut?, cuts: [MarkupPiece.Break: Cut]) {
        var cuts: [MarkupPiece.Break: Cut] = [:]
        var width = start
        var open = spans
        var quality = MarkupPiece.Break.never
        for position in index..<pieces.count {
            let piece = pieces[position]
            width += piece.width
            Self.pass(piece, &open)
            guard width + open.reduce(0, { $0 + $1.closingWidth }) <= limit else { return (nil, cuts) }
            quality = self.quality(of: position, before: quality)
            let isBeforeEnd = position + 1 < pieces.count && pieces[position + 1].kind == .close
            let place = max(quality, ahead(of: position))
            if quality > .never, !isBeforeEnd {
                cuts[place] = Cut(index: position + 1, spans: open, width: width)
            }
        }
        return (Cut(index: pieces.count, spans: open, width: width), cuts)
    }

    /// How good a place it is to end before a blank, which goes with the cut.
    private func ahead(of position: Int) -> MarkupPiece.Break {
        guard position + 1 < pieces.count, pieces[position + 1].isBlank else { return .never }
        guard pieces[position + 1].kind == .lineEnd else { return .word }
        return position + 2 < pieces.count && pieces[position + 2].kind == .lineEnd ? .paragraph : .line
    }

    private func quality(of position: Int, before: MarkupPiece.Break) -> MarkupPiece.Break {
        switch pieces[position].kind {
        case .open: return .never
        // The end of a span is as good a place as the end of what it holds.
        case .close: return max(before, .character)
        case .lineEnd: return before >= .line ? .paragraph : .line
        case .text: return pieces[position].isBlank ? .word : .character
        }
    }

    /// The last end of a paragraph or of a line that leaves the part at least half full, else the last end of a word,
    /// else of a line, else any.
    private func best(_ cuts: [MarkupPiece.Break: Cut], limit: Int) -> Cut? {
        for quality in [MarkupPiece.Break.paragraph, .line] {
            if let cut = cuts[quality], cut.width >= limit / 2, shows(to: cut.index) { return cut }
        }
        for quality in [MarkupPiece.Break.word, .line, .paragraph, .character] {
            if let cut = cuts[quality], shows(to: cut.index) { return cut }
        }
        return nil
    }

    private func shows(to end: Int) -> Bool {
        pieces[index..<end].contains { $0.kind == .text && !$0.isBlank }
    }

    private static func pass(_ piece: MarkupPiece, _ spans: inout [MarkupSpan]) {
        switch piece.kind {
        case .text: break
        case .lineEnd: spans.removeAll(where: \.isQuotation)
        case .open(let span): spans.append(span)
        case .close: _ = spans.popLast()
        }
    }
}
