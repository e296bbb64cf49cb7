import JSONTree
import Testing

struct PropertyTests {
    @Test("What is written is what is parsed", arguments: UInt64(0)..<40)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let tree = RandomTree.random(using: &random)
            var writer = JSONWriter()
            tree.write(to: &writer)
            let value = try JSONDocument(writer.bytes).root
            #expect(RandomTree(value) == tree)
            #expect(Array(value.source) == writer.bytes)
            #expect(try JSONDocument(Array(value.source)).root == value)
        }
    }

    /// Breaks valid documents in small ways and asks a slow parser of another make what is still valid.
    @Test("Damaged documents are judged as a plain parser judges them", arguments: UInt64(0)..<40)
    func damaged(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed &+ 1000)
        for _ in 0..<100 {
            var writer = JSONWriter()
            RandomTree.random(using: &random).write(to: &writer)
            var bytes = writer.bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.damage(&bytes, using: &random) }
            let refused = refusal(of: bytes)
            #expect((refused == nil) == ReferenceParser.accepts(bytes), "\(bytes): \(String(describing: refused))")
            if let refused { #expect((0...bytes.count).contains(refused.offset)) }
        }
    }

    /// Bytes that are likely to matter more often than chance would have them.
    private static let pieces: [[UInt8]] =
        [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "\\udc00", "\\u0000", "\\n", "0", "-", ".", "e",
            "1e308", "e-308", "99999999999999999999", "true", "null", " ", "\n", "\u{0}", "\u{C}", "\u{1A}", "é",
            "\u{FEFF}", "{\"a\":1,\"a\":1}", "\"a\":",
        ].map { Array($0.utf8) } + [[0xC3], [0xFF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]]

    private static func damage(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...4, using: &random))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.removeSubrange(place..<end)
        case 1: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        case 2: bytes[place] = UInt8.random(in: 0...255, using: &random)
        default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
        }
    }
}
