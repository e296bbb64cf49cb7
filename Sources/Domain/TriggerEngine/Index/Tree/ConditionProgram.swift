/// A condition whose comparisons are numbers.
indirect enum NumberedCondition {
    case all([NumberedCondition])
    case any([NumberedCondition])
    case not(NumberedCondition)
    case leaf(Int32)

    /// - Parameter number: gives the number of a comparison; it is asked once for every leaf.
    init(_ condition: Condition, _ number: (Comparison) -> Int32) {
        switch condition {
        case .all(let parts): self = .all(parts.map { NumberedCondition($0, number) })
        case .any(let parts): self = .any(parts.map { NumberedCondition($0, number) })
        case .not(let part): self = .not(NumberedCondition(part, number))
        case .leaf(let comparison): self = .leaf(number(comparison))
        }
    }
}

/// A condition as steps, each a literal with where to go when it is true and when it is false.
///
/// `all`, `any` and `not` are only ways of going on, so nothing of them is left.
struct ConditionProgram {
    struct Step: BitwiseCopyable, Sendable {
        let comparison: Int32
        let whenTrue: Int32
        let whenFalse: Int32
    }

    static let accept: Int32 = -1
    static let reject: Int32 = -2

    /// Every step goes on to one before it, or ends.
    private(set) var steps: [Step] = []
    private(set) var entry = accept

    init(_ condition: NumberedCondition) {
        entry = add(condition, whenTrue: Self.accept, whenFalse: Self.reject)
    }

    /// Adds a tree, back to front, so that where it goes on is known; returns where it begins.
    private mutating func add(_ condition: NumberedCondition, whenTrue: Int32, whenFalse: Int32) -> Int32 {
        switch condition {
        case .leaf(let comparison):
            steps.append(Step(comparison: comparison, whenTrue: whenTrue, whenFalse: whenFalse))
            return Int32(steps.count - 1)
        case .not(let part):
            return add(part, whenTrue: whenFalse, whenFalse: whenTrue)
        case .all(let parts):
            return parts.reversed().reduce(whenTrue) { add($1, whenTrue: $0, whenFalse: whenFalse) }
        case .any(let parts):
            return parts.reversed().reduce(whenFalse) { add($1, whenTrue: whenTrue, whenFalse: $0) }
        }
    }
}
