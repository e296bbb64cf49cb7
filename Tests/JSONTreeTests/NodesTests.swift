import JSONTree
import Testing

/// What a place of a tree is named by.
private func bytes(_ key: String) -> [UInt8] { Array(key.utf8) }

@Suite("Lent trees")
struct NodesTests {
    @Test("A member is found whatever the hint says")
    func hints() throws {
        let value = try parse(
            #"{"a":"b","b":{"a":1,"b":[{"a":2}],"":3},"\u0061b":"a","n":null,"longer than eight":4}"#)
        let expected = ["a": #""b""#, "ab": #""a""#, "n": "null", "longer than eight": "4"]
        for key in ["a", "b", "ab", "n", "longer than eight", "", "c", "longer than eighT"] {
            for hint: UInt32 in 0..<40 {
                let found = value.withNodes { nodes in
                    bytes(key).withUnsafeBufferPointer { nodes.member(of: nodes.root, $0, hint: hint) }
                }
                let text = found == 0 ? nil : value.value(at: found).description
                if key == "b" {
                    #expect(text?.hasPrefix("{") == true)
                } else {
                    #expect(text == expected[key], "\(key) with hint \(hint)")
                }
            }
        }
    }

    @Test("A member of an inner object is not one of the outer")
    func inner() throws {
        let value = try parse(#"{"o":{"k":1},"k":2}"#)
        value.withNodes { nodes in
            let key = bytes("k")
            let outer = key.withUnsafeBufferPointer { nodes.member(of: nodes.root, $0, hint: 0) }
            let object = bytes("o").withUnsafeBufferPointer { nodes.member(of: nodes.root, $0, hint: 0) }
            let inner = key.withUnsafeBufferPointer { nodes.member(of: object, $0, hint: outer) }
            #expect(nodes.bits(at: outer) == 2 && nodes.bits(at: inner) == 1)
            #expect(key.withUnsafeBufferPointer { nodes.member(of: nodes.root, $0, hint: inner) } == outer)
            #expect(key.withUnsafeBufferPointer { nodes.member(of: outer, $0, hint: 0) } == 0)
        }
    }

    @Test("Elements, strings and forms are those of the values")
    func places() throws {
        let value = try parse(#"[null,false,true,-1,18446744073709551615,1.5,"a\nb","plain",[],{}]"#)
        let forms: [JSONNodes.Form] = [
            .null, .no, .yes, .signed, .unsigned, .double, .string, .string, .array, .object,
        ]
        value.withNodes { nodes in
            var next = nodes.root + 1
            for (index, form) in forms.enumerated() {
                let place = nodes.element(of: nodes.root, at: index)
                #expect(place == next)
                #expect(nodes.form(at: place) == form)
                if form == .string {
                    #expect(String(decoding: nodes.string(at: place), as: UTF8.self) == value[index]?.string)
                }
                next = nodes.next(after: place)
            }
            #expect(nodes.element(of: nodes.root, at: forms.count) == 0)
            #expect(nodes.element(of: nodes.root, at: -1) == 0)
            #expect(nodes.element(of: nodes.root + 1, at: 0) == 0)
        }
    }
}
