import Crypto
import Runtime

/// Keys of 32 bytes derived from `JWT_SECRET`, one for each purpose, so that none can stand in for another.
package enum DerivedKey: String {
    /// The pepper of stored API keys.
    case apiKeys = "collider api keys"
    /// Signs access tokens.
    case accessTokens = "collider access tokens"
    /// The pepper of refresh tokens and invitations.
    case opaqueTokens = "collider opaque tokens"
    /// Hides whom failed logins are counted for.
    case loginSubjects = "collider login subjects"
    /// Chains the audit log.
    case auditLog = "collider audit log"

    /// Derives a key (HKDF, RFC 5869).
    ///
    /// - Throws: ``ConfigurationError`` when there is no secret.
    package static func bytes(_ secret: String?, for purpose: DerivedKey) throws -> [UInt8] {
        try make(secret, for: purpose).withUnsafeBytes { Array($0) }
    }

    /// The same as a key.
    static func make(_ secret: String?, for purpose: DerivedKey) throws -> SymmetricKey {
        guard let secret else {
            throw ConfigurationError(
                key: "JWT_SECRET", message: "is not set; keys and tokens cannot be checked without it")
        }
        return HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)), info: Array(purpose.rawValue.utf8),
            outputByteCount: 32)
    }
}
