import EventModel
import TriggerEngine

/// The states that this process remembers, so that a part which it goes on with need not be read again.
///
/// They hold for a part as long as this process was the last to write there (`isContinuation`), and none of them does
/// after a failure: whether its transaction took effect nobody knows.
struct StateMemory {
    /// Most states over all parts, and of one organization.
    static let capacity = 200_000

    private struct Entry {
        var table: StateTable
        var lastUse: Int
    }

    private var parts: [Int16: [UniqueID: Entry]] = [:]
    private var uses = 0

    /// How many states are held.
    var count: Int {
        parts.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.table.count } }
    }

    /// Takes an organization's table out, to be put back; an empty one when there is none.
    mutating func take(_ organization: UniqueID, of part: Int16) -> StateTable {
        parts[part]?.removeValue(forKey: organization)?.table ?? StateTable()
    }

    /// Puts a table back, all of whose changes have been written.
    mutating func put(_ table: StateTable, _ organization: UniqueID, of part: Int16) {
        uses += 1
        var table = table
        table.shrink(to: Self.capacity)
        parts[part, default: [:]][organization] = Entry(table: table, lastUse: uses)
    }

    /// Forgets what is not known to be true any more.
    mutating func forget(_ part: Int16) {
        parts[part] = nil
    }

    /// Forgets everything.
    mutating func forgetAll() {
        parts = [:]
    }

    /// Forgets the tables that have not been used for longest until there are not too many states; returns how many are
    /// left.
    mutating func shrink() -> Int {
        var count = count
        while count > Self.capacity {
            let all = parts.flatMap { part, tables in tables.map { (part, $0.key, $0.value) } }
            guard all.count > 1, let oldest = all.min(by: { $0.2.lastUse < $1.2.lastUse }) else { break }
            parts[oldest.0]?[oldest.1] = nil
            count -= oldest.2.table.count
        }
        return count
    }
}
