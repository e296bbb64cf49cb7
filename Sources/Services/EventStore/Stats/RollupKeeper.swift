public import Logging
import Metrics
public import PostgresWire
public import Runtime
public import ServiceLifecycle

/// Counts every event once, by minute and by hour: the follower `rollup`.
///
/// It is a follower of its own and not a part of the evaluation, because so it costs the evaluation nothing: no
/// statement in its transaction, no row that it would wait for. The counting happens inside PostgreSQL, where the
/// events are; none travels. One statement takes up to ``batchLimit`` events of a part, so that under load a count
/// costs a fraction of what it would with each small batch that is evaluated. And it begins with the oldest event that
/// is stored, whatever the processor has evaluated already.
///
/// Counts and position are one transaction (`roll_up` of the migrations), so a kill at any point counts nothing twice.
public struct RollupKeeper: Service {
    /// Its name among the followers.
    public static let follower = "rollup"
    /// Most events of one statement.
    static let batchLimit: Int32 = 10_000

    private let pool: PostgresPool
    private let interval: Duration
    private let logger: Logger

    /// Makes a keeper on a pool of the pipeline's role; any number may run.
    ///
    /// - Parameter interval: how long it rests when everything is counted.
    public init(pool: PostgresPool, interval: Duration = .seconds(1), logger: Logger) {
        self.pool = pool
        self.interval = interval
        self.logger = logger
    }

    /// Works until graceful shutdown; a statement that is under way then is finished.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = Backoff(initial: interval, maximum: .seconds(30))
            while !Task.isCancelled {
                do {
                    _ = try await catchUp()
                    backoff.reset()
                    try? await Task.sleep(for: interval)
                } catch {
                    RollupMetrics.failures.increment()
                    logger.warning("rollup.failed", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: backoff.next())
                }
            }
        }
    }

    /// Counts what there is; returns how many events it counted.
    @discardableResult
    public func catchUp() async throws -> Int {
        _ = try await pool.query(LogFollower.enrol, [.text(Self.follower)])
        var total = 0
        while !Task.isCancelled, let count = try await rollUp() {
            total += count
            RollupMetrics.events.increment(by: count)
        }
        RollupMetrics.lag.record(try await FollowerLag(pool: pool, follower: Self.follower).events())
        return total
    }

    /// Counts the next events of one part; nil when no part has any that are free.
    private func rollUp() async throws -> Int? {
        let rows = try await pool.query(Self.statement, [.int4(Self.batchLimit)])
        return try rows.first?.decodeIfPresent(0, as: Int32.self).map { Int($0) }
    }

    private static let statement = PostgresStatement("roll_up", "SELECT roll_up($1)")
}

/// What the counting counts.
public enum RollupMetrics {
    static let events = Counter(label: "rollup_events")
    static let failures = Counter(label: "rollup_failures")
    static let lag = Gauge(label: "rollup_lag_events")

    /// Their meanings, for `/metrics`.
    public static let descriptions = [
        MetricDescription("rollup_events", "Events counted for statistics."),
        MetricDescription("rollup_failures", "Rounds of counting undone by an error and tried again."),
        MetricDescription("rollup_lag_events", "Events that are committed and not counted yet."),
    ]
}
