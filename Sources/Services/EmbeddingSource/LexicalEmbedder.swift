import EventModel
import FrameModel
import JSONTree

/// Embeds events by the letters they are written with: lexical, not semantic.
///
/// Two events are near each other when they share words and pieces of words. "Payment failed" is near "payments
/// failing", and far from "the card was declined", although that means the same. In return it needs no model, no
/// network and no training, costs microseconds, and gives the same vector for the same event on every machine and in
/// every release.
///
/// Feature hashing (Weinberger and others, ICML 2009) of words and of the 3- to 5-letter pieces of each word with marks
/// at its ends (Bojanowski and others, "Enriching word vectors with subword information", TACL 2017). Each feature adds
/// its weight to one of 1024 places, with a sign, so that collisions cancel rather than add up. A word weighs 1, and so
/// do all its pieces together, in the square; the event's type counts twice, because there is little of it. The sum is
/// brought to length 1.
///
/// Read are the type and the text values of the data, at any depth; not keys, numbers or truth values, which the
/// learned schema and the named values are for. What goes beyond ``longestText`` letters is not read.
public struct LexicalEmbedder: Embedder {
    /// How many letters of an event are read.
    public static let longestText = 4_096
    /// How many values of an event's data are visited.
    static let mostValues = 4_096
    private static let typeWeight: Float = 2

    /// Makes an embedder; all are equal.
    public init() {}

    /// One vector of ``Frame/dimensions`` values for each event.
    public func embed(_ events: [ParsedEvent]) -> [[Float]] { events.map(vector(of:)) }

    /// The vector of one event; empty when it has no letter or digit.
    public func vector(of event: ParsedEvent) -> [Float] {
        var features = HashedFeatures(dimensions: Frame.dimensions)
        var words = WordReader(budget: Self.longestText)
        var type = event.event.type
        type.withUTF8 { words.read($0) { features.add($0, weight: Self.typeWeight) } }
        var values = Self.mostValues
        read(event.data, &words, &features, &values)
        return features.normalized()
    }

    private func read(
        _ value: JSONValue, _ words: inout WordReader, _ features: inout HashedFeatures, _ values: inout Int
    ) {
        guard values > 0, !words.isExhausted else { return }
        values -= 1
        switch value.kind {
        case .string: _ = value.withUTF8 { text in words.read(text) { features.add($0, weight: 1) } }
        case .array: for element in value.elements { read(element, &words, &features, &values) }
        case .object: for member in value.members { read(member.value, &words, &features, &values) }
        case .null, .boolean, .integer, .number: break
        }
    }
}
