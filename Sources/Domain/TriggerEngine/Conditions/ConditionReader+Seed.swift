import ActionModel
import EventModel
import JSONTree

/// The kinds of condition that the first version of Collider had, and that are still taken (CONTRACT §4).
enum SeedKind: String, CaseIterable {
    /// The event's type.
    case eventTypeEquals = "event_type_equals"
    /// `data.agent_id`.
    case agentIDEquals = "agent_id_equals"
    /// A number, `data.score` unless a field is named; `>=` unless an operator is.
    case scoreThreshold = "score_threshold"
    /// One of `data.tags`, or `data.tag`.
    case tagEquals = "tag_equals"
    case emaThreshold = "ema_threshold"
    case rateLimit = "rate_limit"

    fileprivate var standardFields: [FieldPath] {
        switch self {
        case .eventTypeEquals: [FieldPath(.type)]
        case .agentIDEquals: [.member("agent_id")]
        case .scoreThreshold: [.member("score")]
        case .tagEquals: [.member("tags"), .member("tag")]
        case .emaThreshold, .rateLimit: []
        }
    }

    fileprivate var standardOperator: Operator { self == .scoreThreshold ? .gte : .eq }
}

extension FieldPath {
    fileprivate static func member(_ name: String) -> FieldPath {
        FieldPath(.data(JSONPath(components: [.key(name)])))
    }
}

extension ConditionReader {
    /// Reads a node with a `condition_type`.
    mutating func readSeed(_ value: JSONValue, pointer: String) -> Condition? {
        var reader = ObjectReader(value, pointer: pointer)
        guard let kind = readKind(&reader) else {
            // The members of a kind that isn't known can't be judged.
            problems += reader.problems
            return nil
        }
        let named = reader.has("field") ? readField(&reader, or: nil) : nil
        let fields = reader.has("field") ? named.map { [$0] } ?? [] : kind.standardFields
        if !reader.has("field") { _ = reader.member("field") }
        let name = readOperator(&reader, or: kind.standardOperator)
        if let config = reader.member("config"), config.count > 0 || config.kind != .object {
            reader.refuse("config", "\(kind.rawValue) has nothing to configure")
        }
        let operand = reader.memberOrNull("value", required: true)
        var condition: Condition?
        if let name, let operand {
            condition =
                kind == .tagEquals
                ? readTag(&reader, fields, name, operand) : readComparison(&reader, kind, fields, name, operand)
        }
        return finish(&reader) ? condition : nil
    }

    private func readKind(_ reader: inout ObjectReader) -> SeedKind? {
        guard let name = reader.string("condition_type", required: true) else { return nil }
        guard let kind = SeedKind(rawValue: name) else {
            let names = SeedKind.allCases.map(\.rawValue).joined(separator: ", ")
            reader.refuse("condition_type", "must be one of \(names)")
            return nil
        }
        guard kind != .emaThreshold, kind != .rateLimit else {
            reader.refuse("condition_type", "stateful conditions (\(name)) arrive with a later version")
            return nil
        }
        return kind
    }

    private func readComparison(
        _ reader: inout ObjectReader, _ kind: SeedKind, _ fields: [FieldPath], _ name: Operator, _ operand: JSONValue
    ) -> Condition? {
        guard let field = fields.first else { return nil }
        let place = reader.pointer(to: "value")
        let isNumber = kind == .scoreThreshold && operand.kind == .string
        let number = isNumber ? Self.number(in: operand) : operand
        guard let number else {
            reader.refuse("value", "must be a number, or a string that is one")
            return nil
        }
        let comparison = reader.attempt { () throws(JSONValidationError) -> Comparison in
            try Comparison(field, name, number, pointer: place)
        }
        return comparison.map { .leaf($0) }
    }

    /// A tag is an element of a list, or the one there is.
    private func readTag(
        _ reader: inout ObjectReader, _ fields: [FieldPath], _ name: Operator, _ operand: JSONValue
    ) -> Condition? {
        guard name == .eq else {
            reader.refuse("operator", "tag_equals takes only eq")
            return nil
        }
        let place = reader.pointer(to: "value")
        guard operand.kind == .string else {
            reader.refuse("value", "must be a string")
            return nil
        }
        let parts = fields.flatMap { field in
            [Operator.eq, .contains].map { name in
                reader.attempt { () throws(JSONValidationError) -> Condition in
                    .leaf(try Comparison(field, name, operand, pointer: place))
                }
            }
        }
        return .any(parts.compactMap { $0 })
    }

    /// The number that a string is.
    private static func number(in value: JSONValue) -> JSONValue? {
        do throws(JSONError) {
            let root = try JSONDocument(value.string ?? "").root
            return root.number == nil ? nil : root
        } catch {
            return nil
        }
    }
}
