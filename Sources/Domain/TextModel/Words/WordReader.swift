/// Reads the words of a text: runs of letters and digits, in lower case.
///
/// A capital after a small letter begins a word, so that `PaymentProcessed` is two. Case is folded letter by letter, as
/// far as Unicode maps one to one. Ideographs, which have no spaces between words, make one word of a run; its pieces
/// are what two such texts share.
struct WordReader {
    /// Longer words are cut into words of this length: they are no words, but tokens or data.
    private static let longestWord = 64

    private var budget: Int
    private var word: [UInt32] = []

    init(budget: Int) {
        self.budget = budget
        word.reserveCapacity(Self.longestWord)
    }

    /// Whether no more letters will be read.
    var isExhausted: Bool { budget <= 0 }

    /// Lends each word of valid UTF-8, in order.
    mutating func read(_ text: UnsafeBufferPointer<UInt8>, _ body: ([UInt32]) -> Void) {
        var wasSmall = false
        var position = 0
        while position < text.count, budget > 0 {
            let byte = text[position]
            let letter: Letter
            if byte < 0x80 {
                letter = Letter(ascii: byte)
                position += 1
            } else {
                letter = Letter(text, at: &position)
            }
            budget -= 1
            guard let folded = letter.folded else {
                finish(body)
                wasSmall = false
                continue
            }
            if letter.isCapital && wasSmall || word.count == Self.longestWord { finish(body) }
            word.append(folded)
            wasSmall = !letter.isCapital
        }
        finish(body)
    }

    private mutating func finish(_ body: ([UInt32]) -> Void) {
        guard !word.isEmpty else { return }
        body(word)
        word.removeAll(keepingCapacity: true)
    }
}

/// A scalar as words are made of it.
private struct Letter {
    /// In lower case; nil when it is no part of a word.
    let folded: UInt32?
    let isCapital: Bool

    init(ascii byte: UInt8) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            folded = UInt32(byte)
            isCapital = false
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            folded = UInt32(byte | 0x20)
            isCapital = true
        default:
            folded = nil
            isCapital = false
        }
    }

    /// Decodes the scalar of two to four bytes at a position, and moves past it.
    init(_ text: UnsafeBufferPointer<UInt8>, at position: inout Int) {
        let lead = text[position]
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        var code = UInt32(lead) & (0x7F >> UInt32(length))
        let end = min(position + length, text.count)
        for index in (position + 1)..<end { code = code << 6 | UInt32(text[index] & 0x3F) }
        position = end
        let properties = Unicode.Scalar(code)?.properties
        guard let properties, properties.isAlphabetic || properties.numericType != nil || properties.isEmoji else {
            folded = nil
            isCapital = false
            return
        }
        isCapital = properties.isUppercase
        guard isCapital, properties.lowercaseMapping.unicodeScalars.count == 1 else {
            folded = code
            return
        }
        folded = properties.lowercaseMapping.unicodeScalars.first?.value
    }
}
