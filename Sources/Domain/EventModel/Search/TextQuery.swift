import JSONTree

/// A full-text query: words that must all occur in an event, and phrases, whose words must follow each other.
///
/// `refund "first order" c-4711` asks for the word `refund`, for `first` directly before `order`, and for `c` directly
/// before `4711`: a part without blanks that holds several words is a phrase too. Words are whole words (``Words``).
/// They are looked for in the type, the source, the subject, and every string in the data; keys and numbers are no
/// text. A phrase lies within one of those.
public struct TextQuery: Sendable {
    /// Most words of a query.
    public static let maximumWords = 32

    /// At least one, each of at least one word.
    let phrases: [[[UInt8]]]

    /// Parses a query.
    ///
    /// - Throws: one problem with an empty pointer.
    public init(_ text: String) throws(JSONValidationError) {
        var phrases: [[[UInt8]]] = []
        for (index, piece) in text.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            // Between quotation marks lies every other piece.
            let parts = index.isMultiple(of: 2) ? piece.split(whereSeparator: \.isWhitespace) : [piece]
            phrases += parts.map { Words.list(String($0)) }.filter { !$0.isEmpty }
        }
        guard text.utf8.count(where: { $0 == UInt8(ascii: "\"") }).isMultiple(of: 2) else {
            throw JSONValidationError(pointer: "", detail: "a quotation mark is not closed")
        }
        guard !phrases.isEmpty else {
            throw JSONValidationError(pointer: "", detail: "holds no word; a word is made of letters and digits")
        }
        guard phrases.reduce(0, { $0 + $1.count }) <= Self.maximumWords else {
            throw JSONValidationError(pointer: "", detail: "has more than \(Self.maximumWords) words")
        }
        self.phrases = phrases
    }

    /// Whether an event holds every word and phrase.
    public func matches(_ event: ParsedEvent) -> Bool {
        var missing = phrases
        for text in [event.event.type, event.event.source, event.event.subject ?? ""] {
            var text = text
            text.withUTF8 { Self.strike(from: &missing, $0) }
        }
        Self.search(event.data, &missing)
        return missing.isEmpty
    }

    private static func search(_ value: JSONValue, _ missing: inout [[[UInt8]]]) {
        guard !missing.isEmpty else { return }
        switch value.kind {
        case .string: _ = value.withUTF8 { strike(from: &missing, $0) }
        case .array: for element in value.elements { search(element, &missing) }
        case .object: for (_, member) in value.members { search(member, &missing) }
        case .null, .boolean, .integer, .number: break
        }
    }

    /// Takes away the phrases that a text holds.
    private static func strike(from missing: inout [[[UInt8]]], _ text: UnsafeBufferPointer<UInt8>) {
        guard !missing.isEmpty, !text.isEmpty else { return }
        // How many words of each phrase have just been read, for every place where it may have begun.
        var begun = [[Int]](repeating: [], count: missing.count)
        var found = [Bool](repeating: false, count: missing.count)
        Words.forEach(in: text) { word in
            for index in missing.indices where !found[index] {
                let phrase = missing[index]
                // Most words are none of those that are looked for, and cost no more than this.
                guard !begun[index].isEmpty || phrase[0].elementsEqual(word) else { continue }
                var next: [Int] = []
                for count in begun[index] + [0] where phrase[count].elementsEqual(word) {
                    if count + 1 == phrase.count { found[index] = true } else { next.append(count + 1) }
                }
                begun[index] = next
            }
            return true
        }
        guard found.contains(true) else { return }
        missing = zip(missing, found).filter { !$1 }.map(\.0)
    }
}
