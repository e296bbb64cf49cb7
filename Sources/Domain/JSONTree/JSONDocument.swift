import CSimdJSON

/// A parsed JSON text: its bytes, and a flat tree over them.
///
/// Parsing is strict (see ``JSONError``) and happens once; everything else is a view. Numbers keep their text and
/// values their place in it, so that what was received can be stored and forwarded byte for byte.
public struct JSONDocument: Sendable {
    let storage: JSONStorage

    /// Parses UTF-8 bytes.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        storage = try JSONStorage.parse(bytes)
    }

    /// Parses a text.
    public init(_ text: String) throws(JSONError) {
        try self.init(Array(text.utf8))
    }

    /// The value that the text is.
    public var root: JSONValue { JSONValue(storage: storage, index: 0) }
}

/// What the views of one document share: the bytes, the unescaped strings of those that have escapes, and behind them,
/// in the same piece of memory, the nodes in document order (`CSimdJSON.h`).
///
/// The tree is parsed into memory of the C side that belongs to the thread, and copied out before anything else can run
/// on it: from then on the C side owns nothing of it. It is `@unchecked Sendable` because nobody changes the buffer
/// after that.
struct JSONStorage: @unchecked Sendable {
    private struct Head {
        let source: [UInt8]
        let text: [UInt8]
        let count: Int
    }

    private let buffer: ManagedBuffer<Head, csj_node>

    var source: [UInt8] { buffer.header.source }

    static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONStorage {
        var tree = csj_tree()
        let code = bytes.withUnsafeBufferPointer { csj_parse($0.baseAddress, $0.count, &tree) }
        defer { csj_release() }
        guard let nodes = tree.nodes, code == CSJ_OK else {
            throw JSONError(code: JSONError.Code(code), offset: tree.error_offset)
        }
        let count = tree.node_count
        let text = Array(UnsafeBufferPointer(start: tree.text, count: tree.text_length))
        let buffer = ManagedBuffer<Head, csj_node>.create(minimumCapacity: count) { _ in
            Head(source: bytes, text: text, count: count)
        }
        buffer.withUnsafeMutablePointerToElements { $0.initialize(from: nodes, count: count) }
        return JSONStorage(buffer: buffer)
    }

    /// The node at an index.
    subscript(index: Int) -> csj_node {
        precondition(index >= 0 && index < buffer.header.count, "no node there")
        return buffer.withUnsafeMutablePointerToElements { $0[index] }
    }

    /// Lends everything.
    func withAll<R>(
        _ body: (
            _ nodes: UnsafeBufferPointer<csj_node>, _ source: UnsafeBufferPointer<UInt8>,
            _ text: UnsafeBufferPointer<UInt8>
        ) throws -> R
    ) rethrows -> R {
        try buffer.withUnsafeMutablePointers { head, nodes in
            try head.pointee.source.withUnsafeBufferPointer { source in
                try head.pointee.text.withUnsafeBufferPointer { text in
                    try body(UnsafeBufferPointer(start: nodes, count: head.pointee.count), source, text)
                }
            }
        }
    }

    /// Lends the unescaped bytes of the string at an index.
    func withText<R>(at index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        let node = self[index]
        guard node.bits != 0 else {
            return buffer.header.source.withUnsafeBufferPointer {
                body(UnsafeBufferPointer(rebasing: $0[Int(node.start) + 1..<Int(node.end) - 1]))
            }
        }
        let start = Int(node.bits >> 32)
        let length = Int(node.bits & 0xFFFF_FFFF)
        return buffer.header.text.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[start..<start + length]))
        }
    }

    func string(at index: Int) -> String {
        withText(at: index) { String(decoding: $0, as: UTF8.self) }
    }
}

extension JSONError.Code {
    /// The rule that a code of the C side names.
    init(_ code: csj_code) {
        switch code {
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
