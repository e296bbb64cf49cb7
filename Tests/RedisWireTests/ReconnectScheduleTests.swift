import Testing

@testable import RedisWire

@Suite("When the Redis client connects again")
struct ReconnectScheduleTests {
    private let start = ContinuousClock.now
    private let error = RedisError(.connection, "refused")

    @Test("Pauses double from 50 ms to 2 s, and stay there")
    func pausesDouble() {
        var schedule = ReconnectSchedule()
        for ceiling in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000] {
            schedule.failed(error, at: start, jitter: 1)
            #expect(schedule.refusal(at: start.advanced(by: .milliseconds(ceiling - 1))) != nil)
            #expect(schedule.refusal(at: start.advanced(by: .milliseconds(ceiling))) == nil)
        }
    }

    @Test("Jitter takes at most half of a pause")
    func jitterIsBounded() {
        for jitter in [0, 0.25, 0.5, 1] {
            var schedule = ReconnectSchedule()
            schedule.failed(error, at: start, jitter: jitter)
            #expect(schedule.refusal(at: start.advanced(by: .milliseconds(24))) != nil)
            #expect(schedule.refusal(at: start.advanced(by: .milliseconds(50))) == nil)
        }
    }

    @Test("A success starts over, and a fresh schedule refuses nothing")
    func successStartsOver() {
        var schedule = ReconnectSchedule()
        #expect(schedule.refusal(at: start) == nil)
        for _ in 0..<100 { schedule.failed(error, at: start, jitter: 1) }
        #expect(schedule.failures == 100)
        schedule.succeeded()
        #expect(schedule.failures == 0)
        #expect(schedule.refusal(at: start) == nil)
    }
}
