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

    /// Up to where the log was read; there may be events of other organizations between it and `end`.
    private(set) var scanned: Int64
    /// Up to where batches were made.
    private(set) var end: Int64
    private var retained: ArraySlice<Retained> = []
    private var events = 0
    private var bytes = 0
    var listeners: Set<UInt64> = []

    init(head: Int64) {
        scanned = head
        end = head
    }

    /// Whoever is at this position or behind it finds all it needs here.
    var start: Int64 { retained.first?.after ?? end }

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
        scanned = max(scanned, position)
    }

    /// Notes that there is nothing more up to a position.
    mutating func advance(scannedTo position: Int64) {
        scanned = max(scanned, position)
    }

    /// Forgets what the slowest listener has, and what is over the limits, whoever still needs it.
    mutating func trim(slowest position: Int64, _ limits: LiveTailLimits) {
        while let first = retained.first {
            let isOver = events > limits.retainedEvents || bytes > limits.retainedBytes
            guard first.through <= position || (isOver && retained.count > 1) else { return }
            retained.removeFirst()
            events -= first.events
            bytes -= first.bytes
        }
        // A slice keeps the room of what was taken from its front.
        retained = []
    }
}
