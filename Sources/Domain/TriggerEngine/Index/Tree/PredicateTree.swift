import JSONTree

/// A tree that leads an event to the conditions that could be true of it.
///
/// A node holds placements in lists that are gone through, and partitions: by the value of a field (equality, `in`), by
/// how its text begins or ends, by a piece of its text or an element of its array, by the block its address is in, by
/// the interval its number lies in, or by its being there at all. An event follows each partition of a node with the
/// key that its own field gives, so it only meets what shares that key; on the way, each step makes a literal of the
/// condition true, and where none is left, the event matches without a comparison.
///
/// The tree grows where it is crowded, as in BE-Tree (Sadoghi and Jacobsen, 2011): a list of more than a few placements
/// is divided by the literal that tells most of them apart, judged by the keys that these placements have. So the
/// tree's shape follows the conditions that there are, adding or removing one touches a handful of nodes, and a
/// condition with two selective fields ends up behind both only if one does not suffice.
struct PredicateTree: Sendable {
    /// More placements than this in a node are divided if they can be.
    static let maximumWaiting = 8
    /// With more partitions than this a node is entered by the fields that the event has.
    static let maximumPartitions = 12

    struct Alternative: BitwiseCopyable, Sendable {
        var literals = BlockPool<Literal>.Block()
        /// The next one of the entry; -1 for none.
        var next: Int32 = -1
        var isExact = true
    }

    struct Entry: BitwiseCopyable, Sendable {
        var placements: Int32 = -1
        var alternatives: Int32 = -1
        /// The comparisons it holds.
        var comparisons = BlockPool<Int32>.Block()
        /// The whole condition, if an alternative is inexact.
        var program = BlockPool<ConditionProgram.Step>.Block()
        var start: Int32 = ConditionProgram.accept
        /// Whether several of its placements can meet one event.
        var isRepeated = false
        /// The event it last matched.
        var epoch: UInt32 = 0
    }

    var vocabulary = Vocabulary()
    var nodes: [TreeNode] = []
    /// By the numbers of nodes.
    var origins: [NodeOrigin] = []
    var partitions: [Partition] = []
    var placements: [Placement] = []
    var alternatives: [Alternative] = []
    var entries: [Entry] = []
    var freeNodes: [Int32] = []
    var freePartitions: [Int32] = []
    var freePlacements: [Int32] = []
    var freeAlternatives: [Int32] = []
    /// From the keys of partitions to nodes.
    var nodesByKey = FlatTable<UInt64, Int32>()
    /// The same as events need it.
    var children = FlatTable<UInt64, Child>()
    /// From node, field and access to partitions.
    var partitionsByWay = FlatTable<WayKey, Int32>()
    var cells = IntervalCells()
    var candidates = BlockPool<Candidate>()
    var ways = BlockPool<Way>()
    var literals = BlockPool<Literal>()
    var comparisons = BlockPool<Int32>()
    var steps = BlockPool<ConditionProgram.Step>()
    var lengths = BlockPool<KeyLength>()
    /// What is still to be entered in the event being matched: as much as `stackTop` says.
    var stack: [Child] = []
    var stackTop = 0
    /// The fields that the event being matched has, once somebody needs to know.
    var present: [Int32] = []
    var presentEpoch: UInt32 = 0

    struct WayKey: FlatKey {
        let node: Int32
        let field: Int32
        let access: UInt8

        var hash64: UInt64 {
            (UInt64(UInt32(node)) << 32 | UInt64(UInt32(field))).hash64 &+ UInt64(access) &* 0x9E37_79B9_7F4A_7C15
        }
    }

    var isBare: Bool {
        children.count == 0 && partitionsByWay.count == 0 && cells.isBare && nodes.count == freeNodes.count
            && partitions.count == freePartitions.count && placements.count == freePlacements.count
            && alternatives.count == freeAlternatives.count && vocabulary.isBare
    }

    /// Makes an empty node.
    mutating func makeNode(partition: Int32 = -1, key: UInt64 = 0, keyLength: Int32 = 0) -> Int32 {
        let origin = NodeOrigin(partition: partition, keyLength: keyLength, key: key)
        if let free = freeNodes.popLast() {
            nodes[Int(free)] = TreeNode()
            origins[Int(free)] = origin
            return free
        }
        nodes.append(TreeNode())
        origins.append(origin)
        return Int32(nodes.count - 1)
    }

    /// Gives back a root without placements.
    mutating func removeRoot(_ node: Int32) { freeNodes.append(node) }

