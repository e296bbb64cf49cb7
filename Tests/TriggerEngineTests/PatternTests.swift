import JSONTree
import Testing

@testable import TriggerEngine

@Suite("Globs and addresses")
struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        try Glob(pattern, pointer: "").matches(text)
    }

    @Test("A star stands for any characters, and the rest for itself")
    func globs() throws {
        for (pattern, text) in [
            ("*", ""), ("*", "anything"), ("order.*", "order."), ("order.*", "order.paid"), ("*.paid", "order.paid"),
            ("a*b*c", "aXbYc"), ("a*b*c", "abc"), ("a**c", "ac"), ("order.paid", "order.paid"), ("*é*", "caféé"),
        ] { #expect(try matches(pattern, text), "\(pattern) \(text)") }
        for (pattern, text) in [
            ("order.*", "order"), ("order.*", "reorder.x"), ("*.paid", "order.paid2"), ("a*b*c", "acb"),
            ("ab*bc", "abc"),
            ("order.paid", "order.paidx"), ("order.paid", "Order.paid"), ("a?c", "abc"), ("[a]", "a"),
        ] { #expect(try !matches(pattern, text), "\(pattern) \(text)") }
        #expect(problems { _ = try Glob("", pointer: "/x") }.count == 1)
        #expect(problems { _ = try Glob(String(repeating: "a", count: 256), pointer: "/x") }.count == 1)
    }

    @Test("A random glob matches what trying everything finds", arguments: 0..<20)
    func randomGlobs(seed: Int) throws {
        func reference(_ pattern: Substring, _ text: Substring) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            guard first == "*" else { return text.first == first && reference(pattern.dropFirst(), text.dropFirst()) }
            return reference(pattern.dropFirst(), text) || (!text.isEmpty && reference(pattern, text.dropFirst()))
        }
        var chance = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<300 {
            let pattern = (0..<Int.random(in: 1..<8, using: &chance)).map { _ in
                "ab*".randomElement(using: &chance).map(String.init) ?? ""
            }.joined()
            let text = (0..<Int.random(in: 0..<10, using: &chance)).map { _ in
                "ab".randomElement(using: &chance).map(String.init) ?? ""
            }.joined()
            #expect(try matches(pattern, text) == reference(pattern[...], text[...]), "\(pattern) \(text)")
        }
    }

    private func contains(_ block: String, _ address: String) -> Bool? {
        var address = address
        return AddressBlock(block).map { block in address.withUTF8 { block.contains($0) } }
    }

    @Test("Blocks hold the addresses that share their prefix")
    func blocks() {
        for (block, address) in [
            ("10.0.0.0/8", "10.255.0.1"), ("10.9.9.9/8", "10.0.0.0"), ("0.0.0.0/0", "1.2.3.4"), ("1.2.3.4", "1.2.3.4"),
            ("1.2.3.4/32", "::ffff:1.2.3.4"), ("::ffff:10.0.0.0/104", "10.1.1.1"), ("2001:db8::/32", "2001:DB8:0::1"),
            ("::/0", "1::"), ("::1", "0:0:0:0:0:0:0:1"), ("fe80::/10", "febf::1"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ] { #expect(contains(block, address) == true, "\(block) \(address)") }
        for (block, address) in [
            ("10.0.0.0/8", "11.0.0.0"), ("0.0.0.0/0", "::1"), ("::/0", "1.2.3.4"), ("2001:db8::/33", "2001:db8:8000::"),
            ("0.0.0.0/0", "1.2.3"), ("0.0.0.0/0", "1.2.3.04"), ("0.0.0.0/0", "1.2.3.256"), ("0.0.0.0/0", "0x1.2.3.4"),
            ("::/0", ":::"), ("::/0", "1::2::3"), ("::/0", "12345::"), ("::/0", "1:2:3:4:5:6:7:8:9"),
            ("::/0", "fe80::1%eth0"),
            ("::/0", "1:2:3:4:5:6:7:8::"), ("::/0", ":1"), ("::/0", ""), ("0.0.0.0/0", " 1.2.3.4"),
        ] { #expect(contains(block, address) == false, "\(block) \(address)") }
        for block in [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "a",
        ] {
            #expect(AddressBlock(block) == nil, "\(block)")
        }
    }

    @Test("Searching finds the first occurrence, however the needle overlaps itself")
    func searching() {
        for (haystack, needle) in [("aabaabaaab", "aabaaab"), ("abc", ""), ("", "a"), ("ababab", "abab"), ("aaa", "b")]
        {
            let search = ByteSearch(Array(needle.utf8))
            var text = haystack
            let end = text.withUTF8 { search.end(in: $0) }
            let expected = (0...haystack.utf8.count).first { start in
                Array(haystack.utf8.dropFirst(start)).starts(with: Array(needle.utf8))
            }
            #expect(end == expected.map { $0 + needle.utf8.count }, "\(haystack) \(needle)")
        }
    }
}
