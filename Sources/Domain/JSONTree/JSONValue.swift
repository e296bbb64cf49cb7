import CSimdJSON

/// One value of a document: a cheap view that keeps the document alive.
public struct JSONValue: Sendable {
    let storage: JSONStorage
    let index: Int

    /// What a value is.
    public enum Kind: String, Sendable, CaseIterable {
        /// `null`.
        case null
        /// `true` or `false`.
        case boolean
        /// A number that fits 64 bits, signed or not, and is written without `.` and exponent.
        case integer
        /// Every other number.
        case number
        /// A string.
        case string
        /// An array.
        case array
        /// An object.
        case object
    }

    var node: csj_node { storage[index] }

    var tag: csj_kind { csj_kind(node.kind) }

    /// What the value is.
    public var kind: Kind {
        switch tag {
        case CSJ_NULL: .null
        case CSJ_FALSE, CSJ_TRUE: .boolean
        case CSJ_INT64, CSJ_UINT64: .integer
        case CSJ_DOUBLE: .number
        case CSJ_STRING: .string
        case CSJ_ARRAY: .array
        default: .object
        }
    }

    /// Whether the value is `null`.
    public var isNull: Bool { tag == CSJ_NULL }

    /// The value of a boolean, else nil.
    public var bool: Bool? {
        switch tag {
        case CSJ_TRUE: true
        case CSJ_FALSE: false
        default: nil
        }
    }

    /// The value as written, whitespace within it included.
    public var source: ArraySlice<UInt8> { storage.source[Int(node.start)..<Int(node.end)] }
}

// MARK: - Numbers

extension JSONValue {
    /// The number, exact where it is an integer of 64 bits, else nil.
    public var number: JSONNumber? {
        let node = node
        return switch csj_kind(node.kind) {
        case CSJ_INT64: .int(Int64(bitPattern: node.bits))
        case CSJ_UINT64: .uint(node.bits)
        case CSJ_DOUBLE: .double(Double(bitPattern: node.bits))
        default: nil
        }
    }

    /// The value of an integer that an `Int64` holds, else nil.
    public var int64: Int64? { tag == CSJ_INT64 ? Int64(bitPattern: node.bits) : nil }

    /// The value of an integer that a `UInt64` holds, else nil.
    public var uint64: UInt64? {
        switch tag {
        case CSJ_UINT64: node.bits
        case CSJ_INT64: UInt64(exactly: Int64(bitPattern: node.bits))
        default: nil
        }
    }

    /// The double nearest to any number, else nil.
    public var double: Double? { number?.double }
}

// MARK: - Strings

extension JSONValue {
    /// The unescaped text of a string, else nil.
    public var string: String? { tag == CSJ_STRING ? storage.string(at: index) : nil }

    /// Lends the unescaped bytes of a string, which are valid UTF-8 without NUL; nil for any other kind.
    public func withUTF8<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R? {
        tag == CSJ_STRING ? storage.withText(at: index, body) : nil
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as written.
    public var description: String { String(decoding: source, as: UTF8.self) }
}