    /// Takes a condition in; it is in no place yet.
    ///
    /// - Parameters:
    ///   - entry: its number, which is free.
    ///   - condition: nil is true of every event.
    ///   - isRepeated: whether several roots can meet one event.
    /// - Returns: its alternatives, to be placed below a root each.
    mutating func admit(_ entry: Int32, _ condition: Condition?, isRepeated: Bool) -> [Int32] {
        while entries.count <= Int(entry) { entries.append(Entry()) }
        var held: [Int32] = []
        let numbered = condition.map { condition in
            NumberedCondition(condition.dearestLast) {
                held.append(vocabulary.intern($0))
                return held[held.count - 1]
            }
        }
        let form = NormalForm(numbered ?? .all([]), in: vocabulary)
        var new = Entry(comparisons: comparisons.make(held))
        new.isRepeated = isRepeated || form.alternatives.count > 1
        if let numbered, form.alternatives.contains(where: { !$0.isExact }) {
            let program = ConditionProgram(numbered)
            new.program = steps.make(program.steps)
            new.start = program.entry
        }
        entries[Int(entry)] = new
        return form.alternatives.map { makeAlternative($0, of: entry) }
    }

    /// Puts an alternative below a root.
    ///
    /// - Parameter said: which of its literals are true of every event that gets to the root.
    mutating func place(_ alternative: Int32, of entry: Int32, below root: Int32, said: UInt64) {
        let count = alternatives[Int(alternative)].literals.count
        let remaining = (count == 64 ? UInt64.max : (1 << UInt64(count)) - 1) & ~said
        var untried = remaining
        for index in BitSequence(remaining) where vocabulary.access(literal(alternative, index)) == .none {
            untried &= ~(1 << UInt64(index))
        }
        let placement = Placement(
            entry: entry, alternative: alternative, next: -1, remaining: remaining, untried: untried)
        place(link(placement), in: root)
    }

    /// The types that an alternative leaves to an event, and which literal does; nil when none does.
    func typeNames(_ alternative: Int32) -> (literal: Int, names: [[UInt8]])? {
        for index in 0..<Int(alternatives[Int(alternative)].literals.count) {
            let literal = literal(alternative, index)
            guard vocabulary.access(literal) == .equality,
                vocabulary.fields.isType(vocabulary.comparisons.checks[Int(literal.comparison)].field)
            else { continue }
            switch vocabulary.comparisons.comparisons[Int(literal.comparison)]?.test {
            case .equal(let operand): return (index, operand.text.map { [$0] } ?? [])
            case .member(let set):
                // Each once: a name that is there twice would match twice.
                return (index, Array(Set(set.operands.compactMap(\.text))))
            default: continue
            }
        }
        return nil
    }

    private mutating func makeAlternative(_ form: NormalForm.Alternative, of entry: Int32) -> Int32 {
        let alternative = Alternative(
            literals: literals.make(form.literals), next: entries[Int(entry)].alternatives, isExact: form.isExact)
        let number = freeAlternatives.popLast() ?? Int32(alternatives.count)
        if Int(number) < alternatives.count {
            alternatives[Int(number)] = alternative
        } else {
            alternatives.append(alternative)
        }
        entries[Int(entry)].alternatives = number
        return number
    }

    /// Gives a placement a number and adds it to its entry.
    mutating func link(_ placement: Placement) -> Int32 {
        var placement = placement
        placement.next = entries[Int(placement.entry)].placements
        let number = freePlacements.popLast() ?? Int32(placements.count)
        if Int(number) < placements.count {
            placements[Int(number)] = placement
        } else {
            placements.append(placement)
        }
        entries[Int(placement.entry)].placements = number
        return number
    }

    func literal(_ alternative: Int32, _ index: Int) -> Literal {
        literals[alternatives[Int(alternative)].literals, index]
    }

    /// What lists hold of a placement.
    func candidate(_ number: Int32) -> Candidate {
        let placement = placements[Int(number)]
        let isPlain = alternatives[Int(placement.alternative)].isExact && !entries[Int(placement.entry)].isRepeated
        var candidate = Candidate(entry: placement.entry, placement: number)
        // All literals must be true in any case, so that one that mostly isn't saves asking.
        let first = BitSequence(placement.remaining).map { literal(placement.alternative, $0) }
            .max { vocabulary.access($0).rawValue < vocabulary.access($1).rawValue }
        candidate.isOpen = !isPlain || placement.remaining.nonzeroBitCount > 1
        guard let first else { return candidate }
        let check = vocabulary.comparisons.checks[Int(first.comparison)]
        candidate.field = check.field
        candidate.isNegated = first.isNegated
        candidate.operand = check.first
        switch check.kind {
        case .equal: candidate.test = .equal
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            candidate.test = .order
            candidate.relation = check.kind
            candidate.operandKind = check.firstKind
        default:
            candidate.test = .literal
            candidate.operand = UInt64(first.number)
        }
        return candidate
    }
}

/// The numbers of the bits that are set, from the lowest up.
struct BitSequence: Sequence, IteratorProtocol {
    private var bits: UInt64

    init(_ bits: UInt64) { self.bits = bits }

    mutating func next() -> Int? {
        guard bits != 0 else { return nil }
        defer { bits &= bits - 1 }
        return bits.trailingZeroBitCount
    }
}

extension Operand {
    /// The bytes of a string; nil for anything else.
    fileprivate var text: [UInt8]? {
        if case .text(let bytes, _) = self { bytes } else { nil }
    }
}
