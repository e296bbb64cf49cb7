/// How secrets are written.
public enum SecretMode: Sendable {
    /// As they are, for storage.
    case plain
    /// Hidden, for the API.
    case masked
}

/// What takes the place of a secret in answers of the API.
package enum SecretMask {
    package static let dots = "••••"

    /// Whether a text is, or ends in, a mask: nobody's secret does.
    static func isMasked(_ text: String) -> Bool { text.hasSuffix(dots) }

    /// Whether the value of a header is a credential, judged by its name.
    package static func covers(header name: String) -> Bool {
        let name = name.lowercased()
        let parts = ["authorization", "cookie", "token", "secret", "api-key", "apikey", "password", "credential"]
        if parts.contains(where: { name.contains($0) }) { return true }
        // Whole words, because an author and a keyboard are none.
        return name != "idempotency-key" && words(of: name).contains { ["key", "auth", "passwd", "pwd"].contains($0) }
    }

    /// Whether the value of a parameter in a URL is a credential, judged by its name.
    package static func covers(parameter name: String) -> Bool {
        let name = name.lowercased()
        return covers(header: name) || words(of: name).contains { ["sig", "signature", "code"].contains($0) }
    }

    private static func words(of name: String) -> [Substring] {
        name.split { !$0.isLetter && !$0.isNumber }
    }
}
