import JSONTree
import Testing

@testable import GatewayProcess

@Suite("Elements of an array")
struct ArraySplitterTests {
    private func split(_ text: String) throws -> [String]? {
        guard var splitter = ArraySplitter(Array(text.utf8)) else { return nil }
        var elements: [String] = []
        while let place = try splitter.next() { elements.append(try splitter.parse(place).description) }
        return elements
    }

    @Test(arguments: [
        "[]", " [ ] ", "[1]", "[ 1 , 2 ]\n", #"["a,]\"[","\\",{"b":[1,{"c":"}"}]}]"#, "[[],[[1,2],[]],{}]",
        #"[null,true,1.5e3,"é"]"#, "\t[{\"a\":\"\\\\\"},\r\n-1]",
    ])
    func `are those of the whole tree`(text: String) throws {
        #expect(try split(text) == JSONDocument(text).root.elements.map(\.description))
    }

    @Test(arguments: ["{}", "1", "", "  ", "\"[\"", "]"])
    func `there are none of what is no array`(text: String) throws {
        #expect(try split(text) == nil)
    }

    @Test(arguments: [
        ("[", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("[1]]", 3), ("[1] x", 4),
        ("[{]", 2), ("[}]", 1),
    ])
    func `what is wrong between them is told with its offset`(text: String, offset: Int) throws {
        let error = #expect(throws: JSONError.self) { try split(text) }
        #expect(error?.offset == offset)
        #expect(throws: JSONError.self) { try JSONDocument(text) }
    }

    @Test(arguments: [#"[0,{"a":1,"a":2}]"#, "[1,[2,tru]]", #"["\ud800"]"#, #"[ "\u0000", 1]"#, "[1e999]"])
    func `what is wrong in them is told as by the whole parse`(text: String) throws {
        let error = #expect(throws: JSONError.self) { try split(text) }
        let whole = #expect(throws: JSONError.self) { try JSONDocument(text) }
        #expect(error == whole)
    }

    @Test func `random damage is refused by it exactly when the whole parse refuses it`() throws {
        var random = SystemRandomNumberGenerator()
        let text = Array(#"[{"a":[1,"x\"y"],"b":{"c":"],["}}, "s" ,[[]],-1.5,{"d":null}]"#.utf8)
        let bytes = Array(#"[]{},:" \1a"#.utf8)
        for _ in 0..<5_000 {
            var damaged = text
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: 1..<damaged.count, using: &random)
                if Bool.random(using: &random) {
                    damaged.remove(at: place)
                } else {
                    damaged[place] = bytes.randomElement(using: &random) ?? 0
                }
            }
            let sample = String(decoding: damaged, as: UTF8.self)
            #expect((try? split(sample)) == (try? JSONDocument(sample).root.elements.map(\.description)), "\(sample)")
        }
    }
}
