/// A condition as alternatives of which one must be true, for an index to find it by.
///
/// `not` is moved down to the comparisons. Of `any` each part is an alternative. Of `all` the part that tells most is
/// taken: its comparisons, or, where none of them leads to a few conditions, the alternatives of one `any`. What is
/// left out makes an alternative inexact: it must be asked the whole condition.
struct NormalForm {
    struct Alternative {
        /// All of them are true when the alternative is.
        var literals: [Literal] = []
        /// Whether the alternative is true when they are.
        var isExact = true
    }

    /// Most literals of an alternative that are told apart.
    static let maximumLiterals = 64

    /// None: the condition is never true.
    private(set) var alternatives: [Alternative]

    init(_ condition: NumberedCondition, in vocabulary: Vocabulary) {
        let form = Self.form(of: condition, is: true, vocabulary)
        let isFindable = form.allSatisfy { alternative in
            alternative.literals.contains { vocabulary.access($0) != .none }
        }
        // One part that can't be found needs the whole condition asked of every event; the others add nothing then.
        alternatives = isFindable || form.count <= 1 ? form : [Alternative(isExact: false)]
        for index in alternatives.indices { alternatives[index].order(by: vocabulary) }
    }

    private static func form(
        of condition: NumberedCondition, is wanted: Bool, _ vocabulary: Vocabulary
    ) -> [Alternative] {
        switch condition {
        case .leaf(let comparison):
            return [Alternative(literals: [Literal(comparison, isNegated: !wanted)])]
        case .not(let part):
            return form(of: part, is: !wanted, vocabulary)
        case .all(let parts) where wanted, .any(let parts) where !wanted:
            return every(parts.map { form(of: $0, is: wanted, vocabulary) }, vocabulary)
        case .all(let parts), .any(let parts):
            return parts.flatMap { form(of: $0, is: wanted, vocabulary) }
        }
    }

    private static func every(_ parts: [[Alternative]], _ vocabulary: Vocabulary) -> [Alternative] {
        var common = Alternative()
        var choices: [[Alternative]] = []
        for part in parts {
            guard let first = part.first else { return [] }
            if part.count == 1 { common.add(first) } else { choices.append(part) }
        }
        guard !choices.isEmpty else { return [common] }
        common.isExact = common.isExact && choices.count == 1
        let own = common.best(in: vocabulary)
        let ranked = choices.map { choice in
            (choice: choice, access: choice.map { $0.best(in: vocabulary).rawValue }.min() ?? 0)
        }
        guard !own.isStrong,
            let best = ranked.max(by: { ($0.access, -$0.choice.count) < ($1.access, -$1.choice.count) }),
            best.access > own.rawValue
        else {
            common.isExact = false
            return [common]
        }
        return best.choice.map { alternative in
            var both = common
            both.add(alternative)
            return both
        }
    }
}

extension NormalForm.Alternative {
    mutating func add(_ other: Self) {
        for literal in other.literals where !literals.contains(literal) { literals.append(literal) }
        isExact = isExact && other.isExact
    }

    /// The best that the alternative can be found by.
    func best(in vocabulary: Vocabulary) -> Check.Access {
        literals.map { vocabulary.access($0) }.max { $0.rawValue < $1.rawValue } ?? .none
    }

    /// Puts what it is found by first, and leaves out what is too much.
    fileprivate mutating func order(by vocabulary: Vocabulary) {
        guard literals.count > NormalForm.maximumLiterals else { return }
        let ranked = literals.sorted { vocabulary.access($0).rawValue > vocabulary.access($1).rawValue }
        literals = Array(ranked.prefix(NormalForm.maximumLiterals))
        isExact = false
    }
}
