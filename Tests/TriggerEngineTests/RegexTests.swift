import Testing

@testable import TriggerEngine

@Suite("Regular expressions")
struct RegexTests {
    @Test(
        "What matches",
        arguments: [
            ("", ""), ("", "abc"), ("abc", "xabcx"), ("^abc$", "abc"), ("a.c", "abc"), ("a.c", "a💶c"),
            ("[a-c]+", "xxb"),
            ("[^a-c]", "abcd"), (#"\d{3}-\d{4}"#, "call 555-1234 now"), (#"\bcat\b"#, "the cat sat"), ("a|b|c", "c"),
            ("(ab)+c", "ababc"), ("(?:ab)?c", "c"), ("a*", ""), ("^a{2,3}$", "aaa"), ("^a{2}$", "aa"),
            ("^a{2,}$", "aaaaa"),
            ("a+?b", "aab"), ("a{,2}", "a{,2}"), ("x{", "x{"), ("[]a]", "]"), ("[^]a]", "b"), ("[a-]", "-"),
            (#"[\d.]+"#, "1.5"),
            (#"\x41\u00e9"#, "Aé"), (#"\."#, "."), (#"\S+@\S+\.\w+"#, "mail ada@example.com"), ("^$", ""), ("$", "a"),
            (#"a\Bb"#, "ab"), ("^(a|ab)(c|bcd)$", "abcd"), ("[ä-ü]", "ö"), ("(|a)b", "b"), ("()+x", "x"),
            ("(a*)*b", "aab"),
            ("(^a|b)c", "bc"), ("^a|b", "xb"), (#"[\w-]+"#, "a-b"), (#"\t"#, "\t"),
        ])
    func matching(pattern: String, text: String) throws {
        #expect(try text.hasMatch(of: pattern))
    }

    @Test(
        "What doesn't",
        arguments: [
            ("abc", "ab"), ("^abc", "xabc"), ("abc$", "abcx"), ("a.c", "a\nc"), ("[a-c]", "d"), ("[^a-c]", "abc"),
            (#"\bcat\b"#, "concatenate"), ("^a{2,3}$", "aaaa"), ("^a{2}$", "a"), (#"\d"#, "٣"), (#"\w"#, "é"),
            ("A", "a"),
            (#"a\bb"#, "ab"), ("^^b", "ab"), ("b^", "ab"), ("$a", "a"), ("^(a|b)*$", "abc"), ("(^a|^b)c", "xbc"),
        ])
    func notMatching(pattern: String, text: String) throws {
        #expect(try !text.hasMatch(of: pattern))
    }

    @Test(
        "What is not supported is said with its place",
        arguments: [
            ("(a", 0, "without its ')'"), ("a)", 1, "without its '('"), ("[a", 0, "without its ']'"),
            ("*a", 0, "nothing to repeat"), ("a**", 2, "can't be repeated"), ("a++", 2, "can't be repeated"),
            (#"(a)\1"#, 3, "backreferences"), (#"\k<x>"#, 0, "backreferences"), ("(?=a)", 2, "lookaround"),
            ("(?<n>a)", 2, "named groups"), ("(?i)a", 2, "flags"), (#"\p{L}"#, 0, "not supported"),
            ("a\\", 1, "escape"),
            ("[z-a]", 1, "not a range"), (#"[\d-z]"#, 1, "not a range"), ("[[:alpha:]]", 1, "named classes"),
            ("a{3,2}", 1, "above the greatest"), ("a{1001}", 1, "more than 1000"), (#"\xZZ"#, 0, "hexadecimal"),
            ("((a{100}){100}){100}", 0, "too large"), ("a{600}b{600}", 0, "too large"), ("|*", 1, "nothing to repeat"),
        ])
    func refused(pattern: String, offset: Int, reason: String) {
        let error = #expect(throws: RegexError.self) { _ = try Regex(pattern) }
        #expect(error?.offset == offset)
        #expect(error?.detail.contains(reason) == true, "\(error?.detail ?? "")")
    }

    @Test("Nesting and repeated nothing are bounded")
    func bounds() throws {
        let deep = String(repeating: "(", count: 60) + String(repeating: ")", count: 60)
        #expect(throws: RegexError.self) { _ = try Regex(deep) }
        #expect(try "".hasMatch(of: "(((){1000}){1000}){1000}"))
        #expect(throws: RegexError.self) { _ = try Regex(String(repeating: "a", count: 1_001)) }
    }

    @Test(
        "Patterns that ruin backtracking engines take linear time",
        arguments: ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*)*$", "(a*)*$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"])
    func pathological(pattern: String) throws {
        let text = String(repeating: "a", count: 20_000) + "!\n" + String(repeating: "x", count: 2_000)
        _ = try text.hasMatch(of: pattern)
    }
}
