import JSONTree

/// How a sender signs that follows no known scheme: which bytes, with what, and where the result stands.
public struct HMACForm: Sendable, Equatable {
    /// The hash function under the HMAC.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// SHA-256.
        case sha256
        /// SHA-512.
        case sha512
        /// SHA-1, which is still sound within an HMAC, for senders that know nothing else.
        case sha1
    }

    /// How the signature is written.
    public enum Encoding: String, Sendable, CaseIterable {
        /// Hexadecimal digits, in either case.
        case hex
        /// Base64 with padding (RFC 4648 §4).
        case base64
    }

    /// The header with the signature, in lower case.
    public let header: String
    /// The hash function.
    public let algorithm: Algorithm
    /// How the signature is written.
    public let encoding: Encoding
    /// What stands before the signature in its header, such as `sha256=`.
    public let prefix: String
    /// The header with the signed time in seconds since 1970, in lower case.
    public let timestampHeader: String?
    /// What is signed: a text with `{body}` and, with a timestamp, `{timestamp}`.
    let signedContent: String

    init?(_ reader: inout ObjectReader) {
        let header = Self.readHeader("header", required: true, from: &reader)
        algorithm = Self.readChoice("algorithm", from: &reader) ?? .sha256
        encoding = Self.readChoice("encoding", from: &reader) ?? .hex
        prefix = reader.string("prefix", length: 0...100) ?? ""
        timestampHeader = Self.readHeader("timestamp_header", required: false, from: &reader)
        let standard = timestampHeader == nil ? "{body}" : "{timestamp}.{body}"
        let content = reader.string("signed_content", length: 1...200) ?? standard
        signedContent = content
        let places = ["{body}", "{timestamp}"].map { content.ranges(of: $0).count }
        if places[0] != 1 { reader.refuse("signed_content", "must hold {body} once") }
        if timestampHeader == nil, places[1] != 0 {
            reader.refuse("signed_content", "holds {timestamp}, and there is no timestamp_header")
        }
        // A time that is not signed could be set anew by whoever repeats an old delivery.
        if timestampHeader != nil, places[1] != 1 {
            reader.refuse("signed_content", "must hold {timestamp} once, for there is a timestamp_header")
        }
        guard let header else { return nil }
        self.header = header
    }

    func writeMembers(to object: inout JSONWriter) {
        object.member("header", header)
        object.member("algorithm", algorithm.rawValue)
        object.member("encoding", encoding.rawValue)
        if !prefix.isEmpty { object.member("prefix", prefix) }
        if let timestampHeader { object.member("timestamp_header", timestampHeader) }
        object.member("signed_content", signedContent)
    }

    /// The bytes that are signed before and after the body.
    public func surroundings(timestamp: String?) -> (before: [UInt8], after: [UInt8]) {
        let content = signedContent.replacing("{timestamp}", with: timestamp ?? "")
        guard let body = content.firstRange(of: "{body}") else { return ([], []) }
        return (Array(content[..<body.lowerBound].utf8), Array(content[body.upperBound...].utf8))
    }

    private static func readHeader(_ name: String, required: Bool, from reader: inout ObjectReader) -> String? {
        guard let text = reader.string(name, required: required) else { return nil }
        guard RestHeader.isToken(text) else {
            reader.refuse(name, "must be the name of a header")
            return nil
        }
        return text.lowercased()
    }

    private static func readChoice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, from reader: inout ObjectReader
    ) -> Choice? where Choice.RawValue == String {
        guard let text = reader.string(name) else { return nil }
        let choice = Choice(rawValue: text)
        if choice == nil {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            reader.refuse(name, "must be one of \(words)")
        }
        return choice
    }
}
