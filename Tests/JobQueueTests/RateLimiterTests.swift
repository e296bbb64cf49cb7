import ActionModel
import EventModel
import EventStore
import JSONTree
import RedisWire
import Runtime
import Synchronization
import Testing
import TriggerEngine

@testable import JobQueue

@Suite("Rate limits of actions, over Redis", .timeLimit(.minutes(1)))
struct RateLimiterTests {
    private let action = RateLimiter.Action(triggerID: UniqueID(high: 1, low: 1), index: 0)

    private func queue(port: Int? = nil) throws -> ReadyQueue {
        ReadyQueue(
            RedisSettings(host: "127.0.0.1", port: try port ?? redisConfiguration().port),
            prefix: "test:\(UniqueID.generate()):", logger: quietLogger)
    }

    @Test("The script answers as the state machine does")
    func script() async throws {
        let limiter = RateLimiter(try queue())
        var state = RateLimiterState()
        // An hour apart, so that the time between two questions does not show.
        let limit = RateLimit(limit: 1, per: TimeSpan("1h")!, burst: 1)
        let hour: Int64 = 3_600_000_000
        for isReturning in [false, false, true, false, false] {
            let answer = await limiter.ask(limit, of: action, isReturning: isReturning)
            switch (answer, state.ask(limit, isReturning: isReturning, at: 0)) {
            case (.go(let one), .go(let other)): #expect(one == other)
            case (.comeBack(let one), .comeBack(let other)):
                #expect(one <= other && one > other - hour / 10, "\(one) \(other)")
            case (let one, let other): Issue.record("\(one) is not \(other)")
            }
        }
        let other = RateLimiter.Action(triggerID: action.triggerID, index: 1)
        #expect(await limiter.ask(limit, of: other, isReturning: false) == .go(after: 0))
    }

    @Test("Workers share a limit")
    func shared() async throws {
        let queue = try queue()
        let limiters = (0..<4).map { _ in RateLimiter(queue) }
        let limit = RateLimit(limit: 100, per: TimeSpan("1h")!, burst: 10)
        let action = action
        let gone = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask {
                    await limiters[number % 4].ask(limit, of: action, isReturning: false) == .go(after: 0)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(gone == 10)
    }

    @Test("Without Redis a worker keeps to the limit by itself")
    func fallback() async throws {
        let limiter = RateLimiter(try queue(port: 1))
        let limit = RateLimit(limit: 1, per: TimeSpan("1m")!)
        #expect(await limiter.ask(limit, of: action, isReturning: false) == .go(after: 0))
        guard case .comeBack(let wait) = await limiter.ask(limit, of: action, isReturning: false) else {
            Issue.record("it goes")
            return
        }
        #expect(wait > 50_000_000 && wait <= 60_000_000)
    }

    @Test("Deliveries over the limit are put off with their appointments, and use up no attempt")
    func putOff() async throws {
        try await withQueue(rateLimit: #"{"limit": 60, "per": "1h"}"#) { fixture in
            let log = SentLog()
            let worker = fixture.worker { claimed in
                log.note(claimed)
                return .success
            }
            try await fixture.queue.push(fixture.fire(times: 30))
            try await fixture.running([worker, fixture.promoter()]) {
                // Some were put off because eight were under way; they come back, and are put off again.
                while try await fixture.deliveries().count(where: { $0.putOff == .rateLimit }) != 29 {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            #expect(log.total == 1)
            let waiting = try await fixture.deliveries().filter { $0.status == .scheduled }
            #expect(waiting.allSatisfy { $0.attempt == 0 && $0.putOff == .rateLimit })
            #expect(
                waiting.allSatisfy { $0.nextAttemptReason == "the action's rate limit of 60 per 1h is used up" })
            let due = waiting.map(\.runAt.microseconds).sorted()
            // A minute apart; the time between two questions makes some of the difference.
            let steps = zip(due, due.dropFirst()).map { $1 - $0 }
            #expect(steps.allSatisfy { $0 > 50_000_000 && $0 < 70_000_000 }, "\(steps)")
        }
    }

    @Test("A quick limit is kept by waiting on the spot: every delivery is sent, evenly")
    func pace() async throws {
        try await withQueue(rateLimit: #"{"limit": 40, "per": "1s"}"#) { fixture in
            let times = Mutex<[ContinuousClock.Instant]>([])
            let worker = fixture.worker { _ in
                times.withLock { $0.append(.now) }
                return .success
            }
            try await fixture.queue.push(fixture.fire(times: 60))
            try await fixture.running([worker, fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 60] }
            }
            let sent = times.withLock { $0.sorted() }
            // Late is possible at any time, early is not: sixty take at least fifty-nine intervals.
            #expect(sent[0].duration(to: sent[59]) > .milliseconds(59 * 25 - 100))
        }
    }
}
