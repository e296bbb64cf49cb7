import EventModel
import JSONTree

/// Embeds texts by the letters they are written with: lexical, not semantic.
///
/// Two texts are near each other when they share words and pieces of words. "Payment failed" is near "payments
/// failing", and far from "the card was declined", although that means the same. In return it needs no model, no
/// network and no training, costs microseconds, and gives the same vector for the same text on every machine and in
/// every release.
///
/// Feature hashing (Weinberger and others, ICML 2009) of words and of the 3- to 5-letter pieces of each word with marks
/// at its ends (Bojanowski and others, "Enriching word vectors with subword information", TACL 2017). Each feature adds
/// its weight to one of 1024 places, with a sign, so that collisions cancel rather than add up. A word weighs 1, and so
/// do all its pieces together, in the square; an event's type counts twice, because there is little of it. The sum is
/// brought to length 1.
///
/// What of an event is read is told at ``EventText``.
public struct LexicalEmbedder: Sendable {
    /// How many values a vector has.
    public static let dimensions = 1_024
    private static let typeWeight: Float = 2

    /// Makes an embedder; all are equal.
    public init() {}

    /// The vector of an event; empty when it has no letter or digit.
    public func vector(of event: ParsedEvent) -> [Float] {
        var features = HashedFeatures(dimensions: Self.dimensions)
        var words = WordReader(budget: EventText.longest)
        Self.read(event.event.type, Self.typeWeight, &words, &features)
        Self.read(event.data, &words, &features)
        return features.normalized()
    }

    /// The vector of a text; empty when it has no letter or digit.
    public func vector(of text: String) -> [Float] {
        var features = HashedFeatures(dimensions: Self.dimensions)
        var words = WordReader(budget: EventText.longest)
        Self.read(text, 1, &words, &features)
        return features.normalized()
    }

    /// The vector of the texts in a value, at any depth; empty when they have no letter or digit.
    public func vector(of value: JSONValue) -> [Float] {
        var features = HashedFeatures(dimensions: Self.dimensions)
        var words = WordReader(budget: EventText.longest)
        Self.read(value, &words, &features)
        return features.normalized()
    }

    private static func read(
        _ text: String, _ weight: Float, _ words: inout WordReader, _ features: inout HashedFeatures
    ) {
        var text = text
        text.withUTF8 { words.read($0) { features.add($0, weight: weight) } }
    }

    private static func read(_ value: JSONValue, _ words: inout WordReader, _ features: inout HashedFeatures) {
        EventText.visit(value) { text in
            words.read(text) { features.add($0, weight: 1) }
            return !words.isExhausted
        }
    }
}
