import EventModel
import JSONTree

/// A condition of a trigger: a ``Condition`` whose leaves may remember earlier events (CONTRACT §4).
public indirect enum TriggerCondition: Sendable {
    /// True when every part is; so is an empty one.
    case all([TriggerCondition])
    /// True when one part is; an empty one is false.
    case any([TriggerCondition])
    /// True when its part is false.
    case not(TriggerCondition)
    /// A field held against a value.
    case leaf(Comparison)
    /// A number worked out of several events, held against a value.
    case aggregate(Aggregate)
    /// Several events in their order; true of the last.
    case sequence(EventSequence)
    /// An event that is not followed by another; only as the whole condition.
    case absence(Absence)

    /// Reads a condition, seed forms included.
    ///
    /// - Throws: everything that is wrong with it, each with its place.
    public init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ConditionReader(allowsState: true)
        let condition = reader.read(value, pointer: pointer, depth: 1)
        guard let condition, reader.problems.isEmpty else { throw JSONValidationError(reader.problems) }
        self = condition
    }

    /// Reads a flat list of conditions, which means `all` of them.
    init(list value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ConditionReader(allowsState: true)
        let condition = reader.readFlatList(value, pointer: pointer, depth: 1)
        guard let condition, reader.problems.isEmpty else { throw JSONValidationError(reader.problems) }
        self = condition
    }
}

extension TriggerCondition {
    /// The same condition, when nothing in it remembers; else nil.
    public var stateless: Condition? {
        switch self {
        case .all(let parts): Self.stateless(parts).map { .all($0) }
        case .any(let parts): Self.stateless(parts).map { .any($0) }
        case .not(let part): part.stateless.map { .not($0) }
        case .leaf(let comparison): .leaf(comparison)
        case .aggregate, .sequence, .absence: nil
        }
    }

    private static func stateless(_ parts: [TriggerCondition]) -> [Condition]? {
        let conditions = parts.compactMap(\.stateless)
        return conditions.count == parts.count ? conditions : nil
    }

    /// A condition without state that is true of every event of which this one can be true (or, when not `wanted`,
    /// false of every event of which this one can be false).
    func relaxed(wanted: Bool = true) -> Condition {
        switch self {
        case .all(let parts): .all(parts.map { $0.relaxed(wanted: wanted) })
        case .any(let parts): .any(parts.map { $0.relaxed(wanted: wanted) })
        case .not(let part): .not(part.relaxed(wanted: !wanted))
        case .leaf(let comparison): .leaf(comparison)
        // A leaf with state is true only of events that it counts, and may be false of any.
        case .aggregate(let aggregate): wanted ? aggregate.filter ?? .all([]) : .any([])
        case .sequence(let sequence): wanted ? sequence.steps.last ?? .any([]) : .any([])
        case .absence: .any([])
        }
    }
}
