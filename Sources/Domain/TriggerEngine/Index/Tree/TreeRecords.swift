/// A condition, or one alternative of it, in one place of the tree.
struct Placement: BitwiseCopyable, Sendable {
    var entry: Int32
    var alternative: Int32
    /// The node whose list it is in; of one in a cell of intervals the complement of the cell.
    var node: Int32 = 0
    /// The next one of the same entry; -1 for none.
    var next: Int32
    /// Which literals of the alternative the way to this place does not say.
    var remaining: UInt64
    /// Which of them can still lead further.
    var untried: UInt64
    /// Which of them the interval says only within its ends.
    var boundary: UInt64 = 0
    var low: UInt64 = 0
    var high: UInt64 = 0
}

/// A placement as a list holds it: with as much of it as decides most of them.
struct Candidate: BitwiseCopyable, Sendable {
    /// The entry matches if the event gets here.
    static let sure: Int32 = 0
    /// The placement has to be asked.
    static let open: Int32 = -1

    let entry: Int32
    /// ``sure``, ``open``, or the one literal that is left, plus 1.
    let check: Int32
    let placement: Int32
}

/// A way that literals can lead further, of one kind, by one field.
struct Partition: BitwiseCopyable, Sendable {
    let access: Check.Access
    let field: Int32
    let node: Int32
    /// The next one of the node; -1 for none.
    var next: Int32 = -1
    /// How many nodes or intervals it leads to.
    var count: Int32 = 0
    /// Lengths of prefixes or suffixes, with how many nodes have each.
    var lengths = BlockPool<KeyLength>.Block()
    /// Of intervals the levels of cells there have been, of parts the lengths of pieces.
    var levels: UInt64 = 0
    /// Whether there have been intervals of one place.
    var hasPoints = false
}

/// A length of keys, and how many have it.
struct KeyLength: BitwiseCopyable, Sendable {
    let length: Int32
    var count: Int32
}

/// A place in the tree: placements that go no further, and partitions.
struct TreeNode: BitwiseCopyable, Sendable {
    /// The partition that leads here, and its key; -1 at a root.
    var partition: Int32 = -1
    var key: UInt64 = 0
    var keyLength: Int32 = 0
    /// Placements that nothing leads further.
    var settled = BlockPool<Candidate>.Block()
    /// Placements that could go further once there are too many.
    var waiting = BlockPool<Candidate>.Block()
    var partitions: Int32 = -1
    var partitionCount: Int32 = 0
    /// The event that was here last.
    var epoch: UInt32 = 0

    var isEmpty: Bool { settled.count == 0 && waiting.count == 0 && partitions < 0 }
}
