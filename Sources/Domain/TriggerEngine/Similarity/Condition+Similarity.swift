extension Condition {
    /// The same condition with what needs a vector asked last, in each `all` and `any`: which is true of the same
    /// events, and mostly spares making one.
    var dearestLast: Condition {
        switch self {
        case .all(let parts) where needsVector: .all(Self.sorted(parts))
        case .any(let parts) where needsVector: .any(Self.sorted(parts))
        case .not(let part) where needsVector: .not(part.dearestLast)
        case .all, .any, .not, .leaf: self
        }
    }

    private static func sorted(_ parts: [Condition]) -> [Condition] {
        (parts.filter { !$0.needsVector } + parts.filter(\.needsVector)).map(\.dearestLast)
    }

    private var needsVector: Bool {
        switch self {
        case .all(let parts), .any(let parts): parts.contains(where: \.needsVector)
        case .not(let part): part.needsVector
        case .leaf(let comparison): comparison.isSimilarity
        }
    }
}

extension Comparison {
    /// Whether it looks at a vector.
    var isSimilarity: Bool { if case .similar = test { true } else { false } }
}

extension TriggerCondition {
    /// The leaves that look at a vector; those of filters and steps are not among them.
    var similarities: [Comparison] {
        switch self {
        case .all(let parts), .any(let parts): parts.flatMap(\.similarities)
        case .not(let part): part.similarities
        case .leaf(let comparison): comparison.isSimilarity ? [comparison] : []
        case .aggregate, .sequence, .absence: []
        }
    }
}
