import EventModel

/// The secrets of Standard Webhooks.
///
/// A symmetric one is `whsec_` and a key of 24 to 64 bytes in Base64, for signatures of version `v1`. An asymmetric one
/// is `whsk_` and a private key of Ed25519 in Base64, its 32 bytes alone or with the 32 of the public key behind them,
/// for `v1a`; its receivers are given the public key, `whpk_…`.
public enum SigningSecret {
    /// What a secret signs with.
    public enum Key: Sendable, Equatable {
        /// HMAC-SHA256.
        case symmetric([UInt8])
        /// Ed25519: the private key's 32 bytes.
        case asymmetric([UInt8])
    }

    static let prefix = "whsec_"
    static let privatePrefix = "whsk_"
    static let unknownMask =
        "is masked, and there is no stored secret for this host that it stands for; send the secret"
    /// Secrets that an action has at a time.
    static let maximumCount = 5

    /// The symmetric key; nil when the text is no such secret.
    public static func key(of text: String) -> [UInt8]? {
        guard text.hasPrefix(prefix), let key = Base64.decode(String(text.dropFirst(prefix.count))),
            (24...64).contains(key.count)
        else { return nil }
        return key
    }

    /// The key of either kind; nil when the text is no secret.
    public static func signingKey(of text: String) -> Key? {
        if let key = key(of: text) { return .symmetric(key) }
        guard text.hasPrefix(privatePrefix), let key = Base64.decode(String(text.dropFirst(privatePrefix.count))),
            [32, 64].contains(key.count)
        else { return nil }
        return .asymmetric(Array(key.prefix(32)))
    }

    /// What stands for a secret in answers.
    static func mask(of secret: String) -> String {
        (secret.hasPrefix(privatePrefix) ? privatePrefix : prefix) + SecretMask.dots
    }

    /// What the signature covers before the body, which follows it: both sides of a delivery sign `id.timestamp.body`.
    package static func signedPrefix(id: String, timestamp: String) -> [UInt8] {
        Array("\(id).\(timestamp).".utf8)
    }
}
