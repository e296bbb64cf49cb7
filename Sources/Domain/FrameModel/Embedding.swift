/// A vector that stands for an event.
public struct Embedding: Sendable, Equatable {
    /// Who made it.
    public enum Origin: Sendable, CaseIterable {
        /// The built-in embedder, because no other is configured.
        case lexical
        /// The configured endpoint.
        case model
        /// The built-in embedder, because the endpoint did not answer in time.
        case standIn
    }

    /// At most ``Frame/dimensions`` values, of length 1; empty for an event without any text to go by.
    public let values: [Float]
    /// Who made it.
    public let origin: Origin

    /// Makes an embedding.
    public init(_ values: [Float], origin: Origin) {
        self.values = values
        self.origin = origin
    }

    /// No embedding at all.
    public static let none = Embedding([], origin: .lexical)

    var flags: FrameFlags {
        guard !values.isEmpty else { return [] }
        return switch origin {
        case .lexical: .lexicalEmbedding
        case .model: .modelEmbedding
        case .standIn: [.lexicalEmbedding, .standInEmbedding]
        }
    }
}
