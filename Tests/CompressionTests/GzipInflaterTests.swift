import Compression
import Testing

@Suite("Unpacking gzip")
struct GzipInflaterTests {
    /// `printf 'hello, hello, hello' | gzip -n`
    private static let hello: [UInt8] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8,
        0x40, 0xa2, 0x00, 0x9f, 0xa1, 0xca, 0x09, 0x13, 0x00, 0x00, 0x00,
    ]

    private func unpack(_ packed: [UInt8], chunk: Int) throws -> [UInt8] {
        let inflater = GzipInflater()
        var text: [UInt8] = []
        for start in stride(from: 0, to: packed.count, by: chunk) {
            inflater.feed(Array(packed[start..<min(start + chunk, packed.count)]))
            while let piece = try inflater.next() { text += piece }
        }
        try inflater.finish()
        return text
    }

    @Test(arguments: [1, 2, 7, 100])
    func `however it is cut`(chunk: Int) throws {
        #expect(try unpack(Self.hello, chunk: chunk) == Array("hello, hello, hello".utf8))
    }

    @Test(arguments: [3, 1_000])
    func `members follow each other`(chunk: Int) throws {
        #expect(
            try unpack(Self.hello + Self.hello, chunk: chunk) == Array("hello, hello, hellohello, hello, hello".utf8))
    }

    @Test func `what ends too early is truncated`() {
        for count in 0..<Self.hello.count {
            #expect(throws: GzipError.truncated) { try unpack(Array(Self.hello.prefix(count)), chunk: 5) }
        }
    }

    @Test func `a wrong checksum, a wrong start and what follows the end are damage`() {
        var checksum = Self.hello
        checksum[22] ^= 1
        for packed in [checksum, Array("hello".utf8) + Self.hello, Self.hello + [0, 1, 2]] {
            #expect(throws: GzipError.damaged) { try unpack(packed, chunk: 6) }
        }
    }
}
