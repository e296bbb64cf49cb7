import ActionModel
import EventModel
import JSONTree

/// What of the log a trigger can depend on: for whoever evaluates what has been stored once more.
extension TriggerDefinition {
    /// What begins the types of Collider's own events.
    static let ownTypes = "collider."

    /// Whether events of a type reach the trigger.
    ///
    /// Collider's own reach only those that ask for them: without types, or with a pattern that begins with `*`, a
    /// trigger would else fire for what other triggers do.
    public func takes(_ type: String) -> Bool {
        guard type.utf8.starts(with: Self.ownTypes.utf8) else {
            return eventTypes.isEmpty || eventTypes.contains { $0.matches(type) }
        }
        return eventTypes.contains { $0.description.utf8.starts(with: Self.ownTypes.utf8) && $0.matches(type) }
    }

    /// The types, where the trigger names each; nil when there are patterns, or none.
    public var literalTypes: [String]? {
        let literals = eventTypes.compactMap(\.literal).map { String(decoding: $0, as: UTF8.self) }
        return eventTypes.isEmpty || literals.count < eventTypes.count ? nil : literals
    }

    /// How far its states look back, in microseconds: 0 without state, nil when that is not a matter of time.
    public var lookBack: Int64? {
        guard let states = condition.map({ $0.lookBack }) ?? 0 else { return nil }
        return states + (cooldown?.microseconds ?? 0)
    }

    /// The members of an event's data that evaluating it looks at; nil when that may be all of them.
    public var dataKeys: [String]? {
        var keys = DataKeys()
        condition?.collect(into: &keys)
        keys.add(cooldownBy)
        return keys.isEveryKey ? nil : keys.keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
    }
}

/// Which members of an event's data are looked at.
private struct DataKeys {
    /// As bytes, because two that Swift takes for one string may be two keys.
    var keys: Set<[UInt8]> = []
    var isEveryKey = false

    mutating func add(_ comparison: Comparison) {
        // What is held against an event as a whole looks at all of it.
        if case .similar(let similarity) = comparison.test, similarity.scope != .field {
            isEveryKey = true
        } else {
            add([comparison.field])
        }
    }

    mutating func add(_ paths: some Sequence<FieldPath>) {
        for path in paths {
            guard case .data(let inner) = path.root else { continue }
            if let step = inner?.components.first, case .key(let key) = step {
                keys.insert(Array(key.utf8))
            } else {
                isEveryKey = true
            }
        }
    }
}

extension Condition {
    fileprivate func collect(into keys: inout DataKeys) {
        switch self {
        case .all(let parts), .any(let parts): for part in parts { part.collect(into: &keys) }
        case .not(let part): part.collect(into: &keys)
        case .leaf(let comparison): keys.add(comparison)
        }
    }
}

extension TriggerCondition {
    fileprivate func collect(into keys: inout DataKeys) {
        switch self {
        case .all(let parts), .any(let parts): for part in parts { part.collect(into: &keys) }
        case .not(let part): part.collect(into: &keys)
        case .leaf(let comparison): keys.add(comparison)
        case .aggregate(let aggregate):
            aggregate.filter?.collect(into: &keys)
            keys.add(aggregate.groupBy + [aggregate.field].compactMap { $0 })
        case .sequence(let sequence):
            for step in sequence.steps { step.collect(into: &keys) }
            keys.add(sequence.groupBy)
        case .absence(let absence):
            absence.after.collect(into: &keys)
            absence.expect.collect(into: &keys)
            keys.add(absence.groupBy)
        }
    }
}

extension TriggerCondition {
    /// The longest that a leaf looks back, in microseconds; nil when one does so without end.
    fileprivate var lookBack: Int64? {
        switch self {
        case .all(let parts), .any(let parts):
            let spans = parts.map(\.lookBack)
            return spans.contains(nil) ? nil : spans.compactMap { $0 }.max() ?? 0
        case .not(let part): return part.lookBack
        case .leaf: return 0
        case .aggregate(let aggregate):
            if case .time(let span) = aggregate.window { return span }
            return nil
        case .sequence(let sequence): return sequence.within
        case .absence(let absence): return absence.within
        }
    }
}
