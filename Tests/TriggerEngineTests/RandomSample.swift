import JSONTree

@testable import TriggerEngine

/// Makes conditions, event types and events out of so few values that they meet often: every operator, nested groups,
/// missing fields, other types, integers near 2^63, and numbers that are equal across spellings.
struct RandomSample {
    var chance: SeededGenerator

    init(seed: UInt64) { chance = SeededGenerator(seed: seed) }

    private static let fields = [
        "f", "g", "h", "data.n", "o.p", "o.q", "l[0]", "l[1]", "tags", "ip", "text", "o", "type", "source", "subject",
        "time", "received_at", "id",
    ]
    private static let times = [
        #""2026-03-01T08:30:00Z""#, #""2026-03-01T09:30:00+01:00""#, #""2026-03-01T08:30:01Z""#,
        #""2026-03-01T08:30:00.5Z""#, #""2020-01-01T00:00:00Z""#,
    ]
    private static let numbers = [
        "0", "-0.0", "1", "1.0", "10e-1", "2.5", "-3", "-3.5", "100", "1e2", "99.99", "9223372036854775807",
        "9223372036854775808", "9223372036854775806", "-9223372036854775808", "9223372036854775808.0", "1.8e19",
        "18446744073709551615", "9007199254740993", "9007199254740992.0", "1e300", "-1e300", "1e-300",
    ]
    private static let texts = [
        #""""#, #""a""#, #""ab""#, #""abc""#, #""b""#, #""ba""#, #""abcdefgh""#, #""abcdefghi""#, #""abcdefghij""#,
        #""xabcx""#, #""caf\u00e9""#, #""cafe\u0301""#, #""\n""#, #""order.paid""#, #""order.made""#, #""shop""#,
        #""10.1.2.3""#, #""10.200.0.1""#, #""::ffff:10.1.2.3""#, #""2001:db8::1""#, #""1""#,
    ]
    private static let others = ["true", "false", "null"]
    private static let containers = ["[]", "[1]", #"["a",1.0]"#, "{}", #"{"x":1}"#, #"["ab","ab",true]"#, "[[1]]"]
    private static let kinds = JSONValue.Kind.allCases.map { "\"\($0.rawValue)\"" }
    private static let regexes = [
        #""^ab""#, #""abc""#, #""a.c""#, #""(a|b)c""#, #""^$""#, #""x?abc+""#, #""[a-c]{2}d""#, #""caf\u00e9""#,
        #""\\d+\\.\\d""#, #""(?:ab){1,2}c""#, #""""#,
    ]
    private static let blocks = [
        #""10.0.0.0/8""#, #""10.1.0.0/16""#, #""10.1.2.3""#, #""0.0.0.0/0""#, #""2001:db8::/32""#, #""::/0""#,
        #""::ffff:10.0.0.0/104""#,
    ]
    private static let typeGlobs = [
        "order.paid", "order.made", "order.*", "*.paid", "*", "o*r.*d", "user.*", "x", "caf\u{E9}", "*p*",
    ]
    static let types = ["order.paid", "order.made", "user.signup", "x", "caf\u{E9}", "cafe\u{301}", "order.", "z"]

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &chance) }

    mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }

    mutating func value() -> String {
        switch below(10) {
        case 0..<4: pick(Self.numbers)
        case 4..<7: pick(Self.texts)
        case 7: pick(Self.others)
        default: pick(Self.containers)
        }
    }

    mutating func data() -> String {
        var members: [String] = []
        for name in ["f", "g", "h", "n", "text", "ip", "tags"] where below(4) > 0 {
            members.append("\"\(name)\":\(value())")
        }
        if below(3) > 0 { members.append(#""o":{"q":\#(value()),"p":\#(value())}"#) }
        if below(3) > 0 { members.append(#""l":[\#(value()),\#(value())]"#) }
        if below(3) > 0 { members.append(#""zz":\#(value())"#) }
        // The order changes, so that what was found in one event is elsewhere in the next.
        members.shuffle(using: &chance)
        return "{" + members.joined(separator: ",") + "}"
    }

    mutating func eventTypes() -> [String] { (0..<pick([0, 1, 1, 2, 3])).map { _ in pick(Self.typeGlobs) } }

    mutating func condition(depth: Int) -> String {
        let choice = depth == 0 ? 9 : below(8)
        guard choice < 5 else { return leaf() }
        if choice == 4 { return #"{"not":\#(condition(depth: depth - 1))}"# }
        let parts = (0..<below(5)).map { _ in condition(depth: depth - 1) }
        return #"{"\#(choice < 2 ? "all" : "any")":[\#(parts.joined(separator: ","))]}"#
    }

    mutating func leaf(_ operators: [Operator] = Operator.allCases) -> String {
        let name = pick(operators)
        let field = pick(Self.fields)
        let isTime = field == "time" || field == "received_at"
        return #"{"field":"\#(field)","operator":"\#(name.rawValue)","value":\#(operand(name, isTime: isTime))}"#
    }

    private mutating func operand(_ name: Operator, isTime: Bool) -> String {
        switch name {
        case .eq, .ne: return isTime ? pick(Self.times) : value()
        case .gt, .gte, .lt, .lte: return isTime ? pick(Self.times) : pick(below(2) == 0 ? Self.numbers : Self.texts)
        case .in, .notIn:
            let values = (0..<below(4)).map { _ in isTime ? pick(Self.times) : value() }
            return "[\(values.joined(separator: ","))]"
        case .between:
            if isTime { return #"["2020-01-01T00:00:00Z",\#(pick(Self.times))]"# }
            return pick([
                "[0,1]", "[-3,2.5]", "[1,1.0]", #"["a","b"]"#, #"["","abcdefghi"]"#, "[9007199254740992,1e300]",
                "[-1e300,9223372036854775807]", #"["abcdefgh","abcdefgh"]"#,
            ])
        case .contains: return below(2) == 0 ? pick(Self.texts) : value()
        case .startsWith, .endsWith: return pick(Self.texts)
        case .matches: return pick(Self.regexes)
        case .exists: return pick(["true", "false"])
        case .isType: return pick(Self.kinds)
        case .cidr: return pick(Self.blocks)
        }
    }
}
