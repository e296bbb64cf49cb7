import JSONTree
import Testing

@testable import EventModel

@Suite("Words, text queries and terms")
struct SearchTests {
    private static func words(_ text: String) -> [String] {
        Words.list(text).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func event(_ data: String, type: String = "t", subject: String? = nil) throws -> ParsedEvent {
        try ParsedEvent(
            Event(
                id: UniqueID(high: 1, low: 1), organizationID: UniqueID(high: 2, low: 2), part: 0, position: 1,
                type: type, source: "", subject: subject, time: Timestamp(microseconds: 0),
                receivedAt: Timestamp(microseconds: 0), producerID: nil, traceparent: nil, data: Array(data.utf8)))
    }

    private static let space = TermSpace(UniqueID(high: 2, low: 2))

    @Test("Words are runs of letters, digits and marks, in Unicode's lower case")
    func words() {
        #expect(Self.words("") == [])
        #expect(Self.words(" …!") == [])
        #expect(Self.words("Hello, WORLD 42") == ["hello", "world", "42"])
        #expect(Self.words("ada@example.com c-4711") == ["ada", "example", "com", "c", "4711"])
        #expect(Self.words("ÄRGER Straße ΟΔΟΣ οδος") == ["ärger", "straße", "οδοσ", "οδοσ"])
        #expect(Self.words("東京 tower") == ["東", "京", "tower"])
        #expect(Self.words("cafe\u{301} नमस्ते") == ["cafe\u{301}", "नमस्ते"])
        #expect(Self.words("\u{301}x") == ["x"])
        let uuid = "0190A5B2-0000-7000-8000-0000000000ff"
        #expect(Self.words("order \(uuid), paid") == ["order", uuid.lowercased(), "paid"])
        #expect(Self.words("\(uuid)x").count == 5 && Self.words("x\(uuid)").count == 5)
        #expect(Self.words("a😀b") == ["a", "b"])
        #expect(Self.words(String(repeating: "x", count: 130)).map(\.count) == [64, 64, 2])
    }

    @Test(
        "A query is words that all occur, and phrases",
        arguments: [
            ("refund", true), ("REFUND order", true), ("refun", false), ("refund cancelled", false),
            (#""first order""#, true), (#""order first""#, false), ("c-4711", true), ("4711-c", false),
            ("gold", true), ("vip", true), ("customer", true), ("kéy", false), ("17", false),
            (#""order refund""#, false),
            (#""first first order""#, true), ("PaymentProcessed", true), ("payment", false),
        ])
    func queries(_ query: String, _ matches: Bool) throws {
        let event = try Self.event(
            #"{"kéy":17,"note":"First first order","tags":["VIP","gold"],"deep":{"id":"c-4711"},"why":"refund"}"#,
            type: "PaymentProcessed", subject: "customer/9")
        let text = try TextQuery(query)
        #expect(text.matches(event) == matches)
        let terms = EventTerms(event, in: Self.space).terms
        if matches { #expect(text.terms(in: Self.space).isSubset(of: terms)) }
    }

    @Test("What is no query is refused", arguments: ["", "   ", "!?", #""open"#, String(repeating: "w ", count: 33)])
    func refusals(_ query: String) {
        #expect(throws: JSONValidationError.self) { try TextQuery(query) }
    }

    @Test("A value has one term, however it is written, and at every index of an array")
    func values() throws {
        let terms = EventTerms(
            try Self.event(#"{"a":[1.0,{"b":"x\u0041"}],"big":18446744073709551615}"#), in: Self.space)
        #expect(terms.terms.contains(Self.space.path(try JSONPath("a[7]")).number(.int(1))))
        #expect(terms.terms.contains(Self.space.path(try JSONPath("a[0].b")).text("xA".utf8)))
        #expect(terms.terms.contains(Self.space.path(try JSONPath("big")).number(.uint(.max))))
        #expect(!terms.terms.contains(Self.space.path(try JSONPath("a")).number(.int(1))))
        #expect(!terms.terms.contains(TermSpace(UniqueID(high: 3, low: 3)).path(try JSONPath("a[0]")).number(.int(1))))
        #expect(!terms.isTruncated)
    }

    @Test("What is stored in the index never changes")
    func stability() throws {
        let place = Self.space.path(try JSONPath("a.b[0]"))
        #expect(Self.space.word("word".utf8) == -534_508_027_517_559_582)
        #expect(place.number(.int(1)) == 1_286_817_010_384_505_584)
        #expect(Self.space.member(.type, "T") == -342_020_791_415_514_595)
    }

    @Test("An event has at most 256 terms, and says when that were too few")
    func bounds() throws {
        let many = "{\"a\":[" + (0..<400).map { "\($0)" }.joined(separator: ",") + "]}"
        let terms = EventTerms(try Self.event(many), in: Self.space)
        #expect(terms.terms.count == 256 && terms.isTruncated)
        let long = EventTerms(
            try Self.event(#"{"a":""# + String(repeating: "ab ", count: 5_000) + "\"}"), in: Self.space)
        #expect(!long.isTruncated && long.terms.contains(Self.space.word("ab".utf8)))
    }
}
