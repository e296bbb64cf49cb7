import ActionModel
import EventModel
import EventStore
import TestKit
import Testing

@testable import JobQueue

@Suite("Circuit breakers keep deliveries back", .timeLimit(.minutes(1)))
struct BreakerTests {
    @Test("A dead endpoint is called some five times; what waits for it uses up no attempt")
    func opens() async throws {
        try await withQueue(attempts: 20) { fixture in
            let log = SentLog()
            let ready = try await fixture.fire(times: 100)
            try await fixture.queue.push(ready)
            let worker = fixture.worker { claimed in
                log.note(claimed)
                return .failure
            }
            try await fixture.running([worker, fixture.promoter()]) {
                // Some were put off because eight were under way, or failed; they come back, and are put off again.
                let isPutOff = { (delivery: Delivery) in delivery.status == .scheduled && delivery.putOff == .breaker }
                while !(try await fixture.deliveries().allSatisfy(isPutOff)) {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            // Eight may have been under way when the fifth failed.
            #expect((5...16).contains(log.total), "\(log.total)")
            let all = try await fixture.deliveries()
            let waiting = all.filter { $0.putOff == .breaker }
            #expect(waiting.count == 100 && waiting.allSatisfy { $0.attempt <= 1 })
            #expect(all.map(\.attempt).reduce(0, +) == log.total)
            #expect(waiting.allSatisfy { $0.nextAttemptReason?.contains("circuit breaker") == true })
            let soonest = try #require(waiting.map(\.runAt).min())
            let breaker = try #require(await fixture.breakers().first)
            #expect(breaker.breaker.state == .open)
            #expect(soonest >= Timestamp(microseconds: breaker.changedAt.microseconds + 29_000_000))
        }
    }

    @Test("A worker that starts anew knows what the one before it has learned, and another knows it too")
    func survives() async throws {
        try await withQueue(attempts: 20) { fixture in
            let log = SentLog()
            let first = fixture.worker { claimed in
                log.note(claimed)
                return .failure
            }
            try await fixture.queue.push(fixture.fire(times: 20))
            try await fixture.running([first]) {
                while try await fixture.breakers().first?.breaker.state != .open {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            let before = log.total
            let others = (0..<3).map { _ in
                fixture.worker { claimed in
                    log.note(claimed)
                    return .success
                }
            }
            let more = try await fixture.fire(times: 50)
            try await fixture.queue.push(more)
            try await fixture.running(others) {
                try await fixture.until { $0[.ready] == nil && $0[.running] == nil }
            }
            #expect(log.total == before)
            let waiting = try await fixture.deliveries().filter { $0.putOff == .breaker }
            #expect(Set(waiting.map(\.id)).isSuperset(of: more.map(\.id)))
        }
    }

    @Test("When the time is over one probe goes out, of all workers; its success lets the others go")
    func closes() async throws {
        try await withQueue(attempts: 20) { fixture in
            try await fixture.openBreaker()
            try await fixture.passTime()
            let log = SentLog()
            let workers = (0..<3).map { _ in
                fixture.worker { claimed in
                    log.note(claimed)
                    // The first is answered only when all others have been put off.
                    while log.total == 1, (try? await fixture.statuses()) != [.running: 1, .scheduled: 39] {
                        try? await Task.sleep(for: .milliseconds(10))
                    }
                    return .success
                }
            }
            try await fixture.queue.push(fixture.fire(times: 40))
            try await fixture.running(workers) {
                try await fixture.until { $0 == [.succeeded: 1, .scheduled: 39] }
                #expect(log.total == 1)
                while try await fixture.breakers().first?.breaker.state != .closed {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            let waiting = try await fixture.deliveries().filter { $0.status == .scheduled }
            #expect(waiting.allSatisfy { $0.attempt == 0 && $0.putOff != nil })
            let next = fixture.worker { claimed in
                log.note(claimed)
                return .success
            }
            // Nobody waits for the time that was given: a promoter brings back what waits for a closed breaker.
            try await fixture.running([next, fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 40] }
            }
            #expect(log.counts.values.allSatisfy { $0 == 1 })
        }
    }

    @Test("A probe that fails opens the breaker for longer; one that was only put off lets the next one try")
    func failedProbes() async throws {
        try await withQueue(attempts: 20) { fixture in
            try await fixture.openBreaker()
            try await fixture.passTime()
            try await fixture.queue.push(fixture.fire(times: 1))
            try await fixture.running([fixture.worker { _ in .failure }]) {
                try await fixture.until { $0 == [.scheduled: 1] }
                while try await fixture.breakers().first?.breaker.openings != 2 {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            try await fixture.passTime()
            try await fixture.queue.push(fixture.fire(times: 1))
            let busy = fixture.worker { _ in
                AttemptRecord(
                    AttemptResult(failure: .invalidRequest, error: "", durationMicroseconds: 0),
                    putOff: ReceiverLimit(for: .seconds(100), reason: "one message a second to a chat"))
            }
            try await fixture.running([busy]) {
                try await fixture.until { $0 == [.scheduled: 2] }
                while try await fixture.breakers().first?.breaker.state != .open {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            let putOff = try #require(await fixture.deliveries().first { $0.putOff == .receiverLimit })
            #expect(putOff.attempt == 0 && putOff.nextAttemptReason == "one message a second to a chat")
            let breaker = try #require(await fixture.breakers().first).breaker
            #expect(breaker.state == .open && breaker.openings == 2)
        }
    }

    @Test("What waits for a breaker that a person holds open goes when it is closed")
    func held() async throws {
        try await withQueue(attempts: 20) { fixture in
            let people = DeliveryStore(pool: fixture.owner).breakers
            let endpoint = "http://127.0.0.1:9"
            try await people.open([endpoint], organizationID: fixture.organization, forMicroseconds: nil)
            let log = SentLog()
            let worker = fixture.worker { claimed in
                log.note(claimed)
                return .success
            }
            try await fixture.queue.push(fixture.fire(times: 30))
            try await fixture.running([worker, fixture.promoter()]) {
                try await fixture.until { $0 == [.scheduled: 30] }
                #expect(log.total == 0)
                try await people.close([endpoint], organizationID: fixture.organization)
                try await fixture.until { $0 == [.succeeded: 30] }
            }
            #expect(log.total == 30)
        }
    }

    @Test("An endpoint that refuses is no dead endpoint")
    func refusals() async throws {
        try await withQueue(attempts: 1) { fixture in
            try await fixture.queue.push(fixture.fire(times: 60))
            let worker = fixture.worker { _ in
                AttemptRecord(AttemptResult(statusCode: 404, body: [], durationMicroseconds: 1_000))
            }
            try await fixture.running([worker, fixture.promoter()]) {
                try await fixture.until { $0 == [.dead: 60] }
            }
            #expect(try await fixture.breakers().isEmpty)
        }
    }
}

@Suite("What a worker knows of breakers")
struct EndpointBreakersTests {
    private let key = EndpointKey(organizationID: UniqueID(high: 1, low: 1), endpoint: "https://a.example")
    private let now = ContinuousClock.now
    private let id = UniqueID(high: 2, low: 2)

    private func outcome(_ health: EndpointHealth) -> EndpointOutcome { EndpointOutcome(health, of: id) }

    @Test("Successes are told with a failure, and by themselves only while the endpoint is watched")
    func economy() {
        let breakers = EndpointBreakers()
        for second in 0..<20 {
            #expect(breakers.note(outcome(.healthy), of: key, at: now.advanced(by: .seconds(second))) == .no)
        }
        let later = now.advanced(by: .seconds(20))
        #expect(breakers.note(outcome(.unhealthy(reason: "x")), of: key, at: later) == .settle)
        // Somebody is telling already.
        #expect(breakers.note(outcome(.unhealthy(reason: "x")), of: key, at: later) == .wait)
        #expect(breakers.note(outcome(.unknown), of: key, at: later) == .no)
        let pending = breakers.takePending(key)
        #expect(pending?.map(\.outcome.count) == [5, 5, 5, 5, 1, 1])
        #expect(breakers.takePending(key) == nil)
        breakers.settled(
            key, BreakerReading(state: .closed, waitMicroseconds: 0, watchMicroseconds: 10_000_000), at: later)
        #expect(breakers.note(outcome(.healthy), of: key, at: later.advanced(by: .seconds(9))) == .settle)
        _ = (breakers.takePending(key), breakers.takePending(key))
        #expect(breakers.note(outcome(.healthy), of: key, at: later.advanced(by: .seconds(11))) == .no)
    }

    @Test("What a claim read is older than what came since it was asked for")
    func staleReadings() {
        let breakers = EndpointBreakers()
        breakers.settled(
            key, BreakerReading(state: .open, waitMicroseconds: 30_000_000, watchMicroseconds: 0), at: now)
        breakers.learn(.closed, of: key, asked: now.advanced(by: .milliseconds(-5)))
        guard case .putOff(let delay, _) = breakers.verdict(key, at: now, jitter: 0) else {
            Issue.record("it is sent")
            return
        }
        #expect(delay == .seconds(30))
        #expect(breakers.verdict(key, at: now.advanced(by: .seconds(31)), jitter: 0) == .ask)
        breakers.learn(.closed, of: key, asked: now.advanced(by: .seconds(1)))
        #expect(breakers.verdict(key, at: now.advanced(by: .seconds(1)), jitter: 0) == .send)
    }

    @Test("While the store is away outcomes are kept, up to a bound, and endpoints too")
    func bounds() {
        let breakers = EndpointBreakers()
        for _ in 0..<1_000 {
            guard breakers.note(outcome(.unhealthy(reason: "x")), of: key, at: now) == .settle else { continue }
            breakers.unsettled(key, breakers.takePending(key) ?? [])
        }
        #expect(breakers.takePending(key)?.count == EndpointBreakers.maximumPending)
        for number in 0..<25_000 {
            let other = EndpointKey(organizationID: id, endpoint: "https://\(number).example")
            _ = breakers.note(outcome(.healthy), of: other, at: now)
        }
        #expect(breakers.count <= EndpointBreakers.maximumEntries)
    }

    @Test("One that a person holds open is looked at once in a while")
    func held() {
        let breakers = EndpointBreakers()
        breakers.learn(BreakerReading(state: .open, waitMicroseconds: nil, watchMicroseconds: 0), of: key, asked: now)
        guard case .putOff(let delay, let reason) = breakers.verdict(key, at: now, jitter: 0) else {
            Issue.record("it is sent")
            return
        }
        #expect(delay == EndpointBreakers.heldDelay && reason.contains("held open"))
    }
}
