/// Why a text is not taken as JSON, and where.
///
/// The rules are those of RFC 8259 and, beyond it, those of SAFETY.md ("JSON at the door"): what is taken here is read
/// in the same way by everything behind it.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The rule that was broken.
    public let code: Code
    /// The byte, counted from 0, at which it was broken.
    public let offset: Int

    /// Makes an error about one byte.
    public init(code: Code, offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// The rule in words and the offset; never a part of the text.
    public var description: String { "\(code.explanation), at byte \(offset)" }
}

extension JSONError {
    /// The rules of the strict parse.
    public enum Code: String, Sendable, CaseIterable {
        /// There is nothing but whitespace.
        case empty
        /// The text is not JSON.
        case syntax
        /// Something follows the value.
        case trailing
        /// Containers lie more than 64 deep.
        case depth
        /// An object has more than 2,000 keys.
        case keys
        /// An object has the same key twice, byte for byte after unescaping.
        case duplicateKey
        /// A string holds `\u0000`, which PostgreSQL can't store.
        case nulCharacter
        /// A string holds half of a UTF-16 surrogate pair.
        case loneSurrogate
        /// A string holds a control character that is not escaped.
        case controlCharacter
        /// The text begins with a byte order mark.
        case byteOrderMark
        /// The bytes are not UTF-8.
        case utf8
        /// A number has more than 40 significant digits.
        case digits
        /// A number lies beyond what a double holds: an exponent outside ±308.
        case exponent
        /// The text is longer than 64 MiB.
        case tooLarge
        /// There is no memory for the tree.
        case memory

        /// The rule as a sentence's beginning, for people.
        public var explanation: String {
            switch self {
            case .empty: "empty, where a JSON value is needed"
            case .syntax: "not valid JSON"
            case .trailing: "unexpected text after the JSON value"
            case .depth: "nested more than 64 deep"
            case .keys: "an object with more than 2,000 keys"
            case .duplicateKey: "a key that its object already has"
            case .nulCharacter: "\\u0000 in a string, which can't be stored"
            case .loneSurrogate: "half of a surrogate pair in a string"
            case .controlCharacter: "a control character in a string, not escaped"
            case .byteOrderMark: "a byte order mark before the JSON value"
            case .utf8: "not valid UTF-8"
            case .digits: "a number of more than 40 significant digits"
            case .exponent: "a number that no double can hold"
            case .tooLarge: "longer than 64 MiB"
            case .memory: "out of memory"
            }
        }
    }
}
