/// Takes a secret out of whatever is kept or shown.
struct Redaction: Sendable {
    private let secret: [UInt8]
    private let replacement: [UInt8]

    /// Nothing to hide.
    static let none = Redaction(secret: "", replacement: "")

    init(secret: String, replacement: String) {
        self.secret = Array(secret.utf8)
        self.replacement = Array(replacement.utf8)
    }

    /// The number of a Telegram bot is public; what follows it is not, also where a URL's rules have it encoded.
    static func telegram(_ token: String) -> Redaction {
        let secret = token.drop { $0 != ":" }.dropFirst()
        return Redaction(secret: String(secret), replacement: "••••")
    }

    func callAsFunction(_ bytes: [UInt8]) -> [UInt8] {
        guard !secret.isEmpty, bytes.count >= secret.count else { return bytes }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == secret[0], bytes[index...].starts(with: secret) {
                output += replacement
                index += secret.count
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return output
    }

    func callAsFunction(_ text: String) -> String {
        String(decoding: self(Array(text.utf8)), as: UTF8.self)
    }
}
