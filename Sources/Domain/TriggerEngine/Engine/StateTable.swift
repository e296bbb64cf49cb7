import EventModel

/// The states that triggers are working on, as far as they have been loaded.
///
/// The engine reads and writes it; whoever owns the database loads what the engine will need, and stores what has
/// changed. After a transaction that failed it is thrown away whole.
public struct StateTable: Sendable {
    private struct Cell: Sendable {
        let key: StateKey
        /// Nil is known not to exist.
        var state: MachineState?
        /// In which the census counted its group.
        var stretch: Int64?
        var expiresAt: Timestamp?
        var lastUse: UInt64
        var isChanged = false
    }

    /// Where in `cells` a key is. Cells move when others are forgotten, and at no other time.
    private var places: [StateKey: Int] = [:]
    private var cells: [Cell] = []
    private var changed: [Int] = []
    private var timers = TimerHeap()
    private var uses: UInt64 = 0
    /// What bounds have cost since it was last asked.
    var counts = StateCounts()

    /// Makes an empty table.
    public init() {}

    /// How many states are held, with those that are known not to exist.
    public var count: Int { cells.count }

    /// Whether it is not known what the database holds under a key.
    public func lacks(_ key: StateKey) -> Bool { places[key] == nil }

    /// Takes what the database holds under a key; nil when it holds nothing.
    ///
    /// - Throws: when the bytes are no state (of this release); the state then begins anew.
    public mutating func load(_ key: StateKey, _ bytes: [UInt8]?) throws(StateError) {
        uses += 1
        let place = makePlace(key)
        let isChanged = cells[place].isChanged
        cells[place] = Cell(key: key, lastUse: uses, isChanged: isChanged)
        guard let bytes else { return }
        let (state, stretch) = try MachineState.decode(bytes)
        cells[place].state = state
        cells[place].stretch = stretch
        if let due = state.dueAt { timers.add(due, key) }
    }

    /// What has changed since the last call.
    public mutating func takeChanges() -> [StateChange] {
        let changes = changed.map { place in
            cells[place].isChanged = false
            let cell = cells[place]
            return StateChange(
                key: cell.key, bytes: cell.state?.encoded(stretch: cell.stretch), dueAt: cell.state?.dueAt,
                expiresAt: cell.expiresAt)
        }
        changed.removeAll(keepingCapacity: true)
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
            timers = TimerHeap(timers.all.filter { state($0.key)?.dueAt == $0.due })
        }
        guard cells.count > count else { return }
        // A tenth more, so that this is not done for each state that comes.
        let surplus = cells.count - count + count / 10
        let uses = cells.filter { !$0.isChanged }.map(\.lastUse).sorted()
        guard let last = uses.prefix(surplus).last else { return }
        keep { $0.isChanged || $0.lastUse > last }
    }

    /// Forgets states that mean nothing any more at a moment, and which have changed: for whoever stores nothing.
    public mutating func forgetExpired(at moment: Timestamp) {
        keep { $0.state != nil && $0.expiresAt.map { $0 > moment } ?? true }
        for place in changed { cells[place].isChanged = false }
        changed.removeAll(keepingCapacity: true)
    }

    private mutating func keep(_ isKept: (Cell) -> Bool) {
        cells.removeAll { !isKept($0) }
        places.removeAll(keepingCapacity: true)
        changed.removeAll(keepingCapacity: true)
        for (place, cell) in cells.enumerated() {
            places[cell.key] = place
            if cell.isChanged { changed.append(place) }
        }
    }

    private mutating func makePlace(_ key: StateKey) -> Int {
        if let known = places[key] { return known }
        places[key] = cells.count
        cells.append(Cell(key: key, lastUse: uses))
        return cells.count - 1
    }

    // MARK: - For the engine

    /// Where the state of a key is, as long as nothing is forgotten; nil when the table lacks it.
    func place(of key: StateKey) -> Int? { places[key] }

    /// The state at a place, which is nil until it is put back, so that it can be changed where it is.
    mutating func take(at place: Int) -> MachineState? {
        guard let state = cells[place].state else { return nil }
        cells[place].state = nil
        return state
    }

    /// Whether there is a state at a place.
    func hasState(at place: Int) -> Bool { cells[place].state != nil }

    /// In which stretch the census counted the group whose state is at a place.
    func stretch(at place: Int) -> Int64? { cells[place].stretch }

    /// The census at a place.
    func census(at place: Int) -> Census? {
        if case .census(let census)? = cells[place].state { census } else { nil }
    }

    /// Writes the state at a place.
    mutating func put(at place: Int, _ state: MachineState?, expiresAt: Timestamp? = nil, stretch: Int64? = nil) {
        uses += 1
        cells[place].lastUse = uses
        cells[place].state = state
        cells[place].stretch = stretch
        cells[place].expiresAt = expiresAt
        if !cells[place].isChanged {
            cells[place].isChanged = true
            changed.append(place)
        }
        if let due = state?.dueAt { timers.add(due, cells[place].key) }
    }

    /// Makes the table lack a state that nobody has changed.
    mutating func forget(_ key: StateKey) {
        guard let place = places[key], !cells[place].isChanged else { return }
        places[key] = nil
        let last = cells.removeLast()
        guard place < cells.count else { return }
        // The last one moves into the gap.
        cells[place] = last
        places[last.key] = place
        if last.isChanged { changed = changed.map { $0 == cells.count ? place : $0 } }
    }

    /// The state of a key.
    func state(_ key: StateKey) -> MachineState? { places[key].flatMap { cells[$0].state } }

    /// In which stretch the census counted the group of a key.
    func stretch(_ key: StateKey) -> Int64? { places[key].flatMap { stretch(at: $0) } }

    /// Writes a state.
    mutating func put(_ key: StateKey, _ state: MachineState?, expiresAt: Timestamp? = nil, stretch: Int64? = nil) {
        put(at: makePlace(key), state, expiresAt: expiresAt, stretch: stretch)
    }

    /// Takes the next timer that is due up to a moment; timers whose states are gone are passed over.
    mutating func takeTimer(upTo moment: Timestamp) -> (due: Timestamp, key: StateKey)? {
        while let first = timers.first, first.due <= moment {
            timers.removeFirst()
            if state(first.key)?.dueAt == first.due { return first }
        }
        return nil
    }

    /// The states whose timers are due up to a moment.
    func waiting(upTo moment: Timestamp) -> [(key: StateKey, state: MachineState)] {
        timers.due(upTo: moment).compactMap { timer in state(timer.key).map { (timer.key, $0) } }
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
