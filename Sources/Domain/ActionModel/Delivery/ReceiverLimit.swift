/// How long a receiver takes nothing, by a limit of its own that is known before anything is sent.
public struct ReceiverLimit: Sendable, Equatable {
    /// How long.
    public let delay: Duration
    /// Which limit it is, in words.
    public let reason: String

    /// Makes one.
    public init(for delay: Duration, reason: String) {
        self.delay = delay
        self.reason = reason
    }
}
