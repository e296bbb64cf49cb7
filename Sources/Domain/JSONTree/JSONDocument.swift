import CSimdJSON

/// A parsed JSON text: its bytes, and a flat tree over them.
///
/// Parsing is strict (see ``JSONError``) and happens once; everything else is a view. Numbers keep their text and
/// values their place in it, so that what was received can be stored and forwarded byte for byte.
public struct JSONDocument: Sendable {
    let storage: JSONStorage

    /// Parses UTF-8 bytes.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        storage = try JSONStorage(parsing: bytes)
    }

    /// Parses a text.
    public init(_ text: String) throws(JSONError) {
        try self.init(Array(text.utf8))
    }

    /// The value that the text is.
    public var root: JSONValue { JSONValue(storage: storage, index: 0) }
}

/// What the views of one document share.
///
/// The tree is parsed into memory of the C side that belongs to the thread, and copied out before anything else can run
/// on it: from then on a document is three Swift arrays, and the C side owns nothing of it.
final class JSONStorage: Sendable {
    let source: [UInt8]
    /// In document order; a container's contents follow it (`CSimdJSON.h`).
    let nodes: [csj_node]
    /// The unescaped strings of those that have escapes.
    let text: [UInt8]

    init(parsing bytes: [UInt8]) throws(JSONError) {
        var tree = csj_tree()
        let code = bytes.withUnsafeBufferPointer { csj_parse($0.baseAddress, $0.count, &tree) }
        defer { csj_release() }
        if let code = JSONError.Code(code) { throw JSONError(code: code, offset: tree.error_offset) }
        source = bytes
        nodes = Array(UnsafeBufferPointer(start: tree.nodes, count: tree.node_count))
        text = Array(UnsafeBufferPointer(start: tree.text, count: tree.text_length))
    }

    /// Lends the unescaped bytes of the string at an index.
    func withText<R>(at index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        let node = nodes[index]
        guard node.bits != 0 else {
            return source.withUnsafeBufferPointer {
                body(UnsafeBufferPointer(rebasing: $0[Int(node.start) + 1..<Int(node.end) - 1]))
            }
        }
        let start = Int(node.bits >> 32)
        let length = Int(node.bits & 0xFFFF_FFFF)
        return text.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start..<start + length])) }
    }

    func string(at index: Int) -> String {
        withText(at: index) { String(decoding: $0, as: UTF8.self) }
    }
}

extension JSONError.Code {
    /// The rule that a code of the C side names; nil when nothing was broken.
    init?(_ code: csj_code) {
        switch code {
        case CSJ_OK: return nil
        case CSJ_EMPTY: self = .empty
        case CSJ_TRAILING: self = .trailing
        case CSJ_DEPTH: self = .depth
        case CSJ_KEYS: self = .keys
        case CSJ_DUPLICATE_KEY: self = .duplicateKey
        case CSJ_NUL_CHARACTER: self = .nulCharacter
        case CSJ_LONE_SURROGATE: self = .loneSurrogate
        case CSJ_CONTROL_CHARACTER: self = .controlCharacter
        case CSJ_BYTE_ORDER_MARK: self = .byteOrderMark
        case CSJ_UTF8: self = .utf8
        case CSJ_DIGITS: self = .digits
        case CSJ_EXPONENT: self = .exponent
        case CSJ_TOO_LARGE: self = .tooLarge
        case CSJ_NO_MEMORY: self = .memory
        default: self = .syntax
        }
    }
}
