import EventModel

/// What an attempt says about its endpoint.
public enum EndpointHealth: Sendable, Equatable {
    /// The endpoint works: it answered, be it with a refusal.
    case healthy
    /// It does not: no answer, or one of 5xx.
    case unhealthy(reason: String)
    /// Nothing: it was asked to slow down, or nothing was sent.
    case unknown
}

/// The outcome of one attempt, or of some that succeeded within five seconds.
public struct EndpointOutcome: Sendable, Equatable {
    /// What it says about the endpoint.
    public let health: EndpointHealth
    /// Whose attempt it was, by which a probe is known.
    public let deliveryID: UniqueID
    /// How many attempts ended so.
    public let count: Int64

    /// Makes an outcome.
    public init(_ health: EndpointHealth, of deliveryID: UniqueID, count: Int64 = 1) {
        self.health = health
        self.deliveryID = deliveryID
        self.count = count
    }
}

extension CircuitBreaker {
    /// Whether a delivery may be sent.
    public enum Admission: Sendable, Equatable {
        /// It may.
        case send
        /// It may, and is the probe.
        case probe
        /// It may not; it is worth asking again at this time, or, without one, when a person has closed the breaker.
        case wait(until: Timestamp?)
    }

    /// Asks for a delivery to be sent; one of those that come after the time of an open breaker becomes the probe.
    public mutating func admit(_ deliveryID: UniqueID, at now: Timestamp) -> Admission {
        switch state {
        case .closed:
            return .send
        case .open:
            guard let openUntil, now >= openUntil else { return .wait(until: openUntil) }
        case .halfOpen:
            if let probe, probe.deliveryID != deliveryID, now < probe.until { return .wait(until: probe.until) }
        }
        state = .halfOpen
        openUntil = nil
        probe = Probe(deliveryID: deliveryID, until: now.advanced(bySeconds: Self.probeSeconds))
        return .probe
    }

    /// Notes an outcome.
    ///
    /// - Parameter time: when the attempt ended; where several workers report, it may lie a little before the last
    ///   one's.
    public mutating func record(_ outcome: EndpointOutcome, at time: Timestamp) {
        switch state {
        case .closed: count(outcome, at: time)
        case .open: break
        case .halfOpen: judge(outcome, at: time)
        }
    }

    private mutating func count(_ outcome: EndpointOutcome, at time: Timestamp) {
        switch outcome.health {
        case .unknown:
            return
        case .healthy:
            failuresInARow = 0
            add(successes: outcome.count, failures: 0, at: time)
        case .unhealthy(let reason):
            failuresInARow += Int(outcome.count)
            add(successes: 0, failures: outcome.count, at: time)
            let failures = window.reduce(0) { $0 + $1.failures }
            let total = window.reduce(failures) { $0 + $1.successes }
            if failuresInARow >= Self.failuresInARowToOpen {
                open(at: time, because: "\(failuresInARow) failures in a row; the last: \(reason)")
            } else if total >= Self.outcomesToJudge, 2 * failures >= total {
                open(at: time, because: "\(failures) of \(total) attempts in a minute failed; the last: \(reason)")
            }
        }
    }

    private mutating func judge(_ outcome: EndpointOutcome, at time: Timestamp) {
        guard outcome.deliveryID == probe?.deliveryID else { return }
        switch outcome.health {
        case .healthy: close(because: "the probe was answered")
        case .unhealthy(let reason): open(at: time, because: "the probe failed: \(reason)")
        case .unknown:
            // It was not sent, or said nothing: the next may try at once.
            state = .open
            probe = nil
            openUntil = time
        }
    }

    private mutating func add(successes: Int64, failures: Int64, at time: Timestamp) {
        let number = time.microseconds / (Self.stepSeconds * 1_000_000)
        if let index = window.firstIndex(where: { $0.number == number }) {
            window[index].successes += successes
            window[index].failures += failures
        } else {
            let index = window.firstIndex { $0.number > number } ?? window.endIndex
            window.insert(Step(number: number, successes: successes, failures: failures), at: index)
        }
        let newest = window.last?.number ?? number
        window.removeAll { $0.number <= newest - Self.stepsInWindow }
    }

    private mutating func open(at time: Timestamp, because reason: String) {
        var seconds = Self.firstOpenSeconds
        for _ in 0..<openings where seconds < Self.longestOpenSeconds { seconds *= 2 }
        state = .open
        openUntil = time.advanced(bySeconds: min(seconds, Self.longestOpenSeconds))
        openings += 1
        failuresInARow = 0
        window = []
        probe = nil
        self.reason = reason
    }

    /// Closes the breaker and forgets all that it has counted.
    public mutating func close(because reason: String) {
        self = CircuitBreaker()
        self.reason = reason
    }

    /// Opens the breaker for a person: until a time, after which a probe is sent as ever; without one until a person
    /// closes it.
    public mutating func hold(until time: Timestamp?, because reason: String) {
        self = CircuitBreaker()
        state = .open
        openings = 1
        openUntil = time
        self.reason = reason
    }
}
