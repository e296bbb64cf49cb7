import EventModel
import JSONTree

/// A condition of a trigger or a filter: a tree of `all`, `any` and `not` over comparisons (CONTRACT §4).
public indirect enum Condition: Sendable {
    /// True when every part is; so is an empty one.
    case all([Condition])
    /// True when one part is; an empty one is false.
    case any([Condition])
    /// True when its part is false.
    case not(Condition)
    /// A field held against a value.
    case leaf(Comparison)

    /// Reads a condition, seed forms included; leaves that remember are refused.
    ///
    /// - Throws: everything that is wrong with it, each with its place.
    public init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ConditionReader(allowsState: false)
        let condition = reader.read(value, pointer: pointer, depth: 1)?.stateless
        guard let condition, reader.problems.isEmpty else { throw JSONValidationError(reader.problems) }
        self = condition
    }

    /// Whether the condition is true of an event. For one event; ``CompiledCondition`` is for many.
    public func evaluate(_ event: ParsedEvent) -> Bool {
        var vectors = EventVectors()
        return evaluate(event, &vectors)
    }

    private func evaluate(_ event: ParsedEvent, _ vectors: inout EventVectors) -> Bool {
        switch self {
        case .all(let parts): parts.allSatisfy { $0.evaluate(event, &vectors) }
        case .any(let parts): parts.contains { $0.evaluate(event, &vectors) }
        case .not(let part): !part.evaluate(event, &vectors)
        case .leaf(let comparison): comparison.evaluate(event, &vectors)
        }
    }
}
