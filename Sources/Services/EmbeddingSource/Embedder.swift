public import EventModel
public import FrameModel
import TextModel

/// Turns events into vectors.
///
/// Asynchronous and by the batch, because a model may be a service on the network; it never fails, because the built-in
/// embedder can always step in.
public protocol Embedder: Sendable {
    /// One embedding for each event, in order.
    func embed(_ events: [ParsedEvent]) async -> [Embedding]
}

/// The embedder that is built in: lexical, at once.
public struct BuiltInEmbedder: Embedder {
    private let lexical = LexicalEmbedder()

    /// Makes an embedder; all are equal.
    public init() {}

    /// One embedding for each event, in order.
    public func embed(_ events: [ParsedEvent]) -> [Embedding] {
        events.map { Embedding(lexical.vector(of: $0), origin: .lexical) }
    }
}
