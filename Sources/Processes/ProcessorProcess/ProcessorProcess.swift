import EventStore
import JobQueue
import Metrics
import Runtime
import ServiceLifecycle

/// The event-processor: follows the log, evaluates triggers, learns schemas, makes the deliveries that follow, counts
/// events for statistics, and keeps the partitions.
public enum ProcessorProcess {
    /// What `/metrics` says about each series.
    public static let metrics =
        ProcessorMetrics.descriptions + RollupMetrics.descriptions + RetentionMetrics.descriptions

    /// The release, for `--version`.
    public static let version = ColliderVersion.current

    /// Runs the process to its exit code; see `runProcess`.
    public static func run() async -> Never {
        await runProcess("event-processor", metrics: metrics, build: { try await build($0) })
    }

    /// The services of the process, in the order of their start.
    public static func build(_ context: ProcessContext) async throws -> [any Service] {
        let settings = context.configuration
        let keyring = try Keyring(settings.encryption)
        let (most, testing) = settings.database.divided(second: 2)
        let (own, indexing) = most.divided(second: 1)
        let pool = EventStorePool.make(own, role: .pipeline, name: context.name, logger: context.logger)
        let queue = ReadyQueue(settings.redis, logger: context.logger)
        let wakeUps = WakeUps(
            settings.database, role: .pipeline, channels: [.newEvent], logger: context.logger)
        let triggers = TriggerStore(pool: pool, keyring: keyring, logger: context.logger)
        let follower = "event-processor"
        let evaluator = TriggerEvaluator(
            follower: LogFollower(pool: pool, follower: follower, batchLimit: 2_000), triggers: triggers,
            states: StateStore(pool: pool), firings: FiringWriter(), logger: context.logger)
        let evaluation = Evaluation(
            evaluator: evaluator, queue: queue, hint: AppendHint(pool: pool), wakeUps: wakeUps, logger: context.logger)
        let indexPool = EventStorePool.make(
            indexing, role: .pipeline, name: "\(context.name)-index", logger: context.logger)
        let indexer = Indexing(
            indexer: SearchIndexer(pool: indexPool, after: follower),
            lag: FollowerLag(pool: indexPool, follower: SearchIndexer.follower), logger: context.logger)
        let learning = SchemaKeeping(
            follower: LogFollower(
                pool: indexPool, follower: SchemaKeeping.follower, batchLimit: SchemaKeeping.batchLimit),
            schemas: SchemaStore(pool: indexPool),
            lag: FollowerLag(pool: indexPool, follower: SchemaKeeping.follower),
            leader: FollowerLag(pool: indexPool, follower: follower), logger: context.logger)
        let testPool = EventStorePool.make(
            testing, role: .pipeline, name: "\(context.name)-backtests", logger: context.logger)
        let backtesting = Backtesting(
            store: BacktestStore(pool: testPool), log: LogSliceSource(pool: testPool),
            lag: FollowerLag(pool: testPool, follower: follower), logger: context.logger)
        let replaying = Replaying(
            store: ReplayStore(pool: testPool),
            triggers: TriggerStore(pool: testPool, keyring: keyring, logger: context.logger), queue: queue,
            logger: context.logger)
        let check = KeyringCheck(pool: pool, keyring: keyring, seals: false, logger: context.logger)
        let health = HealthServer(
            port: settings.processorMetricsPort, portKey: "PROCESSOR_METRICS_PORT",
            endpoints: HealthEndpoints(
                checks: [.database(pool), evaluation.readiness], metrics: context.metrics),
            logger: context.logger)
        return [
            pool, indexPool, testPool, check, queue, wakeUps, health,
            PartitionKeeper(pool: pool, logger: context.logger),
            RollupKeeper(pool: indexPool, logger: context.logger), indexer, learning, backtesting, replaying,
            evaluation,
        ]
    }
}
