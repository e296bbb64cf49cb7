import ActionModel

/// Takes secrets out of whatever is kept or shown.
struct Redaction: Sendable {
    /// The longest first, so that a secret that holds another goes whole.
    private let secrets: [[UInt8]]
    private let replacement = Array(SecretMask.dots.utf8)

    /// A secret shorter than this would take harmless words along.
    private static let shortestSecret = 6

    /// Nothing to hide.
    static let none = Redaction(secrets: [])

    init(secrets: [String]) {
        let distinct = Set(secrets.filter { $0.utf8.count >= Self.shortestSecret })
        self.secrets = distinct.map { Array($0.utf8) }.sorted { $0.count > $1.count }
    }

    /// What a receiver says, who may repeat a secret in a spelling of his own.
    func ofAnswer(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= Self.shortestSecret, !secrets.isEmpty else { return bytes }
        return Redaction(secrets: secrets.flatMap { Self.spellings(of: String(decoding: $0, as: UTF8.self)) })(bytes)
    }

    /// As it is, in JSON, where some escape the slash too, and in a URL.
    private static func spellings(of secret: String) -> [String] {
        guard secret.utf8.contains(where: { !isPlain($0) }) else { return [secret] }
        let json = secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let encoded = [false, true].map { isUpper in
            secret.utf8.map { isPlain($0) ? String(UnicodeScalar($0)) : percentEncoded($0, isUpper) }.joined()
        }
        return [secret, json, json.replacing("/", with: "\\/")] + encoded
    }

    /// RFC 3986 §2.3.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func percentEncoded(_ byte: UInt8, _ isUpper: Bool) -> String {
        let digits = String(byte, radix: 16, uppercase: isUpper)
        return "%" + (byte < 16 ? "0" : "") + digits
    }

    /// The number of a Telegram bot is public; what follows it is not, also where a URL's rules have it encoded.
    static func telegram(_ token: String) -> Redaction {
        Redaction(secrets: [String(token.drop { $0 != ":" }.dropFirst())])
    }

    func callAsFunction(_ bytes: [UInt8]) -> [UInt8] {
        secrets.reduce(bytes) { replacing($1, in: $0) }
    }

    private func replacing(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= secret.count else { return bytes }
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
        secrets.isEmpty ? text : String(decoding: self(Array(text.utf8)), as: UTF8.self)
    }
}
