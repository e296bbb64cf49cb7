import EventModel
import TextModel

/// The vectors of the events at hand, and of their fields, each made once and only when a comparison needs it.
///
/// An event of a batch is looked at several times: for the states that it needs, for what it matches, and for the
/// reasons. Without comparisons that need vectors, nothing is ever in here.
struct EventVectors: Sendable {
    /// Vectors that are kept for another look; beyond, they are made again.
    static let most = 1_024

    private struct Key: Hashable {
        let event: UniqueID
        /// Nil of the whole event.
        let field: FieldPath?
    }

    private static let embedder = LexicalEmbedder()
    private var vectors: [Key: [Float]] = [:]
    /// What keys there are of an event.
    private var fields: Set<FieldPath> = []

    var count: Int { vectors.count }

    /// The vector that a similarity is asked with; empty when there is no text to go by.
    mutating func vector(of event: ParsedEvent, for comparison: Comparison) -> [Float] {
        guard case .similar(let similarity) = comparison.test else { return [] }
        let field = similarity.scope == .event ? nil : comparison.field
        let key = Key(event: event.event.id, field: field)
        if let known = vectors[key] { return known }
        let vector = Self.make(event, field)
        if vectors.count >= Self.most { vectors.removeAll(keepingCapacity: true) }
        vectors[key] = vector
        if let field { fields.insert(field) }
        return vector
    }

    /// Forgets the vectors of an event that has been dealt with.
    mutating func forget(_ event: ParsedEvent) {
        guard !vectors.isEmpty else { return }
        vectors[Key(event: event.event.id, field: nil)] = nil
        for field in fields { vectors[Key(event: event.event.id, field: field)] = nil }
        if vectors.isEmpty { fields.removeAll(keepingCapacity: true) }
    }

    private static func make(_ event: ParsedEvent, _ field: FieldPath?) -> [Float] {
        guard let field else { return embedder.vector(of: event) }
        return switch event.value(at: field) {
        case nil, .time: []
        case .text(let text): embedder.vector(of: text)
        case .json(let value): embedder.vector(of: value)
        }
    }
}
