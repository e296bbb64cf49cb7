import EventModel
public import Logging
public import PostgresWire
import Runtime
public import ServiceLifecycle

/// Makes the partitions of the coming two weeks, so that there is always one to insert into, and drops those that
/// retention has let go. Once an hour.
///
/// What holds a partition although the policies let it go, a follower that has not read it say, is a warning and a
/// metric: the disk fills and nothing is lost.
public struct PartitionKeeper: Service {
    /// The tables that grow with traffic.
    static let tables = ["events", "event_blocks", "firings", "deliveries", "attempts", "event_counts_1m"]
    private static let daysAhead: Int32 = 14

    private let pool: PostgresPool
    private let retention: RetentionStore
    private let logger: Logger

    /// Makes a keeper on a pool of the pipeline's role.
    public init(pool: PostgresPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
        retention = RetentionStore(pool: pool)
    }

    /// Works until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause: Duration
                do {
                    let made = try await makePartitions()
                    if made > 0 { logger.info("partitions.made", metadata: ["partitions.count": "\(made)"]) }
                    pause = try await dropPartitions() ? .seconds(3_600) : .seconds(600)
                } catch {
                    logger.warning("partitions.failed", metadata: ["error": "\(error)"])
                    pause = .seconds(10)
                }
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// Makes what is missing; returns how many that were.
    public func makePartitions() async throws -> Int {
        var made: Int32 = 0
        for table in Self.tables {
            made += try await pool.query(Self.statement, [.text(table), .int4(Self.daysAhead)])[0].decode(0)
        }
        return Int(made)
    }

    /// Drops what retention has let go and nothing else holds; returns whether nothing is left to try soon.
    public func dropPartitions() async throws -> Bool {
        let now = Timestamp.now()
        let partitions = try await retention.partitions()
        var isDone = true
        var gone: [String: Int] = [:]
        var blocked: [String: Int] = [:]
        for partition in partitions where partition.isExpired(at: now) && !Task.isCancelled {
            let metadata: Logger.Metadata = [
                "partition.table": "\(partition.table)", "partition.day": "\(partition.day)",
            ]
            switch try await retention.drop(partition.table, day: partition.day) {
            case .dropped:
                gone[partition.table, default: 0] += 1
                logger.notice("partition.dropped", metadata: metadata)
            case .absent:
                gone[partition.table, default: 0] += 1
            case .held(let reason):
                blocked[partition.table, default: 0] += 1
                logger.warning("partition.held", metadata: metadata.merging(["reason": "\(reason)"]) { $1 })
            case .busy:
                isDone = false
                logger.info("partition.busy", metadata: metadata)
            }
        }
        for table in Self.tables {
            let count = partitions.count { $0.table == table } - (gone[table] ?? 0)
            RetentionMetrics.counted(table, partitions: count, blocked: blocked[table] ?? 0)
        }
        return isDone
    }

    private static let statement = PostgresStatement(
        "ensure_partitions", "SELECT ensure_partitions($1::text::regclass, $2)")
}
