import EventModel
import Testing

@testable import ActionModel

@Suite("Circuit breakers")
struct CircuitBreakerTests {
    private let start = Timestamp(microseconds: 1_772_000_000_000_000)
    private let failure = EndpointOutcome(.unhealthy(reason: "timed out"), of: UniqueID(high: 1, low: 1))
    private let success = EndpointOutcome(.healthy, of: UniqueID(high: 1, low: 2))

    private func after(_ seconds: Int64) -> Timestamp {
        Timestamp(microseconds: start.microseconds + seconds * 1_000_000)
    }

    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for second in 0..<5 { breaker.record(failure, at: after(Int64(second))) }
        return breaker
    }

    @Test("Five failures in a row open it for 30 seconds, four don't")
    func failuresInARow() {
        var breaker = CircuitBreaker()
        for second in 0..<4 { breaker.record(failure, at: after(Int64(second))) }
        breaker.record(success, at: after(4))
        for second in 5..<9 { breaker.record(failure, at: after(Int64(second))) }
        // Eight of nine have failed, and nine are too few to judge.
        #expect(breaker.state == .closed && breaker.failuresInARow == 4)
        breaker.record(failure, at: after(9))
        #expect(breaker.state == .open && breaker.openUntil == after(39))
        #expect(breaker.reason == "5 failures in a row; the last: timed out")
    }

    private func breaker(after outcomes: String, from second: Int64 = 0) -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for (place, letter) in outcomes.enumerated() {
            breaker.record(letter == "F" ? failure : success, at: after(second + Int64(place)))
        }
        return breaker
    }

    @Test("Half of ten in a minute open it, and what is older than a minute does not count")
    func share() {
        #expect(breaker(after: "sssssFFsFFsFFsF").state == .closed)
        let opened = breaker(after: "sssssFFsFFsFFsFF")
        #expect(opened.state == .open && opened.reason == "8 of 16 attempts in a minute failed; the last: timed out")
        // Nine are too few to judge; the tenth is enough.
        var few = breaker(after: "FFsFFsFFs")
        #expect(few.state == .closed)
        var late = few
        few.record(failure, at: after(9))
        #expect(few.state == .open)
        late.record(failure, at: after(90))
        #expect(late.state == .closed && late.window.reduce(0) { $0 + $1.failures } == 1)
    }

    @Test("One probe goes out when the time is over; its success closes, its failure opens for twice as long")
    func probes() {
        var breaker = opened()
        let probe = UniqueID(high: 7, low: 7)
        #expect(breaker.admit(probe, at: after(33)) == .wait(until: after(34)))
        #expect(breaker.admit(probe, at: after(34)) == .probe)
        #expect(breaker.state == .halfOpen)
        for low in 0..<100 {
            #expect(breaker.admit(UniqueID(high: 8, low: UInt64(low)), at: after(35)) == .wait(until: after(94)))
        }
        // What was sent before it opened says nothing now.
        breaker.record(success, at: after(36))
        #expect(breaker.state == .halfOpen)
        var failed = breaker
        failed.record(EndpointOutcome(.unhealthy(reason: "500"), of: probe), at: after(40))
        #expect(failed.state == .open && failed.openUntil == after(100))
        breaker.record(EndpointOutcome(.healthy, of: probe), at: after(40))
        #expect(breaker.state == .closed && breaker.openings == 0 && breaker.window.isEmpty)
        #expect(breaker.admit(UniqueID(high: 9, low: 9), at: after(41)) == .send)
    }

    @Test("It doubles up to a quarter of an hour")
    func doubling() {
        var breaker = opened()
        var spans: [Int64] = []
        var now = after(4)
        for low in 0..<9 {
            let until = breaker.openUntil!
            spans.append((until.microseconds - now.microseconds) / 1_000_000)
            now = until
            let probe = UniqueID(high: 7, low: UInt64(low))
            #expect(breaker.admit(probe, at: now) == .probe)
            breaker.record(EndpointOutcome(.unhealthy(reason: "500"), of: probe), at: now)
        }
        #expect(spans == [30, 60, 120, 240, 480, 900, 900, 900, 900])
    }

    @Test("A probe that is lost, or that was not sent, makes room for another")
    func lostProbes() {
        var breaker = opened()
        let (first, second) = (UniqueID(high: 7, low: 1), UniqueID(high: 7, low: 2))
        #expect(breaker.admit(first, at: after(34)) == .probe)
        #expect(breaker.admit(second, at: after(93)) == .wait(until: after(94)))
        #expect(breaker.admit(second, at: after(94)) == .probe)
        breaker.record(EndpointOutcome(.healthy, of: first), at: after(95))
        #expect(breaker.state == .halfOpen)
        breaker.record(EndpointOutcome(.unknown, of: second), at: after(96))
        #expect(breaker.state == .open && breaker.openings == 1)
        #expect(breaker.admit(first, at: after(96)) == .probe)
    }

    @Test("A person holds it open, or closes it")
    func people() {
        var breaker = CircuitBreaker()
        breaker.hold(until: nil, because: "maintenance")
        #expect(breaker.isHeld && breaker.admit(UniqueID(high: 1, low: 1), at: after(1_000_000)) == .wait(until: nil))
        breaker.record(success, at: start)
        #expect(breaker.isHeld)
        breaker.hold(until: after(60), because: "an hour")
        #expect(!breaker.isHeld && breaker.admit(UniqueID(high: 1, low: 1), at: after(60)) == .probe)
        breaker.close(because: "done")
        #expect(breaker.state == .closed && breaker.reason == "done" && breaker.openings == 0)
    }

    @Test("On random histories it agrees with a reference that keeps every outcome")
    func reference() {
        var random = SplitMix(state: 2_026)
        for _ in 0..<300 {
            var breaker = CircuitBreaker()
            var reference = ReferenceBreaker()
            var now = start
            let failureShare = Double.random(in: 0.05...0.95, using: &random)
            var out: [UniqueID] = []
            for number in 0..<200 {
                // Mostly small steps, and now and then one that lets windows and open breakers pass.
                let step = Int.random(in: 0..<20, using: &random) == 0 ? 400_000_000 : 4_000_000
                now = Timestamp(microseconds: now.microseconds + Int64.random(in: 0...Int64(step), using: &random))
                let id = UniqueID(high: 1, low: UInt64(number))
                let admission = breaker.admit(id, at: now)
                #expect(admission == reference.admit(id, at: now))
                if admission == .send || admission == .probe { out.append(id) }
                while !out.isEmpty, Bool.random(using: &random) {
                    let ended = out.remove(at: Int.random(in: out.indices, using: &random))
                    let roll = Double.random(in: 0..<1, using: &random)
                    let health: EndpointHealth =
                        roll < 0.05 ? .unknown : roll < failureShare ? .unhealthy(reason: "x") : .healthy
                    let outcome = EndpointOutcome(health, of: ended)
                    breaker.record(outcome, at: now)
                    reference.record(outcome, at: now)
                    #expect(breaker.state == reference.state && breaker.openUntil == reference.openUntil)
                    #expect(breaker.window.count <= 12)
                }
            }
        }
    }
}

