import EventModel

/// What an organization's listeners have still to take.
///
/// Batches follow one another without a gap: each begins (`after`) where the one before it ends (`through`), and a
/// listener's own position says which of them it takes next. A position before the first is read from the database.
struct LiveChannel<Batch: Sendable> {
    struct Retained {
        let after: Int64
        let through: Int64
        let events: Int
        let bytes: Int
        let batch: Batch
    }

    /// Listeners that want the same.
    struct Group {
        let interest: LiveInterest<Batch>
        var listeners: Int
    }

    /// Most types that a read is narrowed to.
    private static var mostTypes: Int { 100 }

    /// Up to where the log was read; there may be events of other organizations between it and `end`.
    private(set) var scanned: Int64
    /// Up to where batches were made.
    private(set) var end: Int64
    /// The newest event up to `scanned`, whether anybody wants it or not; nil before the first.
    private(set) var newestID: UniqueID?
    private var retained: [Retained] = []
    private var events = 0
    private var bytes = 0
    private(set) var listeners: Set<UInt64> = []
    private(set) var groups: [Int: Group] = [:]
    private var groupsByName: [String: Int] = [:]
    private var lastGroup = 0
    /// Listeners that hold a page of the past.
    var pages = 0
    /// Those that wait for one, in their order; some may have gone.
    var queue: [UInt64] = []

    init(head: Int64) {
        scanned = head
        end = head
    }

    /// Whoever is at this position or behind it finds all it needs here.
    var start: Int64 { retained.first?.after ?? end }

    /// The types that somebody wants; nil for all.
    var types: Set<String>? {
        var types: Set<String> = []
        for group in groups.values {
            guard let type = group.interest.type else { return nil }
            types.insert(type)
        }
        return types.count > Self.mostTypes ? nil : types
    }

    /// The first batch that holds something behind a position.
    func batch(behind position: Int64) -> Retained? {
        var low = retained.startIndex
        var high = retained.endIndex
        while low < high {
            let middle = (low + high) / 2
            if retained[middle].through > position { high = middle } else { low = middle + 1 }
        }
        return low < retained.endIndex ? retained[low] : nil
    }

    /// Adds what was read behind `scanned`.
    mutating func append(_ batch: Batch, through position: Int64, events count: Int, bytes weight: Int) {
        retained.append(Retained(after: end, through: position, events: count, bytes: weight, batch: batch))
        events += count
        bytes += weight
        end = position
    }

    /// Notes up to where the log was read, and the newest event there, if there was one.
    mutating func advance(scannedTo position: Int64, newestID id: UniqueID?) {
        scanned = position
        newestID = id ?? newestID
    }

    /// Forgets what the slowest listener has, and what is over the limits, whoever still needs it.
    mutating func trim(slowest position: Int64, _ limits: LiveTailLimits) {
        var count = 0
        while count < retained.count {
            let first = retained[count]
            let isOver = events > limits.retainedEvents || bytes > limits.retainedBytes
            guard first.through <= position || (isOver && count + 1 < retained.count) else { break }
            events -= first.events
            bytes -= first.bytes
            count += 1
        }
        retained.removeFirst(count)
    }

    /// Adds a listener; returns the number of its group.
    mutating func add(_ listener: UInt64, _ interest: LiveInterest<Batch>) -> Int {
        listeners.insert(listener)
        if let number = groupsByName[interest.name] {
            groups[number]?.listeners += 1
            return number
        }
        lastGroup += 1
        groupsByName[interest.name] = lastGroup
        groups[lastGroup] = Group(interest: interest, listeners: 1)
        return lastGroup
    }

    mutating func remove(_ listener: UInt64, of number: Int) {
        listeners.remove(listener)
        guard let group = groups[number] else { return }
        groups[number]?.listeners -= 1
        guard group.listeners == 1 else { return }
        groups[number] = nil
        groupsByName[group.interest.name] = nil
    }
}
