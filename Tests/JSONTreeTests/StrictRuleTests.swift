import JSONTree
import Testing

/// A text, the rule it breaks and the byte at which it does.
struct Refusal: Sendable {
    let text: String
    let code: JSONError.Code
    let offset: Int

    init(_ text: String, _ code: JSONError.Code, at offset: Int) {
        self.text = text
        self.code = code
        self.offset = offset
    }
}

struct StrictRuleTests {
    static let refusals = [
        Refusal("", .empty, at: 0),
        Refusal(" \n\t", .empty, at: 0),
        Refusal("\u{FEFF}{}", .byteOrderMark, at: 0),
        Refusal("{} {}", .trailing, at: 3),
        Refusal("[1],", .trailing, at: 3),
        Refusal("1 2", .trailing, at: 2),
        Refusal("\"a\"b", .trailing, at: 3),
        Refusal("[1 2]", .syntax, at: 3),
        Refusal("[1,]", .syntax, at: 3),
        Refusal("{\"a\" 1}", .syntax, at: 5),
        Refusal("{\"a\":1,}", .syntax, at: 7),
        Refusal("{\"a\":}", .syntax, at: 5),
        Refusal("{1:2}", .syntax, at: 1),
        Refusal("[1", .syntax, at: 2),
        Refusal("{\"a\":", .syntax, at: 5),
        Refusal("[\"abc", .syntax, at: 1),
        Refusal("[\"a\", \"b]", .syntax, at: 6),
        Refusal("[trUe]", .syntax, at: 3),
        Refusal("[truex]", .syntax, at: 5),
        Refusal("nul", .syntax, at: 3),
        Refusal("[1]]", .trailing, at: 3),
        Refusal("[1}", .syntax, at: 2),
        Refusal("[01]", .syntax, at: 2),
        Refusal("[-]", .syntax, at: 2),
        Refusal("[1.]", .syntax, at: 3),
        Refusal("[1e]", .syntax, at: 3),
        Refusal("[1e+]", .syntax, at: 4),
        Refusal("[1x]", .syntax, at: 2),
        Refusal("[+1]", .syntax, at: 1),
        Refusal("[1\"x\"]", .syntax, at: 2),
        Refusal(#"["a\x"]"#, .syntax, at: 3),
        Refusal(#"["a\u12G4"]"#, .syntax, at: 3),
        Refusal(#"["\u00"]"#, .syntax, at: 2),
        Refusal(#"[\"a"]"#, .syntax, at: 1),
        Refusal(#"["a\u0000b"]"#, .nulCharacter, at: 3),
        Refusal(#"{"\u0000":1}"#, .nulCharacter, at: 2),
        Refusal(#"["a\ud800"]"#, .loneSurrogate, at: 3),
        Refusal(#"["\ud800\n"]"#, .loneSurrogate, at: 2),
        Refusal(#"["ab\udfff"]"#, .loneSurrogate, at: 4),
        Refusal(#"["\ud800\ud800"]"#, .loneSurrogate, at: 2),
        Refusal(#"["\ud83d\ude00\ud83d"]"#, .loneSurrogate, at: 14),
        Refusal(#"["\ud800\uzzzz"]"#, .syntax, at: 8),
        Refusal("[\"a\u{0}\"]", .controlCharacter, at: 3),
        Refusal("[\"ab\nc\"]", .controlCharacter, at: 4),
        Refusal("{\"a\u{1F}\":1}", .controlCharacter, at: 3),
        Refusal("[\u{0}]", .syntax, at: 1),
        Refusal("[1\u{C}]", .syntax, at: 2),
        Refusal("{\"a\u{1A} 1}", .controlCharacter, at: 3),
        Refusal("{\"a\"\u{1A}1}", .syntax, at: 4),
        Refusal("[1\u{A0}]", .syntax, at: 2),
        Refusal(#"{"a":1,"b":2,"a":3}"#, .duplicateKey, at: 13),
        Refusal(#"{"a":1,"\u0061":3}"#, .duplicateKey, at: 7),
        Refusal(#"{"":1,"":3}"#, .duplicateKey, at: 6),
        Refusal(#"[{"x":{"k":1,"k":1}}]"#, .duplicateKey, at: 13),
        Refusal(#"{"x":{"k":1},"eight or more":2,"k":3,"eight or more":4}"#, .duplicateKey, at: 37),
        Refusal(#"{"four":1,"k":{"four":2},"four":3}"#, .duplicateKey, at: 25),
        Refusal(#"12"x""#, .syntax, at: 2),
        Refusal("[1e309]", .exponent, at: 2),
        Refusal("[1e-309]", .exponent, at: 2),
        Refusal("[-2.5E+400]", .exponent, at: 5),
        Refusal("[1.8e308]", .exponent, at: 4),
        Refusal("[10e308]", .exponent, at: 3),
        Refusal("[0.01e-307]", .exponent, at: 5),
        Refusal("[0e309]", .exponent, at: 2),
        Refusal("[1e131071]", .exponent, at: 2),
        Refusal("[1e99999999999999999999999999]", .exponent, at: 2),
    ]

    @Test("A broken rule is named with the byte that breaks it", arguments: refusals)
    func brokenRule(_ refused: Refusal) {
        #expect(refusal(of: refused.text) == JSONError(code: refused.code, offset: refused.offset))
    }

    @Test(
        "An ill-formed byte sequence is named by its first byte",
        arguments: [
            ([0x22, 0x61, 0xFF, 0x22], 2), ([0x5B, 0xC0, 0xAF, 0x5D], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
            ([0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], 1), ([0x22, 0xE2, 0x82, 0x22], 1), ([0x22, 0xC3], 1),
            ([0x31, 0x20, 0x80], 2), ([0x22, 0x5C, 0xE5, 0x22], 2),
        ] as [([UInt8], Int)])
    func illFormed(_ bytes: [UInt8], _ offset: Int) {
        #expect(refusal(of: bytes) == JSONError(code: .utf8, offset: offset))
    }

    @Test("Depth 64 is taken and the 65th bracket refused")
    func depth() {
        #expect(refusal(of: SuiteCase.nested(64)) == nil)
        #expect(refusal(of: SuiteCase.nested(65)) == JSONError(code: .depth, offset: 64))
        let objects = String(repeating: #"{"a":"#, count: 65) + "1" + String(repeating: "}", count: 65)
        #expect(refusal(of: objects) == JSONError(code: .depth, offset: 64 * 5))
    }

    @Test("2,000 keys are taken and the next refused")
    func keys() {
        func object(_ count: Int) -> String { "{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}" }
        #expect(refusal(of: object(2000)) == nil)
        let tooMany = object(2001)
        #expect(refusal(of: tooMany) == JSONError(code: .keys, offset: tooMany.utf8.count - "\"2000\":0}".utf8.count))
    }

    @Test("The first repeated key is found in an object of any size", arguments: [2, 16, 17, 100, 1999])
    func repeatedKey(_ count: Int) {
        let members = (0..<count).map { "\"k\($0)\":0" } + ["\"k1\":1", "\"k0\":1"]
        let text = "{" + members.joined(separator: ",") + "}"
        let offset = text.utf8.count - "\"k1\":1,\"k0\":1}".utf8.count
        #expect(refusal(of: text)?.offset == (count == 1999 ? text.utf8.count - "\"k0\":1}".utf8.count : offset))
        #expect(refusal(of: text)?.code == (count == 1999 ? .keys : .duplicateKey))
    }

    @Test("Keys that only look alike are two keys")
    func lookalikes() throws {
        let value = try parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value.count == 2)
        #expect(value["\u{E9}"]?.int64 == 1)
        #expect(value["e\u{301}"]?.int64 == 2)
    }

    @Test("40 significant digits are taken and the 41st refused")
    func digits() {
        let digits = String(repeating: "7", count: 40)
        #expect(refusal(of: digits) == nil)
        #expect(refusal(of: "-" + digits + "e-3") == nil)
        #expect(refusal(of: "0.000" + digits) == nil)
        // What jsonb makes of 1e300 is taken again; digits after the zeros make them count.
        #expect(refusal(of: "1" + String(repeating: "0", count: 300)) == nil)
        #expect(refusal(of: "1" + String(repeating: "0", count: 39) + "5") == JSONError(code: .digits, offset: 40))
        #expect(refusal(of: "1" + String(repeating: "0", count: 39) + ".5") == JSONError(code: .digits, offset: 41))
        #expect(refusal(of: digits + "8") == JSONError(code: .digits, offset: 40))
        #expect(refusal(of: "0.000" + digits + "0") == JSONError(code: .digits, offset: 45))
        #expect(refusal(of: "1." + digits) == JSONError(code: .digits, offset: 41))
    }

    @Test("Numbers at the edge of doubles are taken")
    func edges() throws {
        #expect(try parse("1.7976931348623157e308").double == .greatestFiniteMagnitude)
        #expect(try parse("-1.7976931348623157e308").double == -.greatestFiniteMagnitude)
        #expect(try parse("1e-308").double == 1e-308)
        #expect(try parse("2.2250738585072014e-308").double == .leastNormalMagnitude)
        #expect(try parse("0e308").double == 0)
        #expect(try parse("0.0").double == 0)
        #expect(refusal(of: "0." + String(repeating: "0", count: 400)) == JSONError(code: .exponent, offset: 0))
    }

    @Test("A text of more than 64 MiB is refused before it is looked at")
    func tooLarge() {
        let bytes = [UInt8](repeating: 0x20, count: (64 << 20) + 1)
        #expect(refusal(of: bytes) == JSONError(code: .tooLarge, offset: 64 << 20))
    }

    @Test("A description tells the rule and the offset and nothing of the text")
    func description() {
        let error = refusal(of: #"{"secret":1,"secret":2}"#)
        #expect(error?.description == "a key that its object already has, at byte 12")
    }
}
