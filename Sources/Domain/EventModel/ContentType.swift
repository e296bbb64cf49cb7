/// What bytes are declared to be: a media type (RFC 9110 §8.3.1), as of a body or of a CloudEvent's data.
public struct ContentType: Sendable {
    /// As it was written; empty when there was none.
    public let text: String
    /// Type and subtype in lower case, without parameters.
    public let name: String
    /// The parameter `charset` in lower case, without quotes.
    public let charset: String?

    /// Reads a `Content-Type`.
    public init(_ text: String) {
        self.text = text
        let parts = text.lowercased().split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
        name = String(parts.first ?? "")
        charset = parts.dropFirst().first { $0.hasPrefix("charset=") }
            .map { String(Self.trimmed($0.dropFirst("charset=".count))) }
    }

    /// Whether the text is UTF-8, as it is when nothing else is said.
    public var isUTF8: Bool { charset.map { ["utf-8", "utf8", "us-ascii"].contains($0) } ?? true }
    /// Whether it is JSON, or a kind of JSON under another name, such as `application/vnd.shop+json`.
    public var isJSON: Bool { name.hasSuffix("/json") || name.hasSuffix("+json") }
    /// Whether it is meant to be read as text.
    public var isText: Bool {
        name.hasPrefix("text/") || name.hasSuffix("/xml") || name.hasSuffix("+xml")
            || name == "application/x-www-form-urlencoded"
    }

    /// Without blanks and quotes around it.
    private static func trimmed(_ text: Substring) -> Substring {
        let isTrimmed = { (character: Character) in character == " " || character == "\t" || character == "\"" }
        var text = text.drop(while: isTrimmed)
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return text
    }
}
