/// How many groups a leaf has: those seen in the present stretch of time, and those last seen in the one before.
///
/// A stretch is as long as a group lasts without events, so that every group that still means something is in one of
/// the two. Each group notes the stretch in which it was counted last, and moves on when it is seen in another.
struct Census: Sendable, Equatable {
    /// Most groups of a leaf. Events of new groups beyond them are not counted.
    static let maximumGroups: Int64 = 100_000

    private(set) var stretch: Int64
    private(set) var current: Int64 = 0
    private(set) var previous: Int64 = 0

    init(stretch: Int64, current: Int64 = 0, previous: Int64 = 0) {
        self.stretch = stretch
        self.current = max(0, current)
        self.previous = max(0, previous)
    }

    /// Goes on to a later stretch.
    mutating func advance(to next: Int64) {
        guard next > stretch else { return }
        previous = next &- stretch == 1 ? current : 0
        current = 0
        stretch = next
    }

    /// Counts a group that was last counted in a stretch, nil for a new one; false when there are too many.
    mutating func admit(_ counted: Int64?) -> Bool {
        if counted == stretch { return true }
        if let counted, counted == stretch &- 1 {
            previous = max(0, previous &- 1)
        } else if current &+ previous >= Self.maximumGroups {
            return false
        }
        current &+= 1
        return true
    }

    /// Takes back a group that is gone.
    mutating func release(_ counted: Int64) {
        if counted == stretch { current = max(0, current &- 1) }
        if counted == stretch &- 1 { previous = max(0, previous &- 1) }
    }
}
