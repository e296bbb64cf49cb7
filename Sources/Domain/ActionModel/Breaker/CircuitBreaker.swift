// The circuit breaker of an endpoint.
//
// STATES. `closed`: deliveries are sent, and their outcomes counted. `open`: none is sent before `openUntil`; without
// that time a person holds it open. `halfOpen`: one delivery is out to see whether the endpoint is back, the probe.
//
// WHO MOVES WHAT. Five failures in a row, or a failure that makes half of at least ten outcomes of the last minute,
// open it: for 30 s, and twice as long each time a probe fails, up to 15 min. The first delivery after that time is the
// probe: its success closes the breaker and forgets everything; its failure opens it again. A probe that is never heard
// of again makes room for another after a minute. Outcomes of deliveries that were sent before the breaker opened no
// longer count.
//
// The minute is counted in steps of five seconds, so that an endpoint takes a fixed room however much it is used.

import EventModel

/// When to stop calling an endpoint that does not work, and when to try it again.
///
/// A pure state machine: the caller passes the time and carries out what is returned.
public struct CircuitBreaker: Sendable, Equatable {
    /// Whether deliveries are sent.
    public enum State: String, Sendable, CaseIterable {
        /// They are.
        case closed
        /// None is.
        case open
        /// One is.
        case halfOpen = "half_open"
    }

    /// The delivery that shows whether the endpoint is back.
    public struct Probe: Sendable, Equatable {
        /// Which delivery it is.
        public let deliveryID: UniqueID
        /// When it counts as lost.
        public let until: Timestamp

        /// Makes a probe.
        public init(deliveryID: UniqueID, until: Timestamp) {
            self.deliveryID = deliveryID
            self.until = until
        }
    }

    /// Outcomes of five seconds.
    public struct Step: Sendable, Equatable {
        /// Seconds since 1970 by ``CircuitBreaker/stepSeconds``.
        public let number: Int64
        /// Attempts that were answered.
        public var successes: Int64
        /// Attempts that were not.
        public var failures: Int64

        /// Makes a step.
        public init(number: Int64, successes: Int64, failures: Int64) {
            self.number = number
            self.successes = successes
            self.failures = failures
        }
    }

    static let failuresInARowToOpen = 5
    static let outcomesToJudge: Int64 = 10
    static let stepSeconds: Int64 = 5
    static let stepsInWindow: Int64 = 12
    static let firstOpenSeconds: Int64 = 30
    static let longestOpenSeconds: Int64 = 900
    static let probeSeconds: Int64 = 60

    /// Whether deliveries are sent.
    public internal(set) var state: State = .closed
    /// While open, until when; nil when a person holds it open.
    public internal(set) var openUntil: Timestamp?
    /// How often it opened since it was last closed.
    public internal(set) var openings = 0
    /// Failures since the last success, while closed.
    public internal(set) var failuresInARow = 0
    /// What happened in the last minute, while closed; steps without outcomes are left out.
    public internal(set) var window: [Step] = []
    /// While half-open, the delivery that is out.
    public internal(set) var probe: Probe?
    /// Why it is in its state, in words without secrets.
    public internal(set) var reason: String?

    /// A breaker that is closed and knows nothing.
    public init() {}

    /// A breaker as it was stored.
    public init(
        state: State, openUntil: Timestamp?, openings: Int, failuresInARow: Int, window: [Step], probe: Probe?,
        reason: String?
    ) {
        self.state = state
        self.openUntil = openUntil
        self.openings = openings
        self.failuresInARow = failuresInARow
        self.window = window
        self.probe = probe
        self.reason = reason
    }

    /// Whether a person holds it open.
    public var isHeld: Bool { state == .open && openUntil == nil }

    /// Until when successes are worth telling: a minute after the last failure.
    public var watchedUntil: Timestamp? {
        let last = window.last { $0.failures > 0 }?.number
        return last.map { Timestamp(seconds: ($0 + Self.stepsInWindow) * Self.stepSeconds) }
    }
}

extension Timestamp {
    /// Makes a moment of whole seconds since 1970.
    init(seconds: Int64) {
        self.init(microseconds: seconds * 1_000_000)
    }

    func advanced(bySeconds seconds: Int64) -> Timestamp {
        Timestamp(microseconds: microseconds + seconds * 1_000_000)
    }
}
