import JSONTree
import Testing

@Suite("Merge patches and differences")
struct JSONDifferenceTests {
    /// The examples of RFC 7396, appendix A.
    @Test(
        "A merge patch does what its RFC shows",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ])
    func merge(_ target: String, _ patch: String, _ result: String) throws {
        let merged = try JSONDocument(target).root.merging(JSONDocument(patch).root)
        #expect(String(decoding: merged, as: UTF8.self) == result)
    }

    @Test(
        "A difference names the deepest place",
        arguments: [
            (#"{"a":1,"b":2}"#, #"{"b":2.0,"a":1}"#, []), ("1", "2", [""]), (#"{"a":1}"#, #"{"a":"1"}"#, ["/a"]),
            (#"{"a":[1,2,3]}"#, #"{"a":[1,3]}"#, ["/a/1", "/a/2"]), (#"{"a":1}"#, #"{"b":1}"#, ["/a", "/b"]),
            (#"{"a/b":{"~":[{"x":1}]}}"#, #"{"a/b":{"~":[{"x":2}]}}"#, ["/a~1b/~0/0/x"]),
            (#"{"a":{"b":1}}"#, #"{"a":[1]}"#, ["/a"]), (#"{"a":null}"#, "{}", ["/a"]),
        ] as [(String, String, [String])])
    func difference(_ before: String, _ after: String, _ pointers: [String]) throws {
        let found = try JSONDifference.between(JSONDocument(before).root, JSONDocument(after).root)
        #expect(found.map(\.pointer) == pointers)
    }

    @Test("A difference has what was there and what is there")
    func values() throws {
        let found = try JSONDifference.between(
            JSONDocument(#"{"a":1,"b":[1]}"#).root, JSONDocument(#"{"a":2,"b":[]}"#).root)
        #expect(found.map { $0.before?.description } == ["1", "1"])
        #expect(found.map { $0.after?.description } == ["2", nil])
    }
}
