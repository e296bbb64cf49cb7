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
    /// The moving average of a number, `data.score` unless a field is named; `>=` unless an operator is.
    case emaThreshold = "ema_threshold"
    /// How many events there are in some seconds; `>=` unless an operator is named.
    case rateLimit = "rate_limit"

    fileprivate var standardFields: [FieldPath] {
        switch self {
        case .eventTypeEquals: [FieldPath(.type)]
        case .agentIDEquals: [.member("agent_id")]
        case .scoreThreshold, .emaThreshold: [.member("score")]
        case .tagEquals: [.member("tags"), .member("tag")]
        case .rateLimit: []
        }
    }

    fileprivate var standardOperator: Operator {
        switch self {
        case .eventTypeEquals, .agentIDEquals, .tagEquals: .eq
        case .scoreThreshold, .emaThreshold, .rateLimit: .gte
        }
    }

    fileprivate var hasState: Bool { self == .emaThreshold || self == .rateLimit }
}

extension FieldPath {
    fileprivate static func member(_ name: String) -> FieldPath {
        FieldPath(.data(JSONPath(components: [.key(name)])))
    }
}

extension ConditionReader {
    /// Reads a node with a `condition_type`.
    mutating func readSeed(_ value: JSONValue, pointer: String) -> TriggerCondition? {
        var reader = ObjectReader(value, pointer: pointer)
        guard let kind = readKind(&reader) else {
            // The members of a kind that isn't known can't be judged.
            problems += reader.problems
            return nil
        }
        let named = reader.has("field") ? readField(&reader, or: nil) : nil
        let fields = reader.has("field") ? named.map { [$0] } ?? [] : kind.standardFields
        if !reader.has("field") { _ = reader.member("field") }
        if kind.hasState { return readSeedWithState(&reader, kind, fields.first) }
        let name = readOperator(&reader, or: kind.standardOperator)
        if let config = reader.member("config"), config.count > 0 || config.kind != .object {
            reader.refuse("config", "\(kind.rawValue) has nothing to configure")
        }
        let operand = reader.memberOrNull("value", required: true)
        var condition: TriggerCondition?
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
        return kind
    }

    private func readComparison(
        _ reader: inout ObjectReader, _ kind: SeedKind, _ fields: [FieldPath], _ name: Operator, _ operand: JSONValue
    ) -> TriggerCondition? {
        guard let field = fields.first else { return nil }
        let place = reader.pointer(to: "value")
        let isNumber = kind == .scoreThreshold && operand.kind == .string
        let number = isNumber ? Self.numberValue(in: operand) : operand
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
    ) -> TriggerCondition? {
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
                reader.attempt { () throws(JSONValidationError) -> TriggerCondition in
                    .leaf(try Comparison(field, name, operand, pointer: place))
                }
            }
        }
        return .any(parts.compactMap { $0 })
    }

    /// The number that a string is.
    private static func numberValue(in value: JSONValue) -> JSONValue? {
        do throws(JSONError) {
            let root = try JSONDocument(value.string ?? "").root
            return root.number == nil ? nil : root
        } catch {
            return nil
        }
    }

    static func number(in value: JSONValue) -> JSONNumber? { numberValue(in: value)?.number }

    /// `config` says which events: `window_size` or `alpha` of an average, `time_window` in seconds of a rate.
    private mutating func readSeedWithState(
        _ reader: inout ObjectReader, _ kind: SeedKind, _ field: FieldPath?
    ) -> TriggerCondition? {
        let test = readTest(&reader, standard: kind.standardOperator, takesText: true)
        let member = reader.member("config")
        let empty = (try? JSONDocument("{}"))?.root
        guard let value = member ?? empty else { return nil }
        var config = ObjectReader(value, pointer: reader.pointer(to: "config"))
        var window: Aggregate.Window?
        if kind == .rateLimit {
            let longest = Aggregate.spans.upperBound.microseconds / 1_000_000
            let seconds = config.integer("time_window", in: 1...longest)
            window = .time((seconds ?? 60) * 1_000_000)
        } else if let alpha = config.member("alpha") {
            let weight = (alpha.kind == .string ? Self.number(in: alpha) : alpha.number)?.double
            if let weight, weight > 0, weight <= 1 {
                window = .weight(weight)
            } else {
                config.refuse("alpha", "must be a number above 0 and up to 1")
            }
            _ = config.member("window_size")
        } else {
            let events = config.integer("window_size", in: 1...Aggregate.maximumEvents) ?? 10
            window = .weight(2 / (Double(events) + 1))
        }
        let resets = config.bool("reset_on_trigger") ?? false
        guard allowsState else {
            refuse(
                reader.pointer(to: "condition_type"),
                "\(kind.rawValue) needs earlier events, and this condition looks at one event alone")
            return nil
        }
        states += 1
        let isConfigured = finish(&config)
        guard finish(&reader), isConfigured, let window, let test else { return nil }
        let function: Aggregate.Function = kind == .rateLimit ? .count : .ema
        return .aggregate(
            Aggregate(
                function: function, field: field, window: window, groupBy: [], filter: nil, resetsOnFire: resets,
                test: test, identity: StateIdentity.of(function, field, window, [], [])))
    }
}
