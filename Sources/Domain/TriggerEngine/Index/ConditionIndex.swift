import EventModel

/// Many conditions, each with the event types that reach it, and those of them that are true of an event.
///
/// What an event costs depends on what could match it, not on how many conditions there are: its type leads to the
/// roots of a ``PredicateTree``, and its fields lead down from there. Each field is looked up at most once, each
/// comparison that several conditions share is made at most once, and no memory is allocated but for the matches.
///
/// An entry is a number that the caller gets when it adds a condition, and keeps until it removes it.
public struct ConditionIndex: Sendable {
    /// Names a condition in the index. Numbers of removed entries are given out again.
    public typealias Entry = Int

    private var tree = PredicateTree()
    private var scopes = TypeScopes()
    /// The roots that each entry is below.
    private var holds: [BlockPool<TypeScopes.Hold>.Block] = []
    private var holdPool = BlockPool<TypeScopes.Hold>()
    private var free: [Int32] = []

    /// Makes an empty index.
    public init() {}

    /// The vectors of events that have been matched, for whoever looks at them again.
    var vectors: EventVectors {
        get { tree.vocabulary.vectors }
        _modify { yield &tree.vocabulary.vectors }
    }

    /// How many conditions there are.
    public var count: Int { holds.count - free.count }

    /// Adds a condition without state.
    ///
    /// - Parameters:
    ///   - condition: nil is true of every event.
    ///   - eventTypes: which types reach it; empty means all.
    public mutating func add(_ condition: Condition?, eventTypes: [Glob]) -> Entry {
        let entry = free.popLast() ?? Int32(holds.count)
        if Int(entry) == holds.count { holds.append(BlockPool<TypeScopes.Hold>.Block()) }
        let types = Self.distinct(eventTypes)
        let isRepeated = types.count > 1 && types.contains { $0.literal == nil }
        let alternatives = tree.admit(entry, condition, isRepeated: isRepeated)
        for alternative in alternatives {
            for (hold, said) in roots(of: alternative, types) {
                holdPool.append(hold, to: &holds[Int(entry)])
                tree.place(alternative, of: entry, below: hold.root, said: said)
            }
        }
        return Entry(entry)
    }

    /// Removes a condition.
    public mutating func remove(_ entry: Entry) {
        tree.remove(Int32(entry))
        for hold in holdPool.array(holds[entry]) where scopes.release(hold) { tree.removeRoot(hold.root) }
        holdPool.release(&holds[entry])
        free.append(Int32(entry))
    }

    /// Appends the entries whose types an event has, and whose condition is true of it, each once, in no set order.
    public mutating func match(_ event: ParsedEvent, into matches: inout [Entry]) {
        guard count > 0 else { return }
        EventView.of(event, withMembers: tree.vocabulary.fields.memberCount > 0) { view in
            tree.begin()
            if scopes.everything >= 0 { tree.visit(scopes.everything, view, event, &matches) }
            let own = scopes.nameRoot(of: view.type)
            if own >= 0 { tree.visit(own, view, event, &matches) }
            let roots = scopes.patternRoots(of: view.type)
            for index in 0..<Int(roots.count) { tree.visit(scopes.roots[roots, index], view, event, &matches) }
        }
    }

    /// Whether nothing is left of conditions, which is so when all have been removed.
    var isBare: Bool { tree.isBare && scopes.isBare }

    /// Where an alternative is to be found, and which of its literals is true of every event that gets there.
    ///
    /// A condition on the type is as good as a list of types where there is no other.
    private mutating func roots(
        of alternative: Int32, _ types: [Glob]
    ) -> [(hold: TypeScopes.Hold, said: UInt64)] {
        guard types.isEmpty else {
            return types.map { glob in (scopes.hold(glob) { tree.makeNode() }, 0) }
        }
        guard let (literal, names) = tree.typeNames(alternative) else {
            return [(scopes.holdEverything { tree.makeNode() }, 0)]
        }
        return names.map { name in (scopes.hold(name: name) { tree.makeNode() }, 1 << UInt64(literal)) }
    }

    /// The patterns, each once.
    private static func distinct(_ globs: [Glob]) -> [Glob] {
        guard globs.count > 1 else { return globs }
        var seen: Set<[UInt8]> = []
        return globs.filter { seen.insert(Array($0.description.utf8)).inserted }
    }
}
