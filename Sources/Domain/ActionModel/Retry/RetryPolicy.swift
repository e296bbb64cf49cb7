import JSONTree

/// When a failed delivery is tried again: the Standard Webhooks schedule (SAFETY.md), unless the action says otherwise.
///
/// The first attempt is at once; then come the steps, each 20 % shorter to longer so that what failed together does not
/// return together. When there are more attempts than steps, the last step repeats.
public struct RetryPolicy: Equatable, Sendable {
    /// What to do when the receiver says how long to wait.
    public enum RetryAfterRule: Sendable {
        /// Wait as told, but at least the step and at most twice the step: a stranger doesn't own our schedule.
        case withinTwiceTheStep
        /// Wait at least as told, up to an hour: Telegram counts an early return as another offence.
        case obeyed
    }

    /// How many attempts there are, the first included.
    public let maxAttempts: Int
    /// The steps between attempts, in microseconds; at least one.
    public let schedule: [Int64]
    /// What a receiver's wish counts.
    public let retryAfter: RetryAfterRule

    /// 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, in microseconds.
    public static let standardSchedule: [Int64] =
        [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map { $0 * 1_000_000 }

    static let attempts: ClosedRange<Int64> = 1...50
    static let steps = TimeSpan("100ms")!...TimeSpan("7d")!
    static let longestObedience: Int64 = 3_600_000_000

    /// Ten attempts on the standard schedule.
    public static func standard(retryAfter: RetryAfterRule = .withinTwiceTheStep) -> RetryPolicy {
        RetryPolicy(maxAttempts: standardSchedule.count + 1, schedule: standardSchedule, retryAfter: retryAfter)
    }

    /// Makes a policy.
    ///
    /// - Parameter schedule: the steps in microseconds; without any, the standard ones.
    public init(maxAttempts: Int, schedule: [Int64], retryAfter: RetryAfterRule = .withinTwiceTheStep) {
        self.maxAttempts = maxAttempts
        self.schedule = schedule.isEmpty ? Self.standardSchedule : schedule
        self.retryAfter = retryAfter
    }

    /// Reads `{"max_attempts"?, "schedule"?: ["30s", …]}`; without `max_attempts`, each step is used once.
    public init(
        _ value: JSONValue, pointer: String, retryAfter: RetryAfterRule = .withinTwiceTheStep
    ) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let maxAttempts = reader.integer("max_attempts", in: Self.attempts)
        let elements = reader.array("schedule", count: 1...Int(Self.attempts.upperBound))
        let schedule = elements?.map { element, place in
            reader.attempt { () throws(JSONValidationError) -> Int64 in
                guard let span = element.string.flatMap({ TimeSpan($0) }), Self.steps.contains(span) else {
                    let bounds = "\(Self.steps.lowerBound) to \(Self.steps.upperBound)"
                    throw JSONValidationError(pointer: place, detail: "must be a duration from \(bounds), like \"30s\"")
                }
                return span.microseconds
            } ?? 0
        }
        try reader.finish()
        let steps = schedule ?? Self.standardSchedule
        self.init(
            maxAttempts: maxAttempts.map { Int($0) } ?? min(steps.count + 1, Int(Self.attempts.upperBound)),
            schedule: steps, retryAfter: retryAfter)
    }

    var isStandard: Bool { self == .standard(retryAfter: retryAfter) }

    /// How long to wait after a failed attempt, in microseconds; nil when there is no other.
    ///
    /// - Parameters:
    ///   - attempt: the attempt that failed, counted from 1.
    ///   - jitter: chance, from 0 up to 1.
    ///   - seconds: what the receiver asked for.
    public func delay(afterAttempt attempt: Int, jitter: Double, retryAfterSeconds seconds: Int? = nil) -> Int64? {
        guard attempt < maxAttempts else { return nil }
        let step = schedule[min(max(attempt, 1), schedule.count) - 1]
        let jitter = min(max(jitter, 0), 1)
        guard let seconds, seconds >= 0 else { return Int64(Double(step) * (0.8 + 0.4 * jitter)) }
        let wish = Int64(min(seconds, 1_000_000)) * 1_000_000
        switch retryAfter {
        case .withinTwiceTheStep:
            return min(max(wish, step), 2 * step)
        case .obeyed:
            return Int64(Double(min(wish, Self.longestObedience)) * (1 + 0.2 * jitter))
        }
    }

    /// Why ``delay(afterAttempt:jitter:retryAfterSeconds:)`` is what it is, in words.
    public func reason(afterAttempt attempt: Int, retryAfterSeconds seconds: Int? = nil) -> String {
        let number = min(max(attempt, 1), schedule.count)
        let step = TimeSpan(microseconds: schedule[number - 1])
        let place = "step \(number) of the schedule, \(step)"
        guard let seconds, seconds >= 0 else {
            return "attempt \(attempt + 1) of \(maxAttempts): \(place) ±20 %"
        }
        let rule = retryAfter == .obeyed ? "up to an hour" : "kept between once and twice \(place)"
        return "attempt \(attempt + 1) of \(maxAttempts): the receiver asked for \(seconds) s, \(rule)"
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("max_attempts", maxAttempts)
            $0.key("schedule")
            $0.array { array in
                for step in schedule { array.string(TimeSpan(microseconds: step).description) }
            }
        }
    }
}

extension TimeSpan {
    /// Makes a span of microseconds, which are at least 0.
    public init(microseconds: Int64) {
        self.microseconds = max(0, microseconds)
    }
}
