import EventModel
import JSONTree
import Testing

@testable import TriggerEngine

/// Says what a condition means straight from its text: slow, and short enough to be believed.
private enum Reference {
    static func holds(_ condition: JSONValue, _ data: JSONValue) -> Bool {
        if let parts = condition["all"] { return parts.elements.allSatisfy { holds($0, data) } }
        if let parts = condition["any"] { return parts.elements.contains { holds($0, data) } }
        if let part = condition["not"] { return !holds(part, data) }
        guard let field = condition["field"]?.string, let name = condition["operator"]?.string,
            let value = condition["value"]
        else { return false }
        return leaf(data[field], name, value)
    }

    private static func leaf(_ field: JSONValue?, _ name: String, _ value: JSONValue) -> Bool {
        if name == "exists" { return (field != nil) == value.bool }
        guard let field else { return false }
        switch name {
        case "eq": return field == value
        case "ne": return isSameType(field, value) && field != value
        case "gt": return order(field, value) == 1
        case "gte": return order(field, value).map { $0 >= 0 } ?? false
        case "lt": return order(field, value) == -1
        case "lte": return order(field, value).map { $0 <= 0 } ?? false
        case "in": return value.elements.contains { $0 == field }
        case "not_in":
            let hasType = value.count == 0 || value.elements.contains { isSameType($0, field) }
            return hasType && !value.elements.contains { $0 == field }
        case "between":
            guard let low = value[0], let high = value[1] else { return false }
            return (order(field, low).map { $0 >= 0 } ?? false) && (order(field, high).map { $0 <= 0 } ?? false)
        case "contains":
            if let text = field.string {
                return value.string.map { text.isEmpty && $0.isEmpty || text.contains($0) } ?? false
            }
            return field.elements.contains { $0 == value }
        case "starts_with": return field.string.map { $0.hasPrefix(value.string ?? "?") } ?? false
        case "ends_with": return field.string.map { $0.hasSuffix(value.string ?? "?") } ?? false
        default: return field.kind.rawValue == value.string || (value.string == "number" && field.kind == .integer)
        }
    }

    private static func typeName(_ value: JSONValue) -> String {
        value.kind == .integer ? "number" : value.kind.rawValue
    }

    private static func isSameType(_ left: JSONValue, _ right: JSONValue) -> Bool { typeName(left) == typeName(right) }

    /// Below, at or above; nil where there is no order.
    private static func order(_ left: JSONValue, _ right: JSONValue) -> Int? {
        if let left = left.double, let right = right.double { return left < right ? -1 : left == right ? 0 : 1 }
        guard let left = left.string, let right = right.string else { return nil }
        return left < right ? -1 : left == right ? 0 : 1
    }
}

/// Makes conditions and data out of so few values that they meet often.
private struct RandomConditions {
    var chance: SeededGenerator

