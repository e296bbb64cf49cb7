/// Writes JSON into a byte array: commas and escapes by itself, no whitespace.
///
/// Calls nest as the JSON does:
/// ```swift
/// var writer = JSONWriter()
/// writer.object {
///     $0.member("type", "PaymentProcessed")
///     $0.key("tags")
///     $0.array { $0.string("new") }
/// }
/// ```
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []
    /// Whether the next value or key is not the first in its container.
    private var needsComma = false

    /// Makes an empty writer.
    public init() {}

    /// Writes `{`, what the body writes by ``key(_:)`` and values or by members, and `}`.
    public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container("{", "}", body)
    }

    /// Writes `[`, the values that the body writes, and `]`.
    public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container("[", "]", body)
    }

    /// Writes a key; the next call writes its value.
    public mutating func key(_ name: String) {
        startValue()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes JSON as it is.
    ///
    /// - Parameter json: one whole value, such as ``JSONValue/source``.
    public mutating func raw(_ json: some Collection<UInt8>) {
        startValue()
        bytes.append(contentsOf: json)
    }

    private mutating func container(
        _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        startValue()
        bytes.append(UInt8(ascii: opening))
        needsComma = false
        try body(&self)
        bytes.append(UInt8(ascii: closing))
        needsComma = true
    }

    /// Writes the comma before a value or key where one is due.
    private mutating func startValue() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// Copies the text in runs that need no escapes (RFC 8259 §7).
    private mutating func appendQuoted(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            bytes.append(UInt8(ascii: "\""))
            var start = 0
            for offset in 0..<utf8.count where Self.needsEscape(utf8[offset]) {
                bytes.append(contentsOf: utf8[start..<offset])
                appendEscape(utf8[offset])
                start = offset + 1
            }
            bytes.append(contentsOf: utf8[start...])
            bytes.append(UInt8(ascii: "\""))
        }
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            let digit = byte & 15
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}

// MARK: - Scalars

extension JSONWriter {
    /// Writes a string.
    public mutating func string(_ value: String) {
        startValue()
        appendQuoted(value)
    }

    /// Writes an integer.
    public mutating func int(_ value: Int64) { raw(String(value).utf8) }

    /// Writes an integer.
    public mutating func uint(_ value: UInt64) { raw(String(value).utf8) }

    /// Writes the shortest decimal that reads back as the same double.
    ///
    /// Not a number and infinity, which JSON lacks, become `null`; magnitudes below 1e-308, which the strict parse
    /// refuses, become 0.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        let isTooSmall = value != 0 && value.magnitude < 1e-308
        raw((isTooSmall ? 0 : value).description.utf8)
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { raw((value ? "true" : "false").utf8) }

    /// Writes `null`.
    public mutating func null() { raw("null".utf8) }

    /// Writes a parsed value as it was written.
    public mutating func value(_ value: JSONValue) { raw(value.source) }
}

// MARK: - Members

extension JSONWriter {
    /// Writes a key with a string.
    public mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a key with a string, or with `null` for nil.
    public mutating func member(_ name: String, _ value: String?) {
        guard let value else { return memberNull(name) }
        member(name, value)
    }

    /// Writes a key with an integer.
    public mutating func member(_ name: String, _ value: Int64) {
        key(name)
        int(value)
    }

    /// Writes a key with an integer.
    public mutating func member(_ name: String, _ value: Int) { member(name, Int64(value)) }

    /// Writes a key with a number; see ``double(_:)``.
    public mutating func member(_ name: String, _ value: Double) {
        key(name)
        double(value)
    }

    /// Writes a key with a boolean.
    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes a key with JSON as it is; see ``raw(_:)``.
    public mutating func memberRaw(_ name: String, _ json: some Collection<UInt8>) {
        key(name)
        raw(json)
    }

    /// Writes a key with `null`.
    public mutating func memberNull(_ name: String) {
        key(name)
        null()
    }
}
