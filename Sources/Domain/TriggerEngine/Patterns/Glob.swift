import JSONTree

/// A pattern of event types: `*` stands for any characters, everything else for itself.
///
/// Matching takes time linear in the text: between two stars the leftmost occurrence is always the right one.
public struct Glob: Sendable, Equatable, CustomStringConvertible {
    static let maximumLength = 255

    /// The pattern as written.
    public let description: String
    private let prefix: [UInt8]
    private let middle: [ByteSearch]
    /// Nil when there is no star.
    private let suffix: [UInt8]?

    /// Parses a pattern of 1 to 255 characters.
    public init(_ text: String, pointer: String) throws(JSONValidationError) {
        guard (1...Self.maximumLength).contains(text.unicodeScalars.count) else {
            throw JSONValidationError(
                pointer: pointer, detail: "must have 1 to \(Self.maximumLength) characters; * stands for any")
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { Array($0) }
        description = text
        prefix = parts[0]
        middle = parts.count < 2 ? [] : parts[1..<parts.count - 1].filter { !$0.isEmpty }.map(ByteSearch.init)
        suffix = parts.count < 2 ? nil : parts[parts.count - 1]
    }

    /// The one text that the pattern matches, in UTF-8; nil when there is a star.
    package var literal: [UInt8]? { suffix == nil ? prefix : nil }

    /// Whether a text matches as a whole.
    public func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches($0) }
    }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let suffix else { return text.elementsEqual(prefix) }
        guard text.count >= prefix.count + suffix.count, text.starts(with: prefix),
            text.suffix(suffix.count).elementsEqual(suffix)
        else { return false }
        let inner = UnsafeBufferPointer(rebasing: text[..<(text.count - suffix.count)])
        var offset = prefix.count
        for search in middle {
            guard let end = search.end(in: inner, from: offset) else { return false }
            offset = end
        }
        return true
    }
}
