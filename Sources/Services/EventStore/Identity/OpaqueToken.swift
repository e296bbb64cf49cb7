import Crypto

/// A token that says nothing: a prefix and 32 random bytes. What is stored is its HMAC-SHA-256.
struct OpaqueToken: Sendable {
    /// What it is for.
    enum Kind: String, Sendable {
        case refresh = "cr"
        case invitation = "ci"
    }

    /// The whole token.
    let plaintext: String

    /// A new token from the system's random generator.
    static func generate(_ kind: Kind) -> OpaqueToken {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return OpaqueToken(plaintext: "\(kind.rawValue)_\(digits)")
    }

    private init(plaintext: String) {
        self.plaintext = plaintext
    }

    /// The token of a body, or nil when it is not of that form.
    init?(_ text: String, _ kind: Kind) {
        let prefix = "\(kind.rawValue)_"
        guard text.hasPrefix(prefix), text.utf8.count == prefix.utf8.count + 64,
            text.utf8.dropFirst(prefix.utf8.count).allSatisfy({
                (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
            })
        else { return nil }
        plaintext = text
    }

    /// What is stored.
    func hash(pepper: SymmetricKey) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(plaintext.utf8), using: pepper))
    }
}