    private static let scalars = [
        "0", "1", "1.0", "2.5", "-3", "true", "false", "null", #""""#, #""a""#, #""ab""#, #""b""#,
    ]
    private static let ordered = ["0", "1", "1.0", "2.5", "-3", #""""#, #""a""#, #""ab""#, #""b""#]
    private static let containers = ["[]", "[1]", #"["a",1]"#, "{}", #"{"x":1}"#]
    private static let texts = [#""""#, #""a""#, #""ab""#, #""b""#]
    private static let kinds = JSONValue.Kind.allCases.map { "\"\($0.rawValue)\"" }

    mutating func pick(_ values: [String]) -> String { values[Int.random(in: 0..<values.count, using: &chance)] }

    mutating func data() -> String {
        let members = ["f", "g", "h"].compactMap { name -> String? in
            Int.random(in: 0..<4, using: &chance) == 0 ? nil : "\"\(name)\":\(pick(Self.scalars + Self.containers))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    mutating func condition(depth: Int) -> String {
        let choice = depth == 0 ? 9 : Int.random(in: 0..<8, using: &chance)
        guard choice < 5 else { return leaf() }
        if choice == 4 { return #"{"not":\#(condition(depth: depth - 1))}"# }
        let parts = (0..<Int.random(in: 0..<4, using: &chance)).map { _ in condition(depth: depth - 1) }
        return #"{"\#(choice < 2 ? "all" : "any")":[\#(parts.joined(separator: ","))]}"#
    }

    private mutating func leaf() -> String {
        let name = pick([
            "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "between", "contains", "starts_with", "ends_with",
            "exists", "is_type",
        ])
        return #"{"field":"\#(pick(["f", "g", "h"]))","operator":"\#(name)","value":\#(value(for: name))}"#
    }

    private mutating func value(for name: String) -> String {
        switch name {
        case "gt", "gte", "lt", "lte": return pick(Self.ordered)
        case "in", "not_in":
            let values = (0..<Int.random(in: 0..<4, using: &chance)).map { _ in pick(Self.scalars + Self.containers) }
            return "[\(values.joined(separator: ","))]"
        case "between": return pick(["[0,1]", "[-3,2.5]", "[1,1.0]", #"["a","b"]"#, #"["","ab"]"#])
        case "starts_with", "ends_with": return pick(Self.texts)
        case "exists": return pick(["true", "false"])
        case "is_type": return pick(Self.kinds)
        default: return pick(Self.scalars + Self.containers)
        }
    }
}

@Suite("Conditions against the reference")
struct ConditionReferenceTests {
    @Test("A random tree means what the reference says, as a tree and compiled", arguments: 0..<40)
    func random(seed: Int) throws {
        var random = RandomConditions(chance: SeededGenerator(seed: UInt64(seed)))
        for _ in 0..<50 {
            let text = random.condition(depth: 4)
            let value = try json(text)
            let condition = try Condition(value, pointer: "")
            let compiled = CompiledCondition(condition)
            for _ in 0..<10 {
                let event = try event(random.data())
                let expected = Reference.holds(value, event.data)
                #expect(condition.evaluate(event) == expected, "\(text) of \(event.data)")
                #expect(compiled.evaluate(event) == expected, "compiled \(text) of \(event.data)")
                if expected { expectTerms(of: condition, in: event, text) }
            }
        }
    }

    /// What the index is asked must hold of every event that matches, or the event would not be found.
    private func expectTerms(of condition: Condition, in event: ParsedEvent, _ text: String) {
        let space = TermSpace(event.event.organizationID)
        let terms = EventTerms(event, in: space).terms
        let requirement = TermRequirement(condition, in: space)
        #expect(!requirement.isImpossible, "\(text) of \(event.data)")
        for clause in requirement.clauses {
            #expect(!clause.terms.isDisjoint(with: terms), "\(text) of \(event.data)")
        }
    }

    @Test("What a condition asks of the index is as narrow as it can be")
    func requirements() throws {
        let space = TermSpace(UniqueID(high: 1, low: 1))
        func requirement(_ text: String) throws -> TermRequirement { TermRequirement(try condition(text), in: space) }
        let country = space.path(try JSONPath("country"))
        let germany = TermRequirement.Clause([country.text("DE".utf8)])
        let france = TermRequirement.Clause([country.text("FR".utf8)])
        let isGermany = #"{"field":"country","operator":"eq","value":"DE"}"#
        let isFrance = #"{"field":"country","operator":"eq","value":"FR"}"#
        let isSmall = #"{"field":"amount","operator":"lt","value":5}"#
        let amount = TermRequirement.Clause([space.path(try JSONPath("amount")).kind(.number)], isVague: true)
        #expect(try requirement(isGermany).clauses == [germany])
        #expect(try requirement(#"{"all":[\#(isGermany),\#(isSmall)]}"#).clauses == [germany, amount])
        #expect(try requirement(#"{"not":{"not":\#(isGermany)}}"#).clauses == [germany])
        #expect(try requirement(#"{"not":\#(isGermany)}"#).clauses == [])
        let either = TermRequirement.Clause(germany.terms.union(france.terms))
        #expect(try requirement(#"{"any":[\#(isGermany),\#(isFrance)]}"#).clauses == [either])
        #expect(try requirement(#"{"field":"country","operator":"in","value":["DE","FR"]}"#).clauses == [either])
        #expect(try requirement(#"{"any":[\#(isGermany),{"not":\#(isFrance)}]}"#).clauses == [])
        #expect(
            try requirement(#"{"any":[{"all":[\#(isGermany),\#(isSmall)]},\#(isFrance)]}"#).clauses == [either])
        #expect(try requirement(#"{"any":[]}"#).isImpossible)
        #expect(try requirement(#"{"all":[]}"#) == TermRequirement())
        let type = TermRequirement.Clause([space.member(.type, "T")])
        #expect(try requirement(#"{"field":"type","operator":"=","value":"T"}"#).clauses == [type])
    }
}
