public import EventStore
import Hummingbird
import JobQueue
import Logging
import NIOCore
import Runtime
import ServiceLifecycle

/// The api-gateway: takes events over HTTP into the log, and serves the API under `/api/v1`.
public enum GatewayProcess {
    /// What `/metrics` says about each series.
    public static let metrics = GatewayMetrics.descriptions + LogMetrics.descriptions
    /// The release, for `--version`.
    public static let version = ColliderVersion.current

    /// Runs the process to its exit code; see ``runProcess(_:metrics:build:)``.
    public static func run() async -> Never {
        await runProcess("api-gateway", metrics: metrics, build: { try await build($0) })
    }

    /// The services of the process, in the order of their start.
    ///
    /// Stopped in reverse: the server ends its intake and finishes the requests in hand while the group commit and the
    /// pool still work.
    ///
    /// - Parameters:
    ///   - streamTimes: Of streams, which tests shorten.
    ///   - streamLimits: Of streams, which tests lower.
    ///   - onListening: Is told the port once connections are accepted, which tests need with port 0.
    public static func build(
        _ context: ProcessContext, streamTimes: StreamTimes = StreamTimes(),
        streamLimits: LiveTailLimits = LiveTailLimits(), onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [any Service] {
        let settings = context.configuration
        let pool = EventStorePool.make(settings.database, role: .gateway, name: context.name, logger: context.logger)
        // Of their own, so that searches never hold the connections that commits need.
        let reads = EventStorePool.make(
            settings.database, role: .gateway, name: "\(context.name)-reads", logger: context.logger)
        var tailSettings = settings.database
        tailSettings.maxConnections = 1
        let tailPool = EventStorePool.make(
            tailSettings, role: .gateway, name: "\(context.name)-streams", logger: context.logger)
        let wakeUps = WakeUps(
            settings.database, role: .gateway, channels: [.newEvent], logger: context.logger)
        let tail = LiveTail(
            pool: tailPool, reads: reads, wakeUps: wakeUps, limits: streamLimits, logger: context.logger
        ) { StreamBatch($0) }
        let redis = ReadyQueue(settings.redis, logger: context.logger)
        let log = GroupCommit(
            pool: pool, metrics: LogMetrics(factory: context.metrics), logger: context.logger)
        let resources = GatewayResources(
            events: EventReader(pool: reads), tail: tail, streamTimes: streamTimes, log: log,
            triggers: TriggerStore(pool: pool, logger: context.logger),
            schemas: SchemaStore(pool: pool), deliveries: DeliveryStore(pool: pool),
            keys: try KeyStore(pool: pool, secret: settings.jwtSecret),
            health: HealthEndpoints(checks: [.database(pool)], metrics: context.metrics),
            connections: [.database(pool), .redis(redis)], metrics: GatewayMetrics(factory: context.metrics))
        let server = GatewayServer(
            resources: resources, settings: settings.server, logger: context.logger, onListening: onListening)
        return [pool, reads, tailPool, wakeUps, tail, redis, log, server]
    }
}

/// What the routes call.
struct GatewayResources: Sendable {
    let events: EventReader
    let tail: LiveTail<StreamBatch>
    let streamTimes: StreamTimes
    let log: GroupCommit
    let triggers: TriggerStore
    let schemas: SchemaStore
    let deliveries: DeliveryStore
    let keys: KeyStore
    let health: HealthEndpoints
    let connections: [ReadinessCheck]
    let metrics: GatewayMetrics
}
