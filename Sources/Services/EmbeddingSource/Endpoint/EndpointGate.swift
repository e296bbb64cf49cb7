/// Whether the endpoint is asked: a circuit breaker, and an estimate of how long an answer takes.
///
/// Closed, it lets requests through, as many at a time as is allowed. When a request has failed for good it opens for a
/// while, each time for twice as long; then one request is let through to try, and its answer closes it.
struct EndpointGate: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Texts that are refused by themselves, one after the other, before it is not the texts that are wrong.
    static let mostRefusals = 16

    private let first: Duration
    private let longest: Duration
    /// When requests may be tried again; nil while it is closed.
    private var opensUntil: Instant?
    private var pause: Duration
    private var refusals = 0
    /// Smoothed; nil before the first.
    private(set) var latency: Duration?

    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
        pause = first
    }

    /// How many requests may be under way at this moment.
    func room(of concurrency: Int, at now: Instant) -> Int {
        guard let opensUntil else { return concurrency }
        return now < opensUntil ? 0 : 1
    }

    var isOpen: Bool { opensUntil != nil }

    /// Takes an answer in; true when it has closed the gate.
    mutating func answered(after duration: Duration) -> Bool {
        latency = latency.map { ($0 * 3 + duration) / 4 } ?? duration
        refusals = 0
        pause = first
        defer { opensUntil = nil }
        return opensUntil != nil
    }

    /// Takes in that a text by itself was refused; true when there were so many that the gate should open.
    mutating func refused() -> Bool {
        refusals += 1
        return refusals >= Self.mostRefusals
    }

    /// Opens, or stays open for longer; true when it was closed.
    mutating func fail(at now: Instant) -> Bool {
        let wasClosed = opensUntil == nil
        opensUntil = now + pause
        pause = min(longest, pause * 2)
        refusals = 0
        return wasClosed
    }

    /// Takes in that nobody answered for so long.
    mutating func waited(_ duration: Duration) {
        latency = max(latency ?? .zero, duration * 2)
    }
}
