import CFrameLayout

/// How values of a frame came about.
public struct FrameFlags: OptionSet, Sendable, Hashable {
    /// The bits as they lie in a frame.
    public let rawValue: UInt16

    /// Makes flags of bits; those that this version does not know are kept.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The event says its sentiment itself.
    public static let sentimentGiven = FrameFlags(rawValue: UInt16(CFL_FLAG_SENTIMENT_GIVEN))
    /// The sentiment was worked out of its words by the lexicon.
    public static let sentimentOfWords = FrameFlags(rawValue: UInt16(CFL_FLAG_SENTIMENT_OF_WORDS))
    /// The embedding is the built-in lexical one.
    public static let lexicalEmbedding = FrameFlags(rawValue: UInt16(CFL_FLAG_EMBEDDING_LEXICAL))
    /// The embedding is the configured endpoint's.
    public static let modelEmbedding = FrameFlags(rawValue: UInt16(CFL_FLAG_EMBEDDING_MODEL))
    /// The embedding is lexical although an endpoint is configured, because that did not answer in time.
    public static let standInEmbedding = FrameFlags(rawValue: UInt16(CFL_FLAG_EMBEDDING_STAND_IN))
}
