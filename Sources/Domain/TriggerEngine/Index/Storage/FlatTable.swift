import JSONTree

/// A key of a ``FlatTable``.
protocol FlatKey: BitwiseCopyable, Equatable, Sendable {
    var hash64: UInt64 { get }
}

extension UInt64: FlatKey {
    var hash64: UInt64 { ByteString.fold(self ^ 0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB) }
}

/// A hash table from small keys to numbers that are not negative: open addressing, linear probing, removal by shifting
/// back. One look-up touches one cache line as a rule, and counts no references.
struct FlatTable<Key: FlatKey>: Sendable {
    private struct Slot: BitwiseCopyable, Sendable {
        var key: Key
        /// Negative in a free slot.
        var value: Int32
    }

    private var slots: [Slot] = []
    private(set) var count = 0

    /// The number under a key; -1 when there is none.
    func find(_ key: Key) -> Int32 {
        guard count > 0 else { return -1 }
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: key.hash64) & mask
        while slots[place].value >= 0, slots[place].key != key { place = (place + 1) & mask }
        return slots[place].value
    }

    /// Adds a key that is not there.
    mutating func insert(_ key: Key, _ value: Int32) {
        if count * 2 >= slots.count { grow(free: Slot(key: key, value: -1)) }
        put(Slot(key: key, value: value))
        count += 1
    }

    /// Removes a key if it is there.
    mutating func remove(_ key: Key) {
        guard count > 0 else { return }
        let mask = slots.count - 1
        var gap = Int(truncatingIfNeeded: key.hash64) & mask
        while slots[gap].value >= 0, slots[gap].key != key { gap = (gap + 1) & mask }
        guard slots[gap].value >= 0 else { return }
        count -= 1
        var next = (gap + 1) & mask
        while slots[next].value >= 0 {
            let home = Int(truncatingIfNeeded: slots[next].key.hash64) & mask
            if (next - home) & mask >= (next - gap) & mask {
                slots[gap] = slots[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        slots[gap].value = -1
    }

    private mutating func put(_ slot: Slot) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: slot.key.hash64) & mask
        while slots[place].value >= 0 { place = (place + 1) & mask }
        slots[place] = slot
    }

    private mutating func grow(free: Slot) {
        let old = slots
        slots = Array(repeating: free, count: max(16, old.count * 2))
        for slot in old where slot.value >= 0 { put(slot) }
    }
}
