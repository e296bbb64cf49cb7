import JSONTree
import Testing

struct PathTests {
    @Test(
        "A path is read into steps",
        arguments: [
            ("a", [.key("a")]),
            ("a.b", [.key("a"), .key("b")]),
            ("a.b[0]", [.key("a"), .key("b"), .index(0)]),
            ("a.b[0][\"odd key\"]", [.key("a"), .key("b"), .index(0), .key("odd key")]),
            ("[2]", [.index(2)]),
            ("[\"\"]", [.key("")]),
            ("[\"a.b\"].c", [.key("a.b"), .key("c")]),
            (#"["q\"\\\u0041]"]"#, [.key("q\"\\A]")]),
            ("größe.π", [.key("größe"), .key("π")]),
            ("odd key.0", [.key("odd key"), .key("0")]),
            ("a[2147483647]", [.key("a"), .index(2_147_483_647)]),
        ] as [(String, [JSONPath.Component])])
    func steps(_ text: String, _ components: [JSONPath.Component]) throws {
        let path = try JSONPath(text)
        #expect(path.components == components)
        #expect(try JSONPath(path.description) == path)
    }

    @Test(
        "What is not a path is refused at the byte that doesn't fit",
        arguments: [
            ("", 0), (".a", 0), ("a.", 2), ("a..b", 2), ("a[", 2), ("a[]", 2), ("a[x]", 2), ("a[1", 3), ("a[01]", 2),
            ("a[-1]", 2), ("a[99999999999]", 2), ("a]", 1), ("a\"b", 1), ("a[\"b]", 2), ("a[\"b\"", 5),
            ("a[\"b\"x]", 5),
            ("a[0]b", 4), (#"["\x"]"#, 2), (#"["\ud800"]"#, 2), ("a.[0]", 2), ("a\n", 1), ("[\"a\\", 1),
        ])
    func refused(_ text: String, _ offset: Int) {
        let error = #expect(throws: JSONPathError.self) { try JSONPath(text) }
        #expect(error?.offset == offset)
    }

    @Test("Paths are bounded")
    func bounds() {
        #expect(throws: Never.self) { try JSONPath(Array(repeating: "a", count: 64).joined(separator: ".")) }
        #expect(throws: JSONPathError.self) { try JSONPath(Array(repeating: "a", count: 65).joined(separator: ".")) }
        #expect(throws: JSONPathError.self) { try JSONPath(String(repeating: "a", count: 1025)) }
    }

    @Test("A description writes odd keys in brackets")
    func description() {
        let path = JSONPath(components: [.key("a"), .key("b.c"), .index(3), .key(""), .key("d")])
        #expect(path.description == #"a["b.c"][3][""].d"#)
    }

    @Test("A path leads to a value or to nothing")
    func lookup() throws {
        let value = try parse(#"{"a":{"b":[10,{"odd key":true}]},"a.b":"dotted"}"#)
        #expect(value.value(at: try JSONPath("a.b[0]"))?.int64 == 10)
        #expect(value.value(at: try JSONPath(#"a.b[1]["odd key"]"#))?.bool == true)
        #expect(value.value(at: try JSONPath(#"["a.b"]"#))?.string == "dotted")
        for nowhere in ["b", "a.c", "a.b[2]", "a[0]", "a.b.c", "a.b[0].x", "[0]"] {
            #expect(value.value(at: try JSONPath(nowhere)) == nil)
        }
    }

    @Test("Paths whose keys only look alike differ")
    func lookalikes() throws {
        #expect(try JSONPath("\u{E9}") != JSONPath("e\u{301}"))
    }
}
