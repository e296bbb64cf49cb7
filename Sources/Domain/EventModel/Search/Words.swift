/// Cuts text into the words by which it is searched: runs of letters, digits and marks, in lower case.
///
/// Lower case is Unicode's, scalar by scalar and without regard to language; the final sigma is a sigma. An ideograph
/// is a word of its own, because such text has no spaces; whoever searches several gets them in sequence. A UUID is one
/// word. A run of more than 64 scalars, which is data and no word, is cut into pieces of that length. Nothing is
/// normalised: an accent written as a mark of its own is another word than the composed letter.
public enum Words {
    /// Most scalars of a word.
    public static let longest = 64

    /// Lends the UTF-8 of each word in order, until the body returns false; returns whether it never did.
    @discardableResult
    public static func forEach(
        in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        var cutter = Cutter()
        var position = 0
        while position < text.count {
            let byte = text[position]
            if cutter.isBetweenWords, isUUID(text, at: position) {
                guard cutter.takeUUID(text[position..<position + uuidLength], body) else { return false }
                position += uuidLength
                continue
            }
            guard byte < 0x80 else {
                guard cutter.take(Self.scalar(in: text, at: &position), body) else { return false }
                continue
            }
            position += 1
            guard cutter.take(ascii: byte, body) else { return false }
        }
        return cutter.finish(body)
    }

    /// The words of a text.
    public static func list(_ text: String) -> [[UInt8]] {
        var text = text
        return text.withUTF8 { list($0) }
    }

    static func list(_ text: UnsafeBufferPointer<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = []
        forEach(in: text) {
            words.append(Array($0))
            return true
        }
        return words
    }

    private static let uuidLength = 36

    /// Whether 8-4-4-4-12 hexadecimal digits stand at a position, and no letter or digit of ASCII after them.
    private static func isUUID(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Bool {
        let end = position + uuidLength
        guard end <= text.count, text[position + 8] == UInt8(ascii: "-") else { return false }
        for offset in 0..<uuidLength {
            let byte = text[position + offset]
            let isRight =
                switch offset {
                case 8, 13, 18, 23: byte == UInt8(ascii: "-")
                default: isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
                }
            guard isRight else { return false }
        }
        guard end < text.count else { return true }
        return !isDigit(text[end]) && !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[end] | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Decodes the scalar of two to four bytes at a position of valid UTF-8, and moves past it.
    private static func scalar(in text: UnsafeBufferPointer<UInt8>, at position: inout Int) -> Unicode.Scalar {
        let lead = text[position]
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        var code = UInt32(lead) & (0x7F >> UInt32(length))
        let end = min(position + length, text.count)
        for index in (position + 1)..<end { code = code << 6 | UInt32(text[index] & 0x3F) }
        position = end
        return Unicode.Scalar(code) ?? "\u{FFFD}"
    }
}

/// The word that is being read.
private struct Cutter {
    private var word: [UInt8] = []
    private var scalars = 0

    var isBetweenWords: Bool { scalars == 0 }

    mutating func takeUUID(
        _ text: Slice<UnsafeBufferPointer<UInt8>>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        word.append(contentsOf: text.lazy.map { $0 | 0x20 })
        return finish(body)
    }

    mutating func take(ascii byte: UInt8, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            word.append(byte)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            word.append(byte | 0x20)
        default:
            return finish(body)
        }
        scalars += 1
        return scalars < Words.longest || finish(body)
    }

    mutating func take(_ scalar: Unicode.Scalar, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        let properties = scalar.properties
        if properties.isIdeographic {
            guard finish(body) else { return false }
            append(scalar)
            return finish(body)
        }
        let isMark = properties.generalCategory == .nonspacingMark || properties.generalCategory == .spacingMark
        guard properties.isAlphabetic || properties.numericType != nil || (isMark && scalars > 0) else {
            return finish(body)
        }
        if scalar == "ς" {
            append("σ")
        } else {
            word.append(contentsOf: properties.lowercaseMapping.utf8)
        }
        scalars += 1
        return scalars < Words.longest || finish(body)
    }

    /// Ends the word, if there is one.
    mutating func finish(_ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        guard !word.isEmpty else { return true }
        let goesOn = word.withUnsafeBufferPointer(body)
        word.removeAll(keepingCapacity: true)
        scalars = 0
        return goesOn
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        word.append(contentsOf: UTF8.encode(scalar)!)
    }
}
