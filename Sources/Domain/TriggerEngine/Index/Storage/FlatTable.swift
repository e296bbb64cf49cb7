import JSONTree

/// A key of a ``FlatTable``.
protocol FlatKey: BitwiseCopyable, Equatable, Sendable {
    var hash64: UInt64 { get }
}

extension UInt64: FlatKey {
    var hash64: UInt64 { ByteString.fold(self ^ 0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB) }
}

/// A value of a ``FlatTable``.
protocol FlatValue: BitwiseCopyable, Sendable {
    /// What stands in a free slot.
    static var none: Self { get }

    var isNone: Bool { get }
}

/// Numbers that are not negative.
extension Int32: FlatValue {
    static var none: Int32 { -1 }

    var isNone: Bool { self < 0 }
}

/// A hash table of small keys and values: open addressing, linear probing, removal by shifting back. One look-up
/// touches one cache line as a rule, and counts no references.
struct FlatTable<Key: FlatKey, Value: FlatValue>: Sendable {
    private struct Slot: BitwiseCopyable, Sendable {
        var key: Key
        var value: Value
    }

    private var slots: [Slot] = []
    private(set) var count = 0

    /// The value under a key, or none.
    func find(_ key: Key) -> Value {
        guard count > 0 else { return Value.none }
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: key.hash64) & mask
        while true {
            let slot = slots[place]
            // One branch for both ends, which is nearly always taken at once: what was found is not guessed at here.
            if (slot.key == key ? 1 : 0) | (slot.value.isNone ? 1 : 0) != 0 { return slot.value }
            place = (place + 1) & mask
        }
    }

    /// Adds a key that is not there.
    mutating func insert(_ key: Key, _ value: Value) {
        if count * 4 >= slots.count * 3 { grow(free: Slot(key: key, value: .none)) }
        put(Slot(key: key, value: value))
        count += 1
    }

    /// Gives a key that is there another value.
    mutating func update(_ key: Key, _ value: Value) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: key.hash64) & mask
        while slots[place].key != key || slots[place].value.isNone { place = (place + 1) & mask }
        slots[place].value = value
    }

    /// Removes a key if it is there.
    mutating func remove(_ key: Key) {
        guard count > 0 else { return }
        let mask = slots.count - 1
        var gap = Int(truncatingIfNeeded: key.hash64) & mask
        while !slots[gap].value.isNone, slots[gap].key != key { gap = (gap + 1) & mask }
        guard !slots[gap].value.isNone else { return }
        count -= 1
        var next = (gap + 1) & mask
        while !slots[next].value.isNone {
            let home = Int(truncatingIfNeeded: slots[next].key.hash64) & mask
            if (next - home) & mask >= (next - gap) & mask {
                slots[gap] = slots[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        slots[gap].value = .none
    }

    private mutating func put(_ slot: Slot) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: slot.key.hash64) & mask
        while !slots[place].value.isNone { place = (place + 1) & mask }
        slots[place] = slot
    }

    private mutating func grow(free: Slot) {
        let old = slots
        slots = Array(repeating: free, count: max(16, old.count * 2))
        for slot in old where !slot.value.isNone { put(slot) }
    }
}
