/// When the next attempt to connect may be made: 50 ms after a failure, doubling to 2 s, with jitter.
struct ReconnectSchedule {
    static let firstPause = 50
    static let longestPause = 2_000

    private(set) var failures = 0
    private var retryAt: ContinuousClock.Instant?
    private var lastError: RedisError?

    /// The error of the last attempt, while it is too early for another.
    func refusal(at now: ContinuousClock.Instant) -> RedisError? {
        guard let retryAt, now < retryAt else { return nil }
        return lastError
    }

    /// Notes a failure.
    ///
    /// - Parameter jitter: chance, from 0 to 1; a pause is half its ceiling at least.
    mutating func failed(_ error: RedisError, at now: ContinuousClock.Instant, jitter: Double) {
        let ceiling = min(Self.longestPause, Self.firstPause << min(failures, 10))
        failures += 1
        lastError = error
        retryAt = now.advanced(by: .milliseconds(Int64(Double(ceiling) * (0.5 + 0.5 * jitter))))
    }

    /// Notes a success.
    mutating func succeeded() {
        self = ReconnectSchedule()
    }
}

/// Holds the one connection of a client; concurrent callers that find none wait for one attempt, and make none of their
/// own.
actor ConnectionSlot {
    /// What an attempt tells the log, once a spell of absence.
    enum Change: Sendable {
        case lost(RedisError)
        case regained(failures: Int)
    }

    private let configuration: RedisConfiguration
    private let report: @Sendable (Change) -> Void
    private var schedule = ReconnectSchedule()
    private var connection: RedisConnection?
    private var attempt: Task<Result<RedisConnection, RedisError>, Never>?

    init(_ configuration: RedisConfiguration, report: @escaping @Sendable (Change) -> Void) {
        self.configuration = configuration
        self.report = report
    }

    func connected() async throws(RedisError) -> RedisConnection {
        if let connection { return connection }
        if let attempt { return try await attempt.value.get() }
        if let refusal = schedule.refusal(at: .now) { throw refusal }
        let configuration = configuration
        let attempt = Task { () async -> Result<RedisConnection, RedisError> in
            do throws(RedisError) {
                return .success(try await RedisConnection.connect(configuration))
            } catch {
                return .failure(error)
            }
        }
        self.attempt = attempt
        let result = await attempt.value
        self.attempt = nil
        switch result {
        case .success(let made):
            if schedule.failures > 0 { report(.regained(failures: schedule.failures)) }
            schedule.succeeded()
            connection = made
        case .failure(let error):
            if schedule.failures == 0 { report(.lost(error)) }
            schedule.failed(error, at: .now, jitter: .random(in: 0...1))
        }
        return try result.get()
    }

    /// Lets go of a connection that broke, unless another has taken its place already.
    func drop(_ broken: RedisConnection) {
        if connection === broken { connection = nil }
    }

    /// Lets go of the connection, which closes it when its last call has ended.
    func close() {
        connection = nil
    }
}
