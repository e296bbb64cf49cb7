/// Reads a path from left to right.
struct PathParser {
    static let maximumLength = 1024
    static let maximumComponents = 64

    private let bytes: [UInt8]
    private var offset = 0
    private var components: [JSONPath.Component] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Whether a key is written without brackets: it could be, and a reader sees where it ends.
    static func isPlain(_ key: String) -> Bool {
        !key.isEmpty && key.utf8.allSatisfy { isPlain($0) && $0 != UInt8(ascii: " ") }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x1F, 0x7F, UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""): false
        default: true
        }
    }

    mutating func parse() throws(JSONPathError) -> [JSONPath.Component] {
        guard !bytes.isEmpty else { throw error("a path can't be empty") }
        guard bytes.count <= Self.maximumLength else {
            throw JSONPathError(offset: Self.maximumLength, reason: "a path has at most 1,024 bytes")
        }
        if current != UInt8(ascii: "[") { try parseKey() }
        while let byte = current {
            guard components.count < Self.maximumComponents else { throw error("a path has at most 64 steps") }
            switch byte {
            case UInt8(ascii: "."):
                offset += 1
                try parseKey()
            case UInt8(ascii: "["):
                offset += 1
                try parseBracket()
            default:
                throw error("expected '.' or '['")
            }
        }
        return components
    }

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func error(_ reason: String) -> JSONPathError {
        JSONPathError(offset: offset, reason: reason)
    }

    private mutating func parseKey() throws(JSONPathError) {
        let start = offset
        while let byte = current, Self.isPlain(byte) { offset += 1 }
        guard offset > start else { throw error("expected a key") }
        components.append(.key(String(decoding: bytes[start..<offset], as: UTF8.self)))
    }

    private mutating func parseBracket() throws(JSONPathError) {
        components.append(current == UInt8(ascii: "\"") ? try parseQuoted() : try parseIndex())
        guard current == UInt8(ascii: "]") else { throw error("expected ']'") }
        offset += 1
    }

    private mutating func parseIndex() throws(JSONPathError) -> JSONPath.Component {
        let start = offset
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        let digits = bytes[start..<offset]
        guard !digits.isEmpty else { throw error("expected an index or a quoted key") }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0"),
            let index = Int32(String(decoding: digits, as: UTF8.self))
        else { throw JSONPathError(offset: start, reason: "not an index of an array") }
        return .index(Int(index))
    }

    private mutating func parseQuoted() throws(JSONPathError) -> JSONPath.Component {
        let start = offset
        offset += 1
        while let byte = current, byte != UInt8(ascii: "\"") {
            offset += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        guard offset < bytes.count else {
            throw JSONPathError(offset: start, reason: "a quoted key without its closing quote")
        }
        offset += 1
        do throws(JSONError) {
            guard let key = try JSONDocument(Array(bytes[start..<offset])).root.string else { throw JSONError.noKey }
            return .key(key)
        } catch {
            throw JSONPathError(offset: start + error.offset, reason: error.code.explanation)
        }
    }
}

extension JSONError {
    fileprivate static let noKey = JSONError(code: .syntax, offset: 0)
}
