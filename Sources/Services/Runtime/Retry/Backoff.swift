/// Waiting times between attempts: exponential, bounded, with full jitter.
///
/// Full jitter (a uniform draw from zero to the step) spreads the retries of many clients best; see the AWS
/// Architecture Blog, "Exponential Backoff And Jitter". The state is a count, so that a caller owns time and sleep.
///
/// ```swift
/// var backoff = Backoff()
/// while !connected { try await Task.sleep(for: backoff.next()) … }
/// ```
public struct Backoff: Sendable {
    /// Upper end of the first wait.
    public let initial: Duration
    /// Upper end that no wait exceeds.
    public let maximum: Duration
    /// Lower end of every wait, so that a full jitter of nearly nothing does not make a busy loop.
    public let minimum: Duration
    /// Waits handed out since the last ``reset()``.
    public private(set) var attempts = 0

    /// Creates a backoff that starts at `initial` and doubles up to `maximum`.
    public init(
        initial: Duration = .milliseconds(100), maximum: Duration = .seconds(10), minimum: Duration = .milliseconds(10)
    ) {
        self.initial = initial
        self.maximum = maximum
        self.minimum = min(minimum, initial)
    }

    /// The next wait, drawn with the system's random numbers.
    public mutating func next() -> Duration {
        next(jitter: Double.random(in: 0..<1))
    }

    /// The next wait for a given draw from 0 to 1.
    public mutating func next(jitter: Double) -> Duration {
        let ceiling = min(maximum, initial * (1 << min(attempts, 30)))
        attempts += 1
        return max(minimum, ceiling * jitter)
    }

    /// Starts over, after a success.
    public mutating func reset() {
        attempts = 0
    }
}
