import Testing

@testable import JobQueue

@Suite("Slots of endpoints")
struct EndpointSlotsTests {
    private typealias Slots = EndpointSlots<Int>
    private let now = ContinuousClock.now

    private func slots(running: Int = 4, perEndpoint: Int = 2, inHand: Int = 10) -> Slots {
        Slots(limits: .init(running: running, runningPerEndpoint: perEndpoint, inHand: inHand))
    }

    @Test("A slow endpoint fills its slots and its line, and leaves the others theirs")
    func slowEndpoint() {
        var slots = slots()
        let arrivals = (0..<8).map { slots.arrive($0, endpoint: "slow", at: now) }
        #expect(arrivals.prefix(6) == [.start, .start, .wait, .wait, .wait, .wait])
        for arrival in arrivals.suffix(2) {
            guard case .putOff = arrival else {
                Issue.record("\(arrival)")
                return
            }
        }
        #expect(slots.arrive(8, endpoint: "other", at: now) == .start)
        #expect(slots.inHand == 7 && slots.room == 3)
    }

    @Test("A slot that becomes free goes to the longest waiting that may use it")
    func order() {
        var slots = slots(running: 2, perEndpoint: 1)
        #expect(slots.arrive(1, endpoint: "a", at: now) == .start)
        #expect(slots.arrive(2, endpoint: "a", at: now) == .wait)
        #expect(slots.arrive(3, endpoint: "b", at: now) == .start)
        #expect(slots.arrive(4, endpoint: "c", at: now) == .wait)
        #expect(slots.finish(endpoint: "b", took: .zero) == 4)
        #expect(slots.finish(endpoint: "a", took: .zero) == 2)
        #expect(slots.finish(endpoint: "a", took: .zero) == nil)
        #expect(slots.finish(endpoint: "c", took: .zero) == nil)
        #expect(slots.inHand == 0)
    }

    @Test("A long backlog is spread over time, the more the slower its endpoint")
    func appointments() {
        var slots = slots(running: 4, perEndpoint: 2, inHand: 10)
        for job in 0..<3 { _ = slots.arrive(job, endpoint: "slow", at: now) }
        for _ in 0..<50 {
            _ = slots.finish(endpoint: "slow", took: .seconds(10))
            _ = slots.arrive(0, endpoint: "slow", at: now)
        }
        let delays = (0..<20).compactMap { job -> Duration? in
            if case .putOff(let delay) = slots.arrive(job, endpoint: "slow", at: now) { delay } else { nil }
        }
        #expect(delays.count >= 18)
        #expect(delays[0] >= Slots.shortestDelay && delays.allSatisfy { $0 <= Slots.longestDelay })
        // Two at a time, ten seconds each: a turn every five seconds.
        let steps = zip(delays, delays.dropFirst()).map { $1 - $0 }
        #expect(steps.prefix(8).allSatisfy { $0 > .seconds(4) && $0 < .seconds(6) })
    }

    @Test("What an unknown endpoint can't take at once comes again soon, when its first answers are there")
    func unknownEndpoint() {
        var slots = slots(running: 64, perEndpoint: 8, inHand: 256)
        let delays = (0..<260).compactMap { job -> Duration? in
            if case .putOff(let delay) = slots.arrive(job, endpoint: "new", at: now) { delay } else { nil }
        }
        #expect(delays.count > 200)
        #expect(delays.allSatisfy { $0 >= Slots.shortestDelay && $0 < .seconds(2) })
        // Its first answer is all that is known of it.
        _ = slots.finish(endpoint: "new", took: .seconds(8))
        guard case .putOff(let next) = slots.arrive(0, endpoint: "new", at: now),
            case .putOff(let last) = slots.arrive(0, endpoint: "new", at: now)
        else {
            Issue.record("it has a line")
            return
        }
        #expect(last - next == .seconds(1))
    }

    @Test("A fast endpoint's line is as long as the hand is wide")
    func fastEndpoint() {
        var slots = slots()
        for job in 0..<100 {
            _ = slots.arrive(job, endpoint: "fast", at: now)
            _ = slots.finish(endpoint: "fast", took: .milliseconds(2))
            _ = slots.arrive(job, endpoint: "fast", at: now)
            if slots.room == 0 { break }
        }
        #expect(slots.room == 0)
    }

