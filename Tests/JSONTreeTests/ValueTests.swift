import JSONTree
import Testing

struct ValueTests {
    @Test("A value knows its kind")
    func kinds() throws {
        let value = try parse(#"[null,true,false,1,-1,1.0,1e2,"s",[],{}]"#)
        let kinds: [JSONValue.Kind] = [
            .null, .boolean, .boolean, .integer, .integer, .number, .number, .string, .array, .object,
        ]
        #expect(value.elements.map(\.kind) == kinds)
        #expect(value[0]?.isNull == true)
        #expect(value[1]?.bool == true)
        #expect(value[2]?.bool == false)
        #expect(value[3]?.bool == nil)
        #expect(value[7]?.string == "s")
        #expect(value[0]?.string == nil)
        #expect(value[10] == nil)
        #expect(value[-1] == nil)
    }

    @Test("Integers are exact to 64 bits and doubles beyond")
    func integers() throws {
        let value = try parse(
            "[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615,"
                + "18446744073709551616,-9223372036854775809,-0]")
        #expect(value[0]?.int64 == .max)
        #expect(value[0]?.uint64 == UInt64(Int64.max))
        #expect(value[1]?.int64 == .min)
        #expect(value[1]?.uint64 == nil)
        #expect(value[2]?.int64 == nil)
        #expect(value[2]?.uint64 == 1 << 63)
        #expect(value[3]?.uint64 == .max)
        #expect(value[4]?.kind == .number)
        #expect(value[4]?.double == 0x1p64)
        #expect(value[5]?.kind == .number)
        #expect(value[5]?.double == -0x1p63)
        #expect(value[6]?.kind == .integer)
        #expect(value[6]?.int64 == 0)
    }

    @Test(
        "A double is the one nearest to its text",
        arguments: ["0.1", "123.456e7", "5e-1", "9007199254740993.0", "0.30000000000000004", "1E5", "-0.0"])
    func doubles(_ number: String) throws {
        #expect(try parse(number).double?.bitPattern == Double(number)?.bitPattern)
    }

    @Test("Members keep their order and elements their place")
    func containers() throws {
        let value = try parse(#"{"b":{"x":[1,[2,3],4]},"a":"é","c\n":null}"#)
        #expect(value.members.map(\.key) == ["b", "a", "c\n"])
        #expect(value["a"]?.string == "é")
        #expect(value["c\n"]?.isNull == true)
        #expect(value["x"] == nil)
        #expect(value["b"]?["x"]?.count == 3)
        #expect(value["b"]?["x"]?[2]?.int64 == 4)
        #expect(value["b"]?["x"]?[1]?.elements.compactMap(\.int64) == [2, 3])
        #expect(value["a"]?.members.map(\.key) == [])
        #expect(value[0] == nil)
    }

    @Test("The source of a value is what was written")
    func source() throws {
        let value = try parse(#" {"a" : [1.50, "x\u0041" ] , "b":-0 } "#)
        #expect(value.description == #"{"a" : [1.50, "x\u0041" ] , "b":-0 }"#)
        #expect(value["a"]?.description == #"[1.50, "x\u0041" ]"#)
        #expect(value["a"]?[0]?.description == "1.50")
        #expect(value["a"]?[1]?.description == #""x\u0041""#)
        #expect(value["b"]?.description == "-0")
    }

    @Test("Escapes are undone")
    func escapes() throws {
        let value = try parse(#"["\"\\\/\b\f\n\r\t","\u00e9\u20ac\ud834\udd1e","a\u0041b\u0042c"]"#)
        #expect(value.elements.compactMap(\.string) == ["\"\\/\u{8}\u{C}\n\r\t", "é€𝄞", "aAbBc"])
        #expect(value[2]?.withUTF8 { Array($0) } == Array("aAbBc".utf8))
        #expect(value.withUTF8 { $0.count } == nil)
    }

    @Test("A value outlives the document it was taken from")
    func lifetime() throws {
        func inner() throws -> JSONValue? { try JSONDocument(#"{"a":{"b":"deep"}}"#).root["a"] }
        let value = try inner()
        for _ in 0..<10 { _ = try JSONDocument("[1,2,3,4,5,6,7,8,9,10]") }
        #expect(value?["b"]?.string == "deep")
    }

    @Test(
        "Values that mean the same are equal",
        arguments: [
            ("1", "1.0"), ("100", "1e2"), ("-0", "0.0"), (#"{"a":1,"b":[2]}"#, #"{ "b":[2.0], "a":1 }"#),
            (#""\u0041""#, #""A""#), ("18446744073709551615", "18446744073709551615"), ("[]", "[ ]"), ("null", "null"),
        ])
    func equal(_ left: String, _ right: String) throws {
        #expect(try parse(left) == parse(right))
        #expect(try parse(right) == parse(left))
    }

    @Test(
        "Values that differ are not equal",
        arguments: [
            ("1", "\"1\""), ("9007199254740993", "9007199254740992.0"), ("[1,2]", "[2,1]"), ("[1]", "[1,1]"),
            (#"{"a":1}"#, #"{"a":1,"b":2}"#), (#"{"a":1}"#, #"{"b":1}"#), ("true", "false"), ("null", "false"),
            ("\"\u{E9}\"", "\"e\u{301}\""), ("[]", "{}"), ("18446744073709551615", "-1"), ("0", "null"),
        ])
    func different(_ left: String, _ right: String) throws {
        #expect(try parse(left) != parse(right))
        #expect(try parse(right) != parse(left))
    }

    @Test("A document larger than what a thread keeps is whole")
    func large() throws {
        let elements = (0..<100_000).map { "{\"id\":\($0),\"text\":\"line\\n\($0)\"}" }
        let value = try parse("[" + elements.joined(separator: ",") + "]")
        #expect(value.count == 100_000)
        #expect(value.elements.enumerated().allSatisfy { $1["id"]?.int64 == Int64($0) })
        #expect(value[99_999]?["text"]?.string == "line\n99999")
    }

    @Test("Parallel parses don't disturb one another")
    func parallel() async throws {
        let sums = try await withThrowingTaskGroup(of: Int64.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var sum: Int64 = 0
                    for round in 0..<500 {
                        let value = try JSONDocument("{\"a\\n\":[\(task),\(round)],\"b\":\"\\u00e9\"}").root
                        sum += value["a\n"]?.elements.compactMap(\.int64).reduce(0, +) ?? 0
                        if round % 10 == 0 { await Task.yield() }
                    }
                    return sum
                }
            }
            return try await group.reduce(into: [Int64]()) { $0.append($1) }
        }
        #expect(sums.sorted() == (0..<8).map { Int64($0) * 500 + 124_750 })
    }
}
