import JSONTree

/// How good or bad the texts of an event sound: from −1 to 1, by a lexicon of English words.
///
/// The rules are a part of VADER's (Hutto and Gilbert, ICWSM 2014): valences of words are added up; each of the three
/// words before makes a word stronger or weaker, or turns it when it negates; the sum s becomes s / √(s² + 15). Of the
/// same event it is the same everywhere.
public struct SentimentScorer: Sendable {
    /// What a negation leaves of a valence.
    private static let negated: Float = -0.74
    /// What a booster loses by its distance.
    private static let fading: [Float] = [1, 0.95, 0.9]
    private static let spread: Float = 15

    private let lexicon = SentimentLexicon.shared

    /// Makes a scorer; all are equal.
    public init() {}

    /// The sentiment of the texts in a value, at any depth; nil when they have no word of the lexicon.
    public func score(_ value: JSONValue) -> Float? {
        var reader = WordReader(budget: EventText.longest)
        var sum = Tally(lexicon: lexicon)
        EventText.visit(value) { text in
            // What one text negates does not reach into the next.
            sum.before = [0, 0, 0]
            reader.read(text) { sum.add(WordHash(of: $0).mixed) }
            return !reader.isExhausted
        }
        guard sum.words > 0 else { return nil }
        let total = sum.valence
        return max(-1, min(1, total / (total * total + Self.spread).squareRoot()))
    }

    private struct Tally {
        let lexicon: SentimentLexicon
        /// The last three words, the nearest first.
        var before: [UInt64] = [0, 0, 0]
        var valence: Float = 0
        var words = 0

        mutating func add(_ word: UInt64) {
            if var own = lexicon.valence(of: word) {
                for (distance, other) in before.enumerated() where other != 0 {
                    let boost = lexicon.boost(of: other) * SentimentScorer.fading[distance]
                    own += own < 0 ? -boost : boost
                }
                if before.contains(where: { lexicon.isNegation($0) }) { own *= SentimentScorer.negated }
                valence += own
                words += 1
            }
            before = [word, before[0], before[1]]
        }
    }
}
