import JSONTree

/// Byte strings under numbers: equal strings have one number, for as long as anybody holds it.
struct TextTable: Sendable {
    private struct Slot: BitwiseCopyable, Sendable {
        var tag: UInt32 = 0
        /// Negative in a free slot.
        var id: Int32 = -1
        /// Where the bytes are, so that comparing them takes one step.
        var bytes = BlockPool<UInt8>.Block()
    }

    private struct Text: BitwiseCopyable, Sendable {
        var bytes = BlockPool<UInt8>.Block()
        var hash: UInt64 = 0
        var holders: Int32 = 0
    }

    private var slots: [Slot] = []
    private var texts: [Text] = []
    private var free: [Int32] = []
    private var bytes = BlockPool<UInt8>()

    /// How many strings there are.
    var count: Int { texts.count - free.count }

    /// The number of a string; -1 when there is none.
    func find(_ text: UnsafeBufferPointer<UInt8>) -> Int32 {
        slots.isEmpty ? -1 : find(text, hash: ByteString.hash(text))
    }

    /// The number of a string, held once more, new if need be.
    mutating func intern(_ text: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = ByteString.hash(text)
        let known = slots.isEmpty ? -1 : find(text, hash: hash)
        if known >= 0 {
            texts[Int(known)].holders += 1
            return known
        }
        if (count + 1) * 2 > slots.count { growSlots() }
        let new = Text(bytes: bytes.make(text), hash: hash, holders: 1)
        let id = free.popLast() ?? Int32(texts.count)
        if Int(id) < texts.count { texts[Int(id)] = new } else { texts.append(new) }
        put(id, hash)
        return id
    }

    mutating func intern(_ text: [UInt8]) -> Int32 { text.withUnsafeBufferPointer { intern($0) } }

    /// Lets go of a string once; true when that was the last time, and its number is free.
    @discardableResult
    mutating func release(_ id: Int32) -> Bool {
        texts[Int(id)].holders -= 1
        guard texts[Int(id)].holders == 0 else { return false }
        unlink(id)
        bytes.release(&texts[Int(id)].bytes)
        free.append(id)
        return true
    }

    /// Lends the bytes of a string.
    func withBytes<R>(_ id: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        bytes.withElements(texts[Int(id)].bytes, body)
    }

    private func find(_ text: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int32 {
        let mask = slots.count - 1
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place].id >= 0 {
            if slots[place].tag == tag, isEqual(slots[place].bytes, text) { return slots[place].id }
            place = (place + 1) & mask
        }
        return -1
    }

    private func isEqual(_ own: BlockPool<UInt8>.Block, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.withElements(own) { own in
            guard own.count == text.count, let left = own.baseAddress, let right = text.baseAddress else {
                return own.count == text.count
            }
            return ByteString.isEqual(left, right, count: own.count)
        }
    }

    private mutating func put(_ id: Int32, _ hash: UInt64) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place].id >= 0 { place = (place + 1) & mask }
        slots[place] = Slot(
            tag: UInt32(truncatingIfNeeded: hash >> 32), id: id, bytes: texts[Int(id)].bytes)
    }

    /// Frees a slot and shifts back what was pushed on by it.
    private mutating func unlink(_ id: Int32) {
        let mask = slots.count - 1
        var gap = Int(truncatingIfNeeded: texts[Int(id)].hash) & mask
        while slots[gap].id != id { gap = (gap + 1) & mask }
        var next = (gap + 1) & mask
        while slots[next].id >= 0 {
            let home = Int(truncatingIfNeeded: texts[Int(slots[next].id)].hash) & mask
            if (next - home) & mask >= (next - gap) & mask {
                slots[gap] = slots[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        slots[gap].id = -1
    }

    private mutating func growSlots() {
        let old = slots
        slots = Array(repeating: Slot(), count: max(16, old.count * 2))
        for slot in old where slot.id >= 0 { put(slot.id, texts[Int(slot.id)].hash) }
    }
}
