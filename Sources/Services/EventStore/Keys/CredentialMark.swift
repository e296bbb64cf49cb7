import Crypto

/// What stands in memory for a key or a token that was found to be good: its SHA-256, which tells whether the same is
/// shown again and opens nothing. Comparing takes as long whatever is shown.
public struct CredentialMark: Hashable, Sendable {
    private let digest: SHA256Digest

    /// The mark of a text.
    public init(_ text: String) {
        var text = text
        digest = text.withUTF8 { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
    }
}
