/// The secret of Standard Webhooks: `whsec_` and a key of 24 to 64 bytes in Base64.
public enum SigningSecret {
    static let prefix = "whsec_"
    static let mask = prefix + SecretMask.dots
    static let unknownMask =
        "is masked, and there is no stored secret for this host that it stands for; send the secret"

    /// The bytes to sign with; nil when the text is no such secret.
    public static func key(of text: String) -> [UInt8]? {
        guard text.hasPrefix(prefix), let key = Base64.decode(String(text.dropFirst(prefix.count))),
            (24...64).contains(key.count)
        else { return nil }
        return key
    }

    /// What the signature covers before the body, which follows it: both sides of a delivery sign `id.timestamp.body`.
    package static func signedPrefix(id: String, timestamp: String) -> [UInt8] {
        Array("\(id).\(timestamp).".utf8)
    }
}
