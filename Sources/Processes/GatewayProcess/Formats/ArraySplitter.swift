import JSONTree

/// Finds the elements of a JSON array, so that each can be parsed by itself: the tree of a whole array can be many
/// times the size of its text.
///
/// It knows brackets, strings and commas only. Whatever an element is, the strict parse decides; what is wrong between
/// elements is found here.
struct ArraySplitter {
    private let bytes: [UInt8]
    private var offset: Int
    private var hasElement = false

    /// Nil when the text is no array.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        offset = 0
        skipBlanks()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "[") else { return nil }
        offset += 1
    }

    /// The place of the next element, with the blanks after it; nil after the last.
    mutating func next() throws(JSONError) -> Range<Int>? {
        skipBlanks()
        switch current {
        case UInt8(ascii: "]"):
            try finish()
            return nil
        case UInt8(ascii: ",") where hasElement:
            offset += 1
            skipBlanks()
        case _ where hasElement: throw JSONError(code: .syntax, offset: offset)
        default: break
        }
        let start = offset
        skipElement()
        guard offset > start else { throw JSONError(code: .syntax, offset: offset) }
        hasElement = true
        return start..<offset
    }

    /// The tree of an element; the offset of an error counts from the start of the whole text.
    func parse(_ element: Range<Int>) throws(JSONError) -> JSONValue {
        do throws(JSONError) {
            return try JSONDocument(Array(bytes[element])).root
        } catch {
            throw JSONError(code: error.code, offset: element.lowerBound + error.offset)
        }
    }

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func finish() throws(JSONError) {
        offset += 1
        skipBlanks()
        guard offset == bytes.count else { throw JSONError(code: .trailing, offset: offset) }
    }

    private mutating func skipBlanks() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    /// Goes to the comma or the bracket that ends an element, or to the end of the text.
    private mutating func skipElement() {
        offset = bytes.withUnsafeBufferPointer { bytes in
            var place = offset
            var depth = 0
            while place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: "\""): place = Self.lastOfString(at: place, in: bytes)
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "]") where depth == 0, UInt8(ascii: ",") where depth == 0: return place
                case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
                default: break
                }
                place += 1
            }
            return place
        }
    }

    /// The place of the closing quote, or of the last byte.
    private static func lastOfString(at start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var place = start + 1
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place, bytes.count - 1)
    }
}
