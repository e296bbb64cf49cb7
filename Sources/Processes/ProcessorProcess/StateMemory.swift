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
        let table: StateTable
        let lastUse: Int
    }

    private var parts: [Int16: [UniqueID: Entry]] = [:]
    private var uses = 0
    /// How many states are held.
    private(set) var count = 0

    /// Takes an organization's table out, to be put back; an empty one when there is none.
    mutating func take(_ organization: UniqueID, of part: Int16) -> StateTable {
        guard let table = parts[part]?.removeValue(forKey: organization)?.table else { return StateTable() }
        count -= table.count
        return table
    }

    /// Puts a table back, all of whose changes have been written.
    mutating func put(_ table: consuming StateTable, _ organization: UniqueID, of part: Int16) {
        table.shrink(to: Self.capacity)
        guard table.count > 0 else { return }
        uses += 1
        count += table.count
        parts[part, default: [:]][organization] = Entry(table: table, lastUse: uses)
    }

    /// Forgets what is not known to be true any more.
    mutating func forget(_ part: Int16) {
        for entry in (parts.removeValue(forKey: part) ?? [:]).values { count -= entry.table.count }
    }

    /// Forgets everything.
    mutating func forgetAll() {
        self = StateMemory()
    }

    /// Forgets the tables that have not been used for longest, but not the last one, until there are few enough.
    mutating func shrink() {
        while count > Self.capacity {
            let all = parts.flatMap { part, tables in tables.map { (part, $0.key, $0.value.lastUse) } }
            guard all.count > 1, let oldest = all.min(by: { $0.2 < $1.2 }) else { return }
            _ = take(oldest.1, of: oldest.0)
        }
    }
}
