public import EventModel
import JSONTree

/// What every event that passes has among its terms: at least one of each clause.
///
/// It is a weakening: what passes always has it, what has it need not pass.
public struct TermRequirement: Sendable, Equatable {
    /// Terms of which one must be there.
    public struct Clause: Sendable, Equatable {
        /// At least one.
        public let terms: Set<Int64>
        /// Whether the terms only say that a field is there, which most events may have in common.
        public let isVague: Bool

        /// Makes a clause.
        public init(_ terms: Set<Int64>, isVague: Bool = false) {
            self.terms = terms
            self.isVague = isVague
        }
    }

    /// Most terms of a clause; one that needs more is left out.
    public static let maximumTerms = 256

    /// All of them hold. None: nothing is known.
    public private(set) var clauses: [Clause]
    /// Whether no event at all can pass.
    public private(set) var isImpossible = false

    /// Requires these clauses.
    public init(_ clauses: [Clause] = []) {
        self.clauses = clauses
    }

    /// What a condition requires.
    public init(_ condition: Condition, in space: TermSpace) {
        self = Self.requirement(of: condition, is: true, in: space)
    }

    /// Requires what both require.
    public mutating func formIntersection(_ other: TermRequirement) {
        clauses += other.clauses.filter { !clauses.contains($0) }
        isImpossible = isImpossible || other.isImpossible
    }

    /// Nothing can pass.
    static let impossible: TermRequirement = {
        var requirement = TermRequirement()
        requirement.isImpossible = true
        return requirement
    }()

    private static func requirement(of condition: Condition, is wanted: Bool, in space: TermSpace) -> TermRequirement {
        switch condition {
        case .not(let part): requirement(of: part, is: !wanted, in: space)
        case .all(let parts) where wanted, .any(let parts) where !wanted:
            parts.reduce(into: TermRequirement()) {
                $0.formIntersection(requirement(of: $1, is: wanted, in: space))
            }
        case .all(let parts), .any(let parts):
            either(parts.map { requirement(of: $0, is: wanted, in: space) })
        // That a comparison is false is true of fields that are missing too.
        case .leaf(let comparison): wanted ? comparison.requirement(in: space) : TermRequirement()
        }
    }

    /// What is required when one of several must hold: a clause of each, joined.
    private static func either(_ parts: [TermRequirement]) -> TermRequirement {
        let possible = parts.filter { !$0.isImpossible }
        guard !possible.isEmpty else { return .impossible }
        var terms: Set<Int64> = []
        var isVague = false
        for part in possible {
            let best = part.clauses.min { ($0.isVague ? 1 : 0, $0.terms.count) < ($1.isVague ? 1 : 0, $1.terms.count) }
            guard let best else { return TermRequirement() }
            terms.formUnion(best.terms)
            isVague = isVague || best.isVague
        }
        return terms.count <= maximumTerms ? TermRequirement([Clause(terms, isVague: isVague)]) : TermRequirement()
    }
}

extension Comparison {
    fileprivate func requirement(in space: TermSpace) -> TermRequirement {
        switch field.root {
        case .type: return requirement { space.member(.type, $0) }
        case .source: return requirement { space.member(.source, $0) }
        case .subject: return requirement { space.member(.subject, $0) }
        case .id, .time, .receivedAt, .clock, .data(nil): return TermRequirement()
        case .data(let path?): return requirement(at: space.path(path), in: space)
        }
    }

    /// Of a text member.
    private func requirement(_ term: (String) -> Int64) -> TermRequirement {
        switch test {
        case .equal(.text(let bytes, _)):
            return TermRequirement([.init([term(String(decoding: bytes, as: UTF8.self))])])
        case .member(let set):
            let texts = set.operands.compactMap { operand in
                if case .text(let bytes, _) = operand { bytes } else { nil }
            }
            guard texts.count <= TermRequirement.maximumTerms else { return TermRequirement() }
            return texts.isEmpty
                ? .impossible : TermRequirement([.init(Set(texts.map { term(String(decoding: $0, as: UTF8.self)) }))])
        default: return TermRequirement()
        }
    }

    /// Of a field in the data.
    private func requirement(at place: TermPath, in space: TermSpace) -> TermRequirement {
        switch test {
        case .equal(let operand): return TermRequirement([place.clause(in: space, operand)])
        case .member(let set):
            let clauses = set.operands.map { place.clause(in: space, $0) }
            let terms = clauses.reduce(into: Set<Int64>()) { $0.formUnion($1.terms) }
            guard !terms.isEmpty else { return .impossible }
            guard terms.count <= TermRequirement.maximumTerms else { return TermRequirement() }
            return TermRequirement([.init(terms, isVague: clauses.contains(where: \.isVague))])
        case .contains(let operand, let search):
            let element = place.element.clause(in: space, operand)
            guard search != nil else { return TermRequirement([element]) }
            // A string may hold it anywhere; only that there is a string is known.
            return TermRequirement([.init(element.terms.union([place.kind(.string)]))])
        case .unequal(let operand), .less(let operand), .lessOrEqual(let operand), .greater(let operand),
            .greaterOrEqual(let operand), .between(let operand, _):
            return TermRequirement([.init([place.kind(operand.kind)], isVague: true)])
        case .prefix, .suffix, .matches, .address:
            return TermRequirement([.init([place.kind(.string)], isVague: true)])
        case .kind(let kind): return TermRequirement([.init([place.kind(kind)], isVague: true)])
        case .exists(true):
            return TermRequirement([.init(Set(JSONValue.Kind.allCases.map { place.kind($0) }), isVague: true)])
        case .exists(false), .noMember, .similar: return TermRequirement()
        }
    }
}

extension TermPath {
    /// What an event has whose field here equals an operand.
    fileprivate func clause(in space: TermSpace, _ operand: Operand) -> TermRequirement.Clause {
        switch operand {
        case .null: .init([null])
        case .boolean(let value): .init([boolean(value)])
        case .number(let value): .init([number(value)])
        case .text(let bytes, _):
            if bytes.count <= TermSpace.longestText {
                .init([text(bytes)])
            } else if let word = Words.list(String(decoding: bytes, as: UTF8.self)).max(by: { $0.count < $1.count }) {
                .init([space.word(word)])
            } else {
                .init([kind(.string)], isVague: true)
            }
        case .container(let value): .init([kind(value.kind)], isVague: true)
        }
    }
}

extension Operand {
    fileprivate var kind: JSONValue.Kind {
        switch self {
        case .null: .null
        case .boolean: .boolean
        case .number: .number
        case .text: .string
        case .container(let value): value.kind
        }
    }
}
