import JSONTree
import TextModel

/// How near a text comes to some examples, and how near it has to.
///
/// The cosine of the built-in lexical embedder's vectors, with the nearest of the examples. So it depends on nothing
/// but the event and the condition, is the same on every machine, and costs no call of a model.
struct Similarity: Sendable {
    static let maximumExamples = 32
    static let exampleLength = 1...2_000

    /// What is compared with the examples.
    enum Scope: Sendable {
        /// The event's type and all text values of its data.
        case event
        /// The texts of one field.
        case field
    }

    /// An example's vector, as few of whose places hold anything.
    private struct Example: Sendable {
        let places: [Int]
        let values: [Float]
    }

    let scope: Scope
    /// The least degree that is near enough.
    let threshold: Double
    /// The examples as they were written, for who tells similarities apart.
    let source: [UInt8]
    private let examples: [Example]

    /// - Parameter vectors: of the examples; not empty.
    init(_ vectors: [[Float]], scope: Scope, threshold: Double, source: [UInt8]) {
        self.scope = scope
        self.threshold = threshold
        self.source = source
        examples = vectors.map { vector in
            let places = vector.indices.filter { vector[$0] != 0 }
            return Example(places: places, values: places.map { vector[$0] })
        }
    }

    /// The cosine with the nearest example, to five decimals so that a text is as near as can be to itself; nil for a
    /// vector of nothing.
    func degree(_ vector: [Float]) -> Double? {
        guard !vector.isEmpty else { return nil }
        var nearest: Float = -1
        for example in examples {
            var cosine: Float = 0
            for (place, value) in zip(example.places, example.values) { cosine += vector[place] * value }
            nearest = max(nearest, cosine)
        }
        return (Double(nearest) * 100_000).rounded() / 100_000
    }

    func holds(_ degree: Double) -> Bool { degree >= threshold }
}
