public import ActionModel

/// How far a message in several parts has come, in earlier attempts and in this one.
public struct MessageProgress: Sendable {
    /// Parts that have arrived: the attempt goes on behind them.
    public let partsSent: Int
    /// Whether the delivery comes back because its receiver took no more then.
    public let isReturning: Bool
    /// Notes that so many parts have arrived; false when the delivery is no longer ours.
    let note: @Sendable (Int) async -> Bool

    /// A message of which nothing has been sent, and whose progress nobody wants to know.
    public static let none = MessageProgress(partsSent: 0, isReturning: false) { _ in true }

    /// Makes a progress.
    public init(partsSent: Int, isReturning: Bool, note: @escaping @Sendable (Int) async -> Bool) {
        self.partsSent = partsSent
        self.isReturning = isReturning
        self.note = note
    }
}

/// Keeps to the limits of receivers that have known ones, by a name for each.
public struct ReceiverLimiter: Sendable {
    /// Asks whether the receiver takes one more; whoever comes back because of an earlier answer says so.
    let ask: @Sendable (_ limit: RateLimit, _ receiver: String, _ isReturning: Bool) async -> RateLimiterState.Answer
    /// Notes for how many microseconds the receiver takes nothing, as it said itself.
    let hold: @Sendable (_ limit: RateLimit, _ receiver: String, _ wait: Int64) async -> Void

    /// Makes a limiter.
    public init(
        ask: @escaping @Sendable (RateLimit, String, Bool) async -> RateLimiterState.Answer,
        hold: @escaping @Sendable (RateLimit, String, Int64) async -> Void
    ) {
        self.ask = ask
        self.hold = hold
    }
}