/// The rules of a breaker, word by word, on a list of everything that happened since it was last closed.
private struct ReferenceBreaker {
    var state = CircuitBreaker.State.closed
    var openUntil: Timestamp?
    private var history: [(step: Int64, isFailure: Bool)] = []
    private var lastOpen: Int64 = 0
    private var probe: (id: UniqueID, until: Int64)?

    mutating func admit(_ id: UniqueID, at now: Timestamp) -> CircuitBreaker.Admission {
        if state == .closed { return .send }
        if state == .open, let openUntil, now < openUntil { return .wait(until: openUntil) }
        if state == .halfOpen, let probe, probe.id != id, now.microseconds < probe.until {
            return .wait(until: Timestamp(microseconds: probe.until))
        }
        (state, openUntil, probe) = (.halfOpen, nil, (id, now.microseconds + 60_000_000))
        return .probe
    }

    mutating func record(_ outcome: EndpointOutcome, at now: Timestamp) {
        let isFailure = if case .unhealthy = outcome.health { true } else { false }
        switch state {
        case .open: return
        case .halfOpen:
            guard outcome.deliveryID == probe?.id else { return }
            probe = nil
            if outcome.health == .unknown {
                (state, openUntil) = (.open, now)
            } else if isFailure {
                open(for: min(lastOpen * 2, 900), now)
            } else {
                self = ReferenceBreaker()
            }
        case .closed:
            if outcome.health == .unknown { return }
            history.append((now.microseconds / 5_000_000, isFailure))
            guard isFailure else { return }
            let inARow = history.reversed().prefix { $0.isFailure }.count
            let lastMinute = history.filter { $0.step > history.last!.step - 12 }
            let failures = lastMinute.filter(\.isFailure).count
            if inARow >= 5 || lastMinute.count >= 10 && 2 * failures >= lastMinute.count { open(for: 30, now) }
        }
    }

    private mutating func open(for seconds: Int64, _ now: Timestamp) {
        (state, lastOpen, history) = (.open, seconds, [])
        openUntil = Timestamp(microseconds: now.microseconds + seconds * 1_000_000)
    }
}

/// Random numbers that are the same in every run (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
/// Generators").
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
