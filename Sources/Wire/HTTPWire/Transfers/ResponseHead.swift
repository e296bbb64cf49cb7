/// Reads the lines of a response's head, one at a time, and bounds what they may be.
///
/// Interim responses (1xx) come first and are dropped; trailers come after the body and are kept. All of them count.
struct ResponseHead {
    /// Bytes of all lines together.
    static let maximumBytes = 64 * 1024

    private(set) var fields: [HTTPRequest.Header] = []
    private(set) var byteCount = 0
    /// Whether the empty line has come that ends the head: libcurl takes a connection that ends before it for a
    /// response.
    private(set) var isComplete = false

    /// Takes a line.
    ///
    /// - Returns: false when there are too many.
    mutating func receive(_ line: some Collection<UInt8>) -> Bool {
        byteCount += line.count
        guard byteCount <= Self.maximumBytes else { return false }
        if line.starts(with: "HTTP/".utf8) {
            fields.removeAll()
            isComplete = false
        } else if line.first == UInt8(ascii: "\r") || line.first == UInt8(ascii: "\n") {
            isComplete = true
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = String(decoding: Self.trimmed(line[line.index(after: colon)...]), as: UTF8.self)
            fields.append((name, value))
        }
        return true
    }

    private static func trimmed<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { [0x20, 0x09, 0x0D, 0x0A].contains($0) }
        return bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    }
}
