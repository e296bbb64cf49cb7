import JSONTree

/// Where a rendered value lands, and so what has to be escaped in it.
public enum Escaping: Sendable {
    /// Plain text: nothing.
    case none
    /// The inside of a JSON string (RFC 8259 §7).
    case json
    /// HTML, text or attribute; also what Telegram calls HTML.
    case html
    /// Telegram's MarkdownV2: every character with a meaning gets a backslash.
    case markdownV2
    /// Slack's mrkdwn: the three characters that begin its links, mentions and entities.
    case slack
    /// A part of a URL's path or query: everything but unreserved characters (RFC 3986 §2.3) is percent-encoded.
    case url

    /// Appends a text, escaped.
    func append(_ text: String, to output: inout [UInt8]) {
        switch self {
        case .none:
            output.append(contentsOf: text.utf8)
        case .json:
            var writer = JSONWriter()
            writer.string(text)
            output.append(contentsOf: writer.bytes.dropFirst().dropLast())
        case .html:
            for byte in text.utf8 { Self.appendHTML(byte, to: &output) }
        case .markdownV2:
            for byte in text.utf8 {
                if Self.markdownV2Specials.contains(byte) { output.append(UInt8(ascii: "\\")) }
                output.append(byte)
            }
        case .slack:
            for byte in text.utf8 { Self.appendSlack(byte, to: &output) }
        case .url:
            Self.appendURL(text, to: &output)
        }
    }

    /// A text for a header, where a line break would begin another: control characters become spaces, also those of
    /// values that are not escaped.
    static func singleLine(_ text: String) -> String {
        guard text.utf8.contains(where: isControl) else { return text }
        return String(decoding: text.utf8.map { isControl($0) ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

    /// Bot API, "MarkdownV2 style", and the backslash itself.
    private static let markdownV2Specials = Set("_*[]()~`>#+-=|{}.!\\".utf8)

    private static func appendHTML(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
        case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
        case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
        case UInt8(ascii: "\""): output.append(contentsOf: "&quot;".utf8)
        case UInt8(ascii: "'"): output.append(contentsOf: "&#39;".utf8)
        default: output.append(byte)
        }
    }

    private static func appendSlack(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
        case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
        case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
        default: output.append(byte)
        }
    }

    /// A value of nothing but dots would climb out of its place in a path, so its dots are encoded too.
    private static func appendURL(_ text: String, to output: inout [UInt8]) {
        let isDots = text == "." || text == ".."
        for byte in text.utf8 {
            if isUnreserved(byte), !isDots { output.append(byte) } else { appendPercent(byte, to: &output) }
        }
    }

    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    static func appendPercent(_ byte: UInt8, to output: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        output.append(UInt8(ascii: "%"))
        output.append(digits[Int(byte >> 4)])
        output.append(digits[Int(byte & 15)])
    }
}
