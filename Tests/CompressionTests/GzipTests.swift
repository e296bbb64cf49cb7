import Compression
import Testing

@Suite("Packing by gzip")
struct GzipTests {
    @Test(arguments: [0, 1, 1_000, 300_000])
    func `what is packed unpacks to the same`(count: Int) throws {
        for alphabet in [2, 256] {
            let bytes = (0..<count).map { _ in UInt8(Int.random(in: 0..<alphabet)) }
            let packed = bytes.withUnsafeBytes { Gzip.pack($0) }
            let inflater = GzipInflater()
            inflater.feed(packed)
            var text: [UInt8] = []
            while let piece = try inflater.next() { text += piece }
            try inflater.finish()
            #expect(text == bytes)
            if count == 300_000, alphabet == 2 { #expect(packed.count < count / 4) }
        }
    }
}
