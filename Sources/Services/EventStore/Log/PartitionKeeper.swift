public import Logging
public import PostgresWire
public import ServiceLifecycle

/// Makes the partitions of the coming two weeks, once an hour, so that there is always one to insert into.
public struct PartitionKeeper: Service {
    /// The tables that grow with traffic.
    static let tables = ["events", "event_blocks", "firings", "deliveries", "attempts"]
    private static let daysAhead: Int32 = 14

    private let pool: PostgresPool
    private let logger: Logger

    /// Makes a keeper on a pool of the pipeline's role.
    public init(pool: PostgresPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    /// Works until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause: Duration
                do {
                    let made = try await makePartitions()
                    if made > 0 { logger.info("partitions.made", metadata: ["partitions.count": "\(made)"]) }
                    pause = .seconds(3_600)
                } catch {
                    logger.warning("partitions.failed", metadata: ["error": "\(error)"])
                    pause = .seconds(10)
                }
                try? await Task.sleep(for: pause)
            }
        }
    }

    private func makePartitions() async throws -> Int32 {
        var made: Int32 = 0
        for table in Self.tables {
            made += try await pool.query(Self.statement, [.text(table), .int4(Self.daysAhead)])[0].decode(0)
        }
        return made
    }

    private static let statement = PostgresStatement(
        "ensure_partitions", "SELECT ensure_partitions($1::text::regclass, $2)")
}
