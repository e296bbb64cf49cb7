import Crypto

/// An API key as text, `ck_<id>_<secret>`: the id is public and finds the row, the secret is 32 random bytes.
struct APIKey: Sendable {
    /// 16 hexadecimal digits.
    let id: String
    /// The whole key.
    let plaintext: String

    /// A new key from the system's random generator.
    static func generate() -> APIKey {
        var generator = SystemRandomNumberGenerator()
        let id = hexadecimal((0..<8).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let secret = hexadecimal((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        return APIKey(id: id, plaintext: "ck_\(id)_\(secret)")
    }

    private init(id: String, plaintext: String) {
        self.id = id
        self.plaintext = plaintext
    }

    /// The key in a header, or nil when it is not of that form.
    init?(_ text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "ck", Self.isHexadecimal(parts[1], count: 16),
            Self.isHexadecimal(parts[2], count: 64)
        else { return nil }
        id = String(parts[1])
        plaintext = text
    }

    /// What is stored: HMAC-SHA-256 under a secret that the database does not hold, so that a copy of the database
    /// opens nothing. A slow hash would add no safety to 256 random bits, and would be a way to flood the gateway.
    func hash(pepper: SymmetricKey) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(plaintext.utf8), using: pepper))
    }

    /// Compares in constant time.
    func matches(_ hash: [UInt8], pepper: SymmetricKey) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(hash, authenticating: Array(plaintext.utf8), using: pepper)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func isHexadecimal(_ text: Substring, count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
