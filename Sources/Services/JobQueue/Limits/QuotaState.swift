/// How much of a quota is used: the generic cell rate algorithm, by which a quota of n in a time lets n through at
/// once, and then one every n-th of the time.
public struct QuotaState: Sendable, Equatable {
    /// So many in a time.
    public struct Limit: Sendable, Hashable {
        /// How many.
        public let count: Int64
        /// How long it takes until one more may go, in microseconds; at least 1.
        public let interval: Int64

        /// Makes a limit.
        public init(count: Int, seconds: Int) {
            self.count = Int64(max(1, count))
            interval = max(1, Int64(seconds) * 1_000_000 / self.count)
        }

        /// All of it, in microseconds.
        var span: Int64 { count * interval }
    }

    /// What was asked for, and what is left.
    public struct Lease: Sendable, Equatable {
        /// How many may go; 0 for none.
        public var given: Int64
        /// How many more could have gone.
        public var left: Int64
        /// Until nothing is used any more, in microseconds.
        public var reset: Int64

        /// Makes a lease.
        public init(given: Int64, left: Int64, reset: Int64) {
            self.given = given
            self.left = left
            self.reset = reset
        }
    }

    /// When nothing is used any more, in microseconds on the caller's clock.
    private var due: Int64 = 0

    /// Makes a state of which nothing is used.
    public init() {}

    /// Takes up to so many.
    public mutating func take(_ wanted: Int64, of limit: Limit, at now: Int64) -> Lease {
        due = max(due, now)
        let room = max(0, (now + limit.span - due) / limit.interval)
        let given = min(wanted, room)
        due += given * limit.interval
        return Lease(given: given, left: room - given, reset: due - now)
    }

    /// Whether nothing is used.
    func isIdle(at now: Int64) -> Bool { due <= now }
}
