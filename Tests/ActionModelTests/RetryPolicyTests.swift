import JSONTree
import Testing

@testable import ActionModel

@Suite("Retries")
struct RetryPolicyTests {
    private static let seconds: [Int64] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    @Test("The standard schedule is that of Standard Webhooks, each step 20 % shorter to longer")
    func standardSchedule() {
        let policy = RetryPolicy.standard()
        #expect(policy.maxAttempts == 10)
        for (index, seconds) in Self.seconds.enumerated() {
            let step = seconds * 1_000_000
            #expect(policy.delay(afterAttempt: index + 1, jitter: 0) == step * 8 / 10)
            #expect(policy.delay(afterAttempt: index + 1, jitter: 0.5) == step)
            for jitter in stride(from: 0, to: 1, by: 0.01) {
                let delay = policy.delay(afterAttempt: index + 1, jitter: jitter) ?? 0
                #expect((step * 8 / 10...step * 12 / 10).contains(delay))
            }
        }
        #expect(policy.delay(afterAttempt: 10, jitter: 0) == nil)
        #expect(policy.delay(afterAttempt: 11, jitter: 0) == nil)
    }

    @Test("Retry-After counts between once and twice the step")
    func retryAfter() {
        let policy = RetryPolicy.standard()
        for (wish, seconds) in [(0, 300), (299, 300), (301, 301), (600, 600), (601, 600), (Int.max, 600)]
            as [(Int, Int64)]
        {
            #expect(policy.delay(afterAttempt: 2, jitter: 0.9, retryAfterSeconds: wish) == seconds * 1_000_000)
        }
    }

    @Test("Telegram's retry_after is obeyed, up to an hour")
    func obeyed() {
        let policy = RetryPolicy.standard(retryAfter: .obeyed)
        #expect(policy.delay(afterAttempt: 1, jitter: 0, retryAfterSeconds: 35) == 35_000_000)
        #expect(policy.delay(afterAttempt: 1, jitter: 0.5, retryAfterSeconds: 35) == 38_500_000)
        #expect(policy.delay(afterAttempt: 1, jitter: 0, retryAfterSeconds: .max) == 3_600_000_000)
        #expect(policy.delay(afterAttempt: 1, jitter: 0.5) == 5_000_000)
    }

    @Test("An action may have a schedule of its own, whose last step repeats")
    func ownSchedule() throws {
        let policy = try RetryPolicy(try json(#"{"max_attempts":4,"schedule":["1s","2m"]}"#), pointer: "")
        #expect(
            (1...4).map { policy.delay(afterAttempt: $0, jitter: 0.5) } == [1_000_000, 120_000_000, 120_000_000, nil])
        #expect(try RetryPolicy(try json(#"{"schedule":["1s","2m"]}"#), pointer: "").maxAttempts == 3)
        #expect(try RetryPolicy(try json(#"{"max_attempts":1}"#), pointer: "").delay(afterAttempt: 1, jitter: 0) == nil)
        #expect(
            problems { _ = try RetryPolicy(try json(#"{"schedule":[],"max_attempts":51}"#), pointer: "") }.count == 2)
    }

    @Test(
        "Spans are a number and a unit",
        arguments: [
            ("500ms", 500_000), ("30s", 30_000_000), ("5m", 300_000_000), ("1h", 3_600_000_000),
            ("7d", 604_800_000_000),
        ]
            as [(String, Int64)])
    func spans(text: String, microseconds: Int64) {
        #expect(TimeSpan(text)?.microseconds == microseconds)
        #expect(TimeSpan(text)?.description == text)
    }

    @Test(
        "Anything else is no span",
        arguments: ["", "5", "s", "-5s", "5 s", "1.5h", "5S", "5w", "٣s", "99999999999999999999s", "4000d"])
    func noSpans(text: String) {
        #expect(TimeSpan(text) == nil)
    }

    @Test("A span is written in the largest unit that divides it")
    func spanDescriptions() {
        #expect(TimeSpan("90s")?.description == "90s")
        #expect(TimeSpan("120s")?.description == "2m")
        #expect(TimeSpan("48h")?.description == "2d")
        #expect(TimeSpan("0s")?.description == "0s")
    }
}
