import JSONTree
import Testing

struct WriterTests {
    @Test("Commas go where they belong")
    func commas() {
        var writer = JSONWriter()
        writer.object {
            $0.member("s", "text")
            $0.member("none", String?.none)
            $0.member("some", String?.some("x"))
            $0.member("i", 1)
            $0.member("l", Int64.min)
            $0.member("d", 1.5)
            $0.member("b", true)
            $0.memberNull("n")
            $0.memberRaw("r", "[1, 2]".utf8)
            $0.key("empty")
            $0.array { _ in }
            $0.key("nested")
            $0.array {
                $0.object { _ in }
                $0.array { $0.uint(.max) }
                $0.null()
                $0.bool(false)
            }
            $0.member("last", 0)
        }
        let expected =
            #"{"s":"text","none":null,"some":"x","i":1,"l":-9223372036854775808,"d":1.5,"b":true,"n":null,"#
            + #""r":[1, 2],"empty":[],"nested":[{},[18446744073709551615],null,false],"last":0}"#
        #expect(text(writer) == expected)
    }

    @Test("Strings are escaped as RFC 8259 wants and no more")
    func escapes() {
        var writer = JSONWriter()
        writer.string("\"\\/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é\u{2028}𝄞")
        #expect(text(writer) == "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7F}é\u{2028}𝄞\"")
    }

    @Test(
        "A double is written as the shortest text that reads back",
        arguments: [
            (0.1, "0.1"), (1, "1.0"), (-0.0, "-0.0"), (1e21, "1e+21"), (5e-7, "5e-07"), (.nan, "null"),
            (.infinity, "null"), (-.infinity, "null"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (.leastNonzeroMagnitude, "0.0"), (123456789.125, "123456789.125"),
        ])
    func doubles(_ value: Double, _ expected: String) {
        var writer = JSONWriter()
        writer.double(value)
        #expect(text(writer) == expected)
    }

    @Test("Random doubles survive a round trip bit by bit")
    func randomDoubles() throws {
        var random = SeededGenerator(seed: 1)
        var tried = 0
        while tried < 5000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite, value.magnitude >= 1e-308 else { continue }
            tried += 1
            var writer = JSONWriter()
            writer.double(value)
            #expect(try JSONDocument(writer.bytes).root.double?.bitPattern == value.bitPattern)
        }
    }

    @Test("A parsed value is copied as it was written")
    func parsedValue() throws {
        let value = try parse(#"{"a": 1.50}"#)
        var writer = JSONWriter()
        writer.array {
            $0.value(value)
            $0.value(value)
        }
        #expect(text(writer) == #"[{"a": 1.50},{"a": 1.50}]"#)
    }

    @Test("Pointers escape tilde and slash")
    func pointers() {
        #expect(JSONPointer.member("a/b~c", of: JSONPointer.element(3, of: "/x")) == "/x/3/a~1b~0c")
    }
}
