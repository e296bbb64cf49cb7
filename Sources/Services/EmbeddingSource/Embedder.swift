import EventModel

/// Turns events into vectors.
///
/// Asynchronous and by the batch, because a model may be a service on the network; the built-in one computes at once.
public protocol Embedder: Sendable {
    /// One vector of length 1 for each event, in order; an empty one for an event without any text to go by.
    func embed(_ events: [ParsedEvent]) async throws -> [[Float]]
}
