import EventModel

/// The states that triggers are working on, as far as they have been loaded.
///
/// The engine reads and writes it; whoever owns the database loads what the engine will need, and stores what has
/// changed. After a transaction that failed it is thrown away whole.
public struct StateTable: Sendable {
    private struct Cell: Sendable {
        /// Nil is known not to exist.
        var state: MachineState?
        /// In which the census counted its group.
        var stretch: Int64?
        var lastUse: UInt64
    }

    private var cells: [StateKey: Cell] = [:]
    private var changed: Set<StateKey> = []
    private var timers = TimerHeap()
    private var uses: UInt64 = 0
    /// What bounds have cost since it was last asked.
    var counts = StateCounts()

    /// Makes an empty table.
    public init() {}

    /// How many states are held, with those that are known not to exist.
    public var count: Int { cells.count }

    /// Whether it is not known what the database holds under a key.
    public func lacks(_ key: StateKey) -> Bool { cells[key] == nil }

    /// Takes what the database holds under a key; nil when it holds nothing.
    ///
    /// - Throws: when the bytes are no state (of this release); the state then begins anew.
    public mutating func load(_ key: StateKey, _ bytes: [UInt8]?) throws(StateError) {
        uses += 1
        cells[key] = Cell(state: nil, lastUse: uses)
        guard let bytes else { return }
        let (state, stretch) = try MachineState.decode(bytes)
        cells[key]?.state = state
        cells[key]?.stretch = stretch
        if let due = state.dueAt { timers.add(due, key) }
    }

    /// What has changed since the last call.
    public mutating func takeChanges() -> [StateChange] {
        let changes = changed.map { key in
            let cell = cells[key]
            return StateChange(
                key: key, bytes: cell?.state?.encoded(stretch: cell?.stretch), dueAt: cell?.state?.dueAt,
                expiresAt: expiries[key] ?? nil)
        }
        changed.removeAll(keepingCapacity: true)
        expiries.removeAll(keepingCapacity: true)
        return changes
    }

    /// What bounds have cost since the last call.
    public mutating func takeCounts() -> StateCounts {
        defer { counts = StateCounts() }
        return counts
    }

    /// Forgets states that have not been used for longest, but none that has changed, until there are at most `count`.
    public mutating func shrink(to count: Int) {
        // Timers of states that are gone stay until their time, which may be days away.
        if timers.count > 2 * cells.count + 1_000 {
            timers = TimerHeap(timers.all.filter { cells[$0.key]?.state?.dueAt == $0.due })
        }
        guard cells.count > count else { return }
        // A tenth more, so that this is not done for each state that comes.
        let surplus = cells.count - count + count / 10
        let oldest = cells.filter { !changed.contains($0.key) }.sorted { $0.value.lastUse < $1.value.lastUse }
        for (key, _) in oldest.prefix(surplus) { cells[key] = nil }
    }

    /// Forgets states that mean nothing any more at a moment, and which have changed: for whoever stores nothing.
    public mutating func forgetExpired(at moment: Timestamp) {
        cells = cells.filter { key, cell in
            guard cell.state != nil else { return false }
            guard let expiry = expiries[key] ?? nil else { return true }
            return expiry > moment
        }
        expiries = expiries.filter { cells[$0.key] != nil }
        changed.removeAll(keepingCapacity: true)
    }

    // MARK: - For the engine

    private var expiries: [StateKey: Timestamp?] = [:]

    /// The state of a key, which is nil until it is put back, so that it can be changed where it is.
    mutating func take(_ key: StateKey) -> MachineState? {
        guard let state = cells[key]?.state else { return nil }
        cells[key]?.state = nil
        return state
    }

    /// In which stretch the census counted the group of a key.
    func stretch(_ key: StateKey) -> Int64? { cells[key]?.stretch }

    /// Makes the table lack a state that nobody has changed.
    mutating func forget(_ key: StateKey) {
        if !changed.contains(key) { cells[key] = nil }
    }

    /// The state of a key.
    func state(_ key: StateKey) -> MachineState? { cells[key]?.state }

    /// Writes a state.
    mutating func put(_ key: StateKey, _ state: MachineState?, expiresAt: Timestamp? = nil, stretch: Int64? = nil) {
        uses += 1
        cells[key] = Cell(state: state, stretch: stretch, lastUse: uses)
        changed.insert(key)
        expiries[key] = expiresAt
        if let due = state?.dueAt { timers.add(due, key) }
    }

    /// Takes the next timer that is due up to a moment; timers whose states are gone are passed over.
    mutating func takeTimer(upTo moment: Timestamp) -> (due: Timestamp, key: StateKey)? {
        while let first = timers.first, first.due <= moment {
            timers.removeFirst()
            if cells[first.key]?.state?.dueAt == first.due { return first }
        }
        return nil
    }

    /// The states whose timers are due up to a moment.
    func waiting(upTo moment: Timestamp) -> [(key: StateKey, state: MachineState)] {
        timers.due(upTo: moment).compactMap { timer in
            cells[timer.key]?.state.map { (timer.key, $0) }
        }
    }
}

/// What the bounds of states have cost.
public struct StateCounts: Sendable, Equatable {
    /// How often a full window merged neighbours, which leave together from then on.
    public var mergedWindows = 0
    /// Events that were not counted, because their leaf has too many groups.
    public var refusedGroups = 0
    /// Values of `distinct` that were forgotten, because there were too many.
    public var forgottenValues = 0

    /// Nothing.
    public init() {}
}

/// Bytes that are no state.
public struct StateError: Error {
    /// What is wrong with them.
    public let detail: String
}

/// Timers, the next one first (a binary heap).
private struct TimerHeap: Sendable {
    typealias Timer = (due: Timestamp, key: StateKey)

    private(set) var all: [Timer] = []

    init() {}

    init(_ timers: [Timer]) {
        // In order, an array is a heap.
        all = timers.sorted(by: Self.isBefore)
    }

    var count: Int { all.count }
    var first: Timer? { all.first }

    /// Those that are due up to a moment, in no set order; the others are not looked at.
    func due(upTo moment: Timestamp) -> [Timer] {
        var found: [Timer] = []
        var places = [0]
        while let place = places.popLast() {
            guard place < all.count, all[place].due <= moment else { continue }
            found.append(all[place])
            places += [2 * place + 1, 2 * place + 2]
        }
        return found
    }

    mutating func add(_ due: Timestamp, _ key: StateKey) {
        all.append((due, key))
        var child = all.count - 1
        while child > 0, Self.isBefore(all[child], all[(child - 1) / 2]) {
            all.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        all.swapAt(0, all.count - 1)
        all.removeLast()
        var parent = 0
        while true {
            let children = (2 * parent + 1..<2 * parent + 3).clamped(to: 0..<all.count)
            guard let least = children.min(by: { Self.isBefore(all[$0], all[$1]) }),
                Self.isBefore(all[least], all[parent])
            else { return }
            all.swapAt(parent, least)
            parent = least
        }
    }

    /// By moment; of one moment in an order that is the same in every replay.
    private static func isBefore(_ one: Timer, _ other: Timer) -> Bool {
        if one.due != other.due { return one.due < other.due }
        if one.key.triggerID != other.key.triggerID { return one.key.triggerID < other.key.triggerID }
        if one.key.slot != other.key.slot { return one.key.slot < other.key.slot }
        return one.key.group.lexicographicallyPrecedes(other.key.group)
    }
}