    @Test("What has waited already leaves an eighth of the slots to new jobs, and lets them go first")
    func later() {
        var slots = slots(running: 16, perEndpoint: 16, inHand: 64)
        let arrivals = (0..<16).map { slots.arrive($0, endpoint: "\($0 % 4)", isLater: true, at: now) }
        #expect(arrivals.prefix(14).allSatisfy { $0 == .start } && arrivals.suffix(2) == [.wait, .wait])
        #expect(slots.arrive(16, endpoint: "0", at: now) == .start)
        #expect(slots.arrive(17, endpoint: "1", at: now) == .start)
        // All slots are taken: a new job goes before those that came earlier, but not beyond its endpoint's slots.
        #expect(slots.arrive(18, endpoint: "2", at: now) == .wait)
        #expect(slots.finish(endpoint: "0", isLater: true, took: .zero) == 18)
        // Fourteen of the others, and no more.
        #expect(slots.finish(endpoint: "1", isLater: true, took: .zero) == 14)
        #expect(slots.finish(endpoint: "0", isLater: false, took: .zero) == 15)
        #expect(slots.finish(endpoint: "1", isLater: false, took: .zero) == nil)
        #expect(slots.running == 15)
    }

    @Test("One that has waited already is passed seven times at most")
    func passing() {
        var slots = slots(running: 1, perEndpoint: 100, inHand: 100)
        _ = slots.arrive(0, endpoint: "a", at: now)
        for job in 1...2 { #expect(slots.arrive(job, endpoint: "a", isLater: true, at: now) == .wait) }
        var order: [Int] = []
        for job in 3...30 {
            _ = slots.arrive(job, endpoint: "a", at: now)
            order.append(slots.finish(endpoint: "a", isLater: order.last.map { $0 < 3 } ?? false, took: .zero) ?? -1)
        }
        #expect(order == Array(3...9) + [1] + Array(10...16) + [2] + Array(17...28))
    }

    @Test("An endpoint that was fast before its line was empty still has a long one, and a slow one may try anew")
    func memory() {
        var slots = slots(running: 4, perEndpoint: 2, inHand: 400)
        for job in 0..<100 {
            _ = slots.arrive(job, endpoint: "fast", at: now)
            _ = slots.finish(endpoint: "fast", took: .milliseconds(1))
            _ = slots.arrive(job, endpoint: "slow", at: now)
            _ = slots.finish(endpoint: "slow", took: .seconds(10))
        }
        let fast = (0..<100).map { slots.arrive($0, endpoint: "fast", at: now) }
        #expect(fast.allSatisfy { $0 == .start || $0 == .wait })
        let slow = (0..<6).map { slots.arrive($0, endpoint: "slow", at: now) }
        #expect(slow.prefix(5).allSatisfy { $0 == .start || $0 == .wait })
        // What is remembered is bounded.
        for job in 0..<5_000 {
            let name = "other \(job)"
            if slots.arrive(job, endpoint: name, at: now) == .start { _ = slots.finish(endpoint: name, took: .zero) }
        }
        #expect(slots.knownEndpoints <= 1_401)
    }

    @Test("Whatever comes and goes, the bounds hold and nobody waits beside a free slot")
    func randomWalk() {
        var random = SplitMix(state: 7)
        for _ in 0..<50 {
            var slots = slots(running: 5, perEndpoint: 2, inHand: 12)
            var running: [String: Int] = [:]
            var endpointOf: [Int: String] = [:]
            var waiting: [Int] = []
            for job in 0..<400 {
                let busy = running.filter { $0.value > 0 }.map(\.key).sorted()
                if Bool.random(using: &random) || busy.isEmpty {
                    guard slots.room > 0 else { continue }
                    let endpoint = "e\(Int.random(in: 0..<4, using: &random))"
                    endpointOf[job] = endpoint
                    switch slots.arrive(job, endpoint: endpoint, at: now) {
                    case .start: running[endpoint, default: 0] += 1
                    case .wait: waiting.append(job)
                    case .putOff: break
                    }
                } else {
                    let endpoint = busy[Int.random(in: 0..<busy.count, using: &random)]
                    running[endpoint, default: 0] -= 1
                    if let next = slots.finish(endpoint: endpoint, took: .milliseconds(5)) {
                        waiting.removeAll { $0 == next }
                        running[endpointOf[next]!, default: 0] += 1
                    }
                }
                let total = running.values.reduce(0, +)
                #expect(total == slots.running && total <= 5 && running.values.allSatisfy { $0 <= 2 })
                #expect(slots.inHand == total + waiting.count && slots.inHand <= 12)
                let couldStart = waiting.contains { total < 5 && running[endpointOf[$0]!, default: 0] < 2 }
                #expect(!couldStart)
            }
            #expect(Set(slots.drain()) == Set(waiting))
        }
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
