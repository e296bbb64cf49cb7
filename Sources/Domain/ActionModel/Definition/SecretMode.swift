/// How secrets are written.
public enum SecretMode: Sendable {
    /// As they are, for storage.
    case plain
    /// Hidden, for the API.
    case masked
}

/// What takes the place of a secret in answers of the API.
enum SecretMask {
    static let dots = "••••"

    /// Whether a text is, or ends in, a mask: nobody's secret does.
    static func isMasked(_ text: String) -> Bool { text.hasSuffix(dots) }

    /// Whether the value of a header is a credential, judged by its name.
    static func covers(header name: String) -> Bool {
        let name = name.lowercased()
        return ["authorization", "cookie"].contains(name)
            || ["token", "secret", "api-key", "apikey", "password"].contains { name.contains($0) }
    }
}
