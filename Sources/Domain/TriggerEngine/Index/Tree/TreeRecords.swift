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

/// A placement as a list holds it: with one comparison in it, which decides most of them on the spot.
struct Candidate: BitwiseCopyable, Sendable {
    enum Test: UInt8, Sendable {
        /// The entry matches if the event gets here.
        case nothing
        /// The field's value has the number `operand`.
        case equal
        /// A number or a moment stands to `operand` as `relation` says.
        case order
        /// The literal with the number `operand` is true.
        case literal
    }

    let entry: Int32
    let placement: Int32
    var field: Int32 = -1
    var test = Test.nothing
    var relation = Check.Kind.other
    var operandKind = ValueKind.missing
    /// Whether the placement has to be asked when the test is passed.
    var isOpen = false
    var isNegated = false
    var operand: UInt64 = 0
}

/// A way that literals can lead further, of one kind, by one field.
struct Partition: BitwiseCopyable, Sendable {
    let access: Check.Access
    let field: Int32
    let node: Int32
    /// How many nodes or intervals it leads to.
    var count: Int32 = 0
    /// Lengths of prefixes or suffixes, with how many nodes have each.
    var lengths = BlockPool<KeyLength>.Block()
    /// Of intervals the levels of cells there have been, of parts the lengths of pieces.
    var levels: UInt64 = 0
    /// Whether there have been intervals of one place.
    var hasPoints = false
}

/// A partition as its node lists it.
struct Way: BitwiseCopyable, Sendable {
    let partition: Int32
    let field: Int32
    let access: Check.Access
}

/// A length of keys, and how many have it.
struct KeyLength: BitwiseCopyable, Sendable {
    let length: Int32
    var count: Int32
}

/// A place in the tree: placements that are gone through, and partitions. It is small, because an event meets many.
struct TreeNode: BitwiseCopyable, Sendable {
    var list = BlockPool<Candidate>.Block()
    var ways = BlockPool<Way>.Block()
}

/// What a key leads to, in the table itself where that is one certain match or a list: an event is spared the way to
/// the node.
struct Child: FlatValue {
    /// The one entry, where the list begins, or the node.
    let number: Int32
    /// Of a list the number of its candidates; else one of the marks.
    let mark: Int32

    static let none = Child(number: 0, mark: -1)
    static let certain: Int32 = 0
    static let node: Int32 = -2

    var isNone: Bool { mark == -1 }
}

/// What a node is seldom asked.
struct NodeOrigin: BitwiseCopyable, Sendable {
    /// The partition that leads here, and its key; -1 at a root.
    var partition: Int32 = -1
    var keyLength: Int32 = 0
    var key: UInt64 = 0
    /// How many placements of the list could go further.
    var waiting: Int32 = 0
    /// The event that was here last, where one can be here several times.
    var epoch: UInt32 = 0
}
