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

    private static let parts = [
        "authorization", "cookie", "token", "secret", "api-key", "apikey", "password", "credential",
    ].map { Array($0.utf8) }
    // Whole words, because an author, a keyboard and a barcode are none.
    private static let headerWords = ["key", "auth", "passwd", "pwd"].map { Array($0.utf8) }
    private static let parameterWords = headerWords + ["sig", "signature", "code"].map { Array($0.utf8) }
    private static let harmless = Array("idempotency-key".utf8)

    /// Whether the value of a header is a credential, judged by its name.
    package static func covers(header name: String) -> Bool { covers(name, words: headerWords) }

    /// Whether the value of a parameter in a URL is a credential, judged by its name.
    package static func covers(parameter name: String) -> Bool { covers(name, words: parameterWords) }

    /// Every attempt asks this of every header that it stores, so names are looked at as bytes.
    private static func covers(_ name: String, words: [[UInt8]]) -> Bool {
        let bytes = Array(name.lowercased().utf8)
        if parts.contains(where: { contains(bytes, $0) }) { return true }
        guard bytes != harmless else { return false }
        return bytes.split { !isPartOfWord($0) }.contains { word in words.contains { word.elementsEqual($0) } }
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        return (0...bytes.count - part.count).contains { start in
            bytes[start] == part[0] && bytes[start..<start + part.count].elementsEqual(part)
        }
    }

    /// Bytes of other scripts end a word: rather too much is hidden than too little.
    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
