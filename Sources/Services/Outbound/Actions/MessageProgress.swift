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

/// Asks whether a receiver of this name takes one more within its limit.
public typealias ReceiverLimiter =
    @Sendable (_ limit: RateLimit, _ receiver: String, _ isReturning: Bool) async -> RateLimiterState.Answer
