/// The generic cell rate algorithm (GCRA) for one action, with a line for those that would wait for long.
///
/// Who may go within `patience` is told how long to wait, and does so on the spot: its place is taken. Everybody else
/// gets an appointment, one interval behind the last that was given, and asks again when it has come; so a long backlog
/// comes back one by one. While there is a line, only those that had an appointment may go: newcomers join it.
///
/// The same steps are a script in Redis, which all workers share; this is what a worker does alone while Redis is away,
/// and what the script is tested against. All times in microseconds of one clock.
public struct RateLimiterState: Sendable, Equatable {
    /// How long a worker waits on the spot: longer than the promoter takes to bring back what is due.
    public static let patience: Int64 = 1_000_000
    /// The furthest appointment; who would have to wait longer asks again at that time.
    public static let horizon: Int64 = 3_600_000_000

    /// What to do.
    public enum Answer: Sendable, Equatable {
        /// Go, after this time.
        case go(after: Int64)
        /// Ask again after this time.
        case comeBack(after: Int64)
    }

    /// When the next would be due if they came evenly (the theoretical arrival time).
    public private(set) var due: Int64 = 0
    /// The last appointment.
    public private(set) var line: Int64 = 0

    /// An action that was never carried out.
    public init() {}

    /// Asks for one attempt.
    ///
    /// - Parameter isReturning: whether it had an appointment.
    public mutating func ask(_ limit: RateLimit, isReturning: Bool, at now: Int64) -> Answer {
        let interval = limit.interval
        let earliest = max(now, due - (limit.burst - 1) * interval)
        if earliest - now <= Self.patience, isReturning || line <= now {
            due = max(due, earliest) + interval
            return .go(after: earliest - now)
        }
        let slot = line > now ? max(earliest, line + interval) : earliest
        guard slot - now <= Self.horizon else { return .comeBack(after: Self.horizon) }
        line = slot
        return .comeBack(after: slot - now)
    }

    /// Whether nothing that is remembered matters any more.
    public func isIdle(at now: Int64) -> Bool { due <= now && line <= now }
}
