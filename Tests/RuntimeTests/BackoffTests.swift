import EventModel
import Runtime
import Testing

@Suite("Backoff and identifiers")
struct BackoffTests {
    @Test func `the upper end doubles until the maximum`() {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(1))
        let waits = (0..<6).map { _ in backoff.next(jitter: 1) }
        #expect(waits == [100, 200, 400, 800, 1_000, 1_000].map { .milliseconds($0) })
    }

    @Test func `every wait lies between the minimum and the maximum, however many there were`() {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(5), minimum: .milliseconds(10))
        for _ in 0..<1_000 {
            let wait = backoff.next()
            #expect(wait >= .milliseconds(10) && wait <= .seconds(5))
        }
        #expect(backoff.attempts == 1_000)
    }

    @Test func `a reset starts over`() {
        var backoff = Backoff(initial: .milliseconds(100))
        _ = backoff.next(jitter: 1)
        _ = backoff.next(jitter: 1)
        backoff.reset()
        #expect(backoff.next(jitter: 1) == .milliseconds(100))
    }

    @Test func `a generated id carries the milliseconds of its time and differs from the next`() {
        let time = Timestamp(microseconds: 1_700_000_000_123_999)
        let ids = (0..<1_000).map { _ in UniqueID.generate(at: time) }
        #expect(ids.allSatisfy { $0.timestampMilliseconds == 1_700_000_000_123 })
        #expect(Set(ids).count == ids.count)
    }

    @Test func `the clock is past the year 2024 and does not stand in seconds`() {
        #expect(Timestamp.now().microseconds > 1_700_000_000_000_000)
    }
}
