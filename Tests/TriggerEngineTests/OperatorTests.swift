import JSONTree
import Testing

@testable import TriggerEngine

@Suite("Operators")
struct OperatorTests {
    private static let data = """
        {"n": 5, "d": 5.5, "big": 9007199254740993, "huge": 18446744073709551615, "s": "hello", "e": "é", "b": true,
         "z": null, "a": [1, "two", {"x": 3}], "o": {"x": 3, "y": [1]}, "empty": "", "ip": "10.1.2.3",
         "ip6": "2001:db8::7", "odd key": "found", "type": "inner"}
        """

    private func isTrue(_ field: String, _ name: String, _ value: String) throws -> Bool {
        var writer = JSONWriter()
        writer.string(field)
        let path = String(decoding: writer.bytes, as: UTF8.self)
        return try holds(#"{"field":\#(path),"operator":"\#(name)","value":\#(value)}"#, Self.data)
    }

    @Test(
        "True comparisons",
        arguments: [
            ("n", "eq", "5"), ("n", "eq", "5.0"), ("d", "eq", "5.5"), ("s", "eq", #""hello""#), ("b", "eq", "true"),
            ("z", "eq", "null"), ("a", "eq", #"[1.0,"two",{"x":3}]"#), ("o", "eq", #"{"y":[1],"x":3}"#),
            ("n", "ne", "6"), ("s", "ne", #""x""#), ("b", "ne", "false"), ("a", "ne", "[]"), ("o", "ne", "{}"),
            ("big", "eq", "9007199254740993"), ("big", "ne", "9007199254740992"), ("big", "gt", "9007199254740992"),
            ("big", "gt", "9007199254740992.0"), ("huge", "gt", "18446744073709551614"), ("huge", "gt", "-1"),
            ("n", "gt", "4.9"), ("n", "gte", "5"), ("n", "lt", "5.1"), ("n", "lte", "5"), ("s", "gt", #""hellO""#),
            ("s", "lt", #""hello!""#), ("e", "gt", #""z""#), ("n", "in", "[1,5.0]"), ("s", "in", #"["x","hello"]"#),
            ("z", "in", "[null]"), ("b", "in", "[1,true]"), ("o", "in", #"[{"x":3,"y":[1]}]"#),
            ("n", "not_in", "[1,2]"),
            ("s", "not_in", #"[1,"x"]"#), ("n", "not_in", "[]"), ("n", "between", "[5,5]"), ("d", "between", "[5,6]"),
            ("s", "between", #"["a","z"]"#), ("s", "contains", #""ell""#), ("s", "contains", #""""#),
            ("a", "contains", #""two""#), ("a", "contains", "1"), ("a", "contains", #"{"x":3}"#),
            ("s", "starts_with", #""he""#), ("s", "ends_with", #""lo""#), ("empty", "starts_with", #""""#),
            ("s", "matches", #""^h.l+o$""#), ("s", "matches", #""ll""#), ("n", "exists", "true"),
            ("z", "exists", "true"),
            ("nope", "exists", "false"), ("n", "is_type", #""integer""#), ("n", "is_type", #""number""#),
            ("d", "is_type", #""number""#), ("z", "is_type", #""null""#), ("a", "is_type", #""array""#),
            ("ip", "cidr", #""10.0.0.0/8""#), ("ip6", "cidr", #""2001:db8::/32""#), ("a[1]", "eq", #""two""#),
            ("a[2].x", "eq", "3"), ("data.o.y[0]", "eq", "1"), (#"["odd key"]"#, "eq", #""found""#),
            ("type", "eq", #""order.paid""#), ("data.type", "eq", #""inner""#), ("source", "starts_with", #""sh""#),
            ("time", "eq", #""2026-03-01T09:30:00+01:00""#), ("time", "lt", #""2026-03-01T08:30:00.000001Z""#),
            ("received_at", "between", #"["2026-03-01T00:00:00Z","2026-03-02T00:00:00Z"]"#),
            ("time", "in", #"["2026-03-01T08:30:00Z"]"#), ("time", "starts_with", #""2026-03""#),
            ("time", "is_type", #""string""#), ("id", "matches", #""^[0-9a-f-]{36}$""#),
            ("data", "is_type", #""object""#),
        ])
    func trueComparisons(field: String, name: String, value: String) throws {
        #expect(try isTrue(field, name, value))
    }

    @Test(
        "False comparisons, among them every one with a missing field or another type",
        arguments: [
            ("n", "eq", "6"), ("n", "ne", "5.0"), ("n", "eq", #""5""#), ("n", "ne", #""5""#), ("s", "ne", "5"),
            ("b", "eq", "1"), ("b", "ne", "1"), ("z", "ne", "5"), ("z", "eq", "0"), ("nope", "eq", "5"),
            ("nope", "ne", "5"), ("nope", "eq", "null"), ("nope", "not_in", "[5]"), ("nope", "not_in", "[]"),
            ("s", "not_in", "[1,2]"), ("s", "in", "[]"), ("n", "in", #"["5"]"#), ("n", "not_in", #"["5"]"#),
            ("s", "gt", "1"), ("n", "lt", #""z""#), ("n", "between", "[6,7]"), ("n", "between", #"["1","9"]"#),
            ("b", "gt", "0"), ("n", "contains", "5"), ("s", "contains", "1"), ("o", "contains", #""x""#),
            ("a", "contains", #""tw""#), ("n", "starts_with", #""5""#), ("n", "matches", #""5""#),
            ("s", "matches", #""^e""#),
            ("s", "ends_with", #""xhello""#), ("z", "exists", "false"), ("nope", "exists", "true"),
            ("n", "is_type", #""string""#), ("d", "is_type", #""integer""#), ("nope", "is_type", #""null""#),
            ("ip", "cidr", #""192.168.0.0/16""#), ("s", "cidr", #""0.0.0.0/0""#), ("n", "cidr", #""0.0.0.0/0""#),
            ("ip6", "cidr", #""0.0.0.0/0""#), ("subject", "eq", #""x""#), ("subject", "ne", #""x""#),
            ("a[9]", "eq", "1"),
            ("a.x", "eq", "1"), ("s[0]", "exists", "true"), ("e", "eq", #""e\u0301""#),
        ])
    func falseComparisons(field: String, name: String, value: String) throws {
        #expect(try !isTrue(field, name, value))
    }

    @Test("Symbols are aliases of names")
    func aliases() throws {
        let aliases = ["=": "eq", "==": "eq", "!=": "ne", "<>": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"]
        for (alias, name) in aliases {
            #expect(Operator(name: alias) == Operator(rawValue: name))
            for value in ["4", "5", "6"] { #expect(try isTrue("n", alias, value) == isTrue("n", name, value)) }
        }
    }

    @Test(
        "A value that an operator can't use is refused with its place",
        arguments: [
            ("n", "gt", "true", "/value"), ("n", "lt", "null", "/value"), ("n", "gte", "[]", "/value"),
            ("n", "in", "5", "/value"), ("n", "between", "[1]", "/value"), ("n", "between", "[2,1]", "/value"),
            ("n", "between", #"[1,"2"]"#, "/value"), ("n", "between", #"["b","a"]"#, "/value"),
            ("n", "starts_with", "5", "/value"), ("n", "matches", #""(""#, "/value"), ("n", "exists", "1", "/value"),
            ("n", "is_type", #""float""#, "/value"), ("n", "cidr", #""10.0.0.0/33""#, "/value"),
            ("n", "cidr", #""10.0.0""#, "/value"), ("time", "gt", #""yesterday""#, "/value"),
            ("time", "eq", "5", "/value"),
            ("time", "in", #"["2026-03-01T00:00:00Z","x"]"#, "/value/1"), ("n", "like", "5", "/operator"),
            ("a..b", "eq", "5", "/field"), ("", "eq", "5", "/field"),
        ])
    func refusals(field: String, name: String, value: String, place: String) {
        let found = problems { _ = try isTrue(field, name, value) }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("\(place): ") == true, "\(found)")
    }
}
