import EventModel

/// A condition as a flat list of comparisons, each with where to go when it is true and when it is false.
///
/// `all`, `any` and `not` are only ways of going on, so nothing of them is left: an event is taken through the
/// comparisons that decide it, and no others, without recursion.
public struct CompiledCondition: Sendable {
    private struct Step: Sendable {
        let comparison: Comparison
        let whenTrue: Int
        let whenFalse: Int
    }

    private static let accept = -1
    private static let reject = -2

    /// Every step goes on to a step with a smaller index, or ends.
    private var steps: [Step] = []
    private var entry: Int

    /// Compiles a tree.
    public init(_ condition: Condition) {
        entry = Self.reject
        entry = add(condition.dearestLast, whenTrue: Self.accept, whenFalse: Self.reject)
    }

    /// Adds a tree, back to front, so that where it goes on is known; returns where it begins.
    private mutating func add(_ condition: Condition, whenTrue: Int, whenFalse: Int) -> Int {
        switch condition {
        case .leaf(let comparison):
            steps.append(Step(comparison: comparison, whenTrue: whenTrue, whenFalse: whenFalse))
            return steps.count - 1
        case .not(let part):
            return add(part, whenTrue: whenFalse, whenFalse: whenTrue)
        case .all(let parts):
            return parts.reversed().reduce(whenTrue) { add($1, whenTrue: $0, whenFalse: whenFalse) }
        case .any(let parts):
            return parts.reversed().reduce(whenFalse) { add($1, whenTrue: whenTrue, whenFalse: $0) }
        }
    }

    /// Whether the condition is true of an event.
    public func evaluate(_ event: ParsedEvent) -> Bool {
        var vectors = EventVectors()
        var next = entry
        while next >= 0 {
            let step = steps[next]
            next = step.comparison.evaluate(event, &vectors) ? step.whenTrue : step.whenFalse
        }
        return next == Self.accept
    }
}
