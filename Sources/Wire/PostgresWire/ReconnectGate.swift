/// The delays between attempts to reach a server that is away: 50 ms doubling to 2 s, of which up to half is left to
/// chance, so that clients that lost it together don't come back together. Pure.
struct ReconnectDelay {
    private(set) var failures = 0

    /// The delay after one more failure.
    ///
    /// - Parameter jitter: from 0 to 1.
    mutating func next(jitter: Double) -> Duration {
        failures += 1
        let ceiling = min(2_000, 50 << min(failures - 1, 10))
        return .milliseconds(ceiling) * (0.5 + jitter / 2)
    }

    mutating func reset() {
        failures = 0
    }
}

/// Who may try to connect while the server is away: one caller per delay; the others get the last attempt's error at
/// once, so that they can answer their own callers instead of piling up. Pure.
struct ReconnectGate {
    private struct Absence {
        var error: PostgresError
        var retryAt: ContinuousClock.Instant
    }

    private var delay = ReconnectDelay()
    private var absence: Absence?

    /// Nil when the caller may try, which reserves the attempt; else the error of the last one.
    ///
    /// - Parameter attempt: how long an attempt can last; nobody else tries for so long.
    mutating func refusal(at now: ContinuousClock.Instant, attempt: Duration) -> PostgresError? {
        guard let absence else { return nil }
        guard now >= absence.retryAt else { return absence.error }
        self.absence?.retryAt = now.advanced(by: attempt)
        return nil
    }

    /// Notes a failure; returns how many there were in a row.
    mutating func failed(_ error: PostgresError, at now: ContinuousClock.Instant, jitter: Double) -> Int {
        absence = Absence(error: error, retryAt: now.advanced(by: delay.next(jitter: jitter)))
        return delay.failures
    }

    /// Notes a success; returns how many failures there were before it.
    mutating func succeeded() -> Int {
        defer {
            delay.reset()
            absence = nil
        }
        return delay.failures
    }
}
