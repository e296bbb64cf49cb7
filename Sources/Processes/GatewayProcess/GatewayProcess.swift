import EventStore
import Hummingbird
import Identity
import JobQueue
import Logging
import NIOCore
import Runtime
import ServiceLifecycle

/// The api-gateway: takes events over HTTP into the log, and serves the API under `/api/v1`.
public enum GatewayProcess {
    /// What `/metrics` says about each series.
    public static let metrics =
        GatewayMetrics.descriptions + LogMetrics.descriptions + HookMetrics.descriptions
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
    /// - Parameter onListening: Is told the port once connections are accepted, which tests need with port 0.
    public static func build(
        _ context: ProcessContext, onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [any Service] {
        let timeouts = ConnectionTimeouts(context.configuration.server)
        return try await build(context, tuning: GatewayTuning(timeouts: timeouts), onListening: onListening)
    }

    /// The same with other times and limits, for tests.
    static func build(
        _ context: ProcessContext, tuning: GatewayTuning, onListening: @escaping @Sendable (Int) -> Void
    ) async throws -> [any Service] {
        let configuration = context.configuration, settings = configuration.server
        let certificate = try settings.security.map { try CertificateStore($0, logger: context.logger) }
        let (resources, services) = try await parts(context, tuning: tuning)
        let server = GatewayServer(
            resources: resources, settings: settings, timeouts: tuning.timeouts, certificate: certificate,
            logger: context.logger, onListening: onListening)
        let window = DrainWindow(state: resources.drain, length: .seconds(settings.drainSeconds))
        guard let certificate else { return services + [server, window] }
        // Whoever looks after the gateway on its machine need not know the name that its certificate is for.
        let health = HealthServer(
            port: configuration.gatewayMetricsPort, portKey: "GATEWAY_METRICS_PORT", endpoints: resources.health,
            logger: context.logger)
        let renewal = CertificateRenewal(store: certificate, interval: tuning.certificateInterval)
        return services + [health, renewal, server, window]
    }

    /// What the routes call, and the services that must run for it.
    static func parts(
        _ context: ProcessContext, tuning: GatewayTuning
    ) async throws -> (resources: GatewayResources, services: [any Service]) {
        let settings = context.configuration
        let keyring = try Keyring(settings.encryption)
        // Searches and streams have connections of their own, so that they never hold those that commits need.
        let (own, searching) = settings.database.divided(second: settings.database.maxConnections / 2)
        let (reading, tailing) = searching.divided(second: 1)
        let pool = EventStorePool.make(own, role: .gateway, name: context.name, logger: context.logger)
        let reads = EventStorePool.make(
            reading, role: .gateway, name: "\(context.name)-reads", logger: context.logger)
        let tails = EventStorePool.make(
            tailing, role: .gateway, name: "\(context.name)-streams", logger: context.logger)
        let wakeUps = WakeUps(settings.database, role: .gateway, channels: [.newEvent], logger: context.logger)
        let tail = LiveTail(
            pool: tails, reads: reads, wakeUps: wakeUps, limits: tuning.streamLimits, logger: context.logger
        ) { StreamBatch($0) }
        let redis = ReadyQueue(settings.redis, logger: context.logger)
        let log = GroupCommit(
            pool: pool, metrics: LogMetrics(factory: context.metrics), logger: context.logger)
        let drain = DrainState()
        let identity = try await IdentityResources(pool: pool, configuration: settings, tuning: tuning)
        let resources = GatewayResources(
            events: EventReader(pool: reads), stats: StatsStore(pool: reads), tail: tail,
            streamTimes: tuning.streamTimes, bodyTimeout: tuning.timeouts.body, log: log,
            triggers: TriggerStore(pool: pool, keyring: keyring, logger: context.logger),
            firings: FiringStore(pool: reads), backtests: BacktestStore(pool: pool),
            schemas: SchemaStore(pool: pool), deliveries: DeliveryStore(pool: pool),
            models: ModelStore(pool: pool, budget: settings.languageModelBudget),
            replays: ReplayStore(pool: pool), queue: redis, quotas: RequestQuotas(redis, prefix: tuning.quotaPrefix),
            sources: SourceStore(
                pool: pool, keyring: keyring, secret: settings.jwtSecret, logger: context.logger),
            identity: identity,
            health: HealthEndpoints(checks: [.database(pool), drain.check], metrics: context.metrics), drain: drain,
            connections: [.database(pool), .redis(redis)], metrics: GatewayMetrics(factory: context.metrics),
            hooks: HookMetrics(factory: context.metrics))
        let check = KeyringCheck(pool: pool, keyring: keyring, seals: true, logger: context.logger)
        return (resources, [pool, reads, tails, check, wakeUps, tail, redis, log])
    }
}

/// Times and limits that are no settings of an operator's.
struct GatewayTuning: Sendable {
    var timeouts = ConnectionTimeouts()
    var streamTimes = StreamTimes()
    var streamLimits = LiveTailLimits()
    var loginLimits = LoginGuard.Limits()
    var passwordCost = PasswordHasher.Cost.usual
    /// From one look for a renewed certificate to the next.
    var certificateInterval = Duration.seconds(10)
    /// Tests that share a Redis have quotas of their own.
    var quotaPrefix = "collider:quota:"
}

/// What the routes call.
struct GatewayResources: Sendable {
    let events: EventReader
    let stats: StatsStore
    let tail: LiveTail<StreamBatch>
    let streamTimes: StreamTimes
    let bodyTimeout: TimeAmount
    let log: GroupCommit
    let triggers: TriggerStore
    let firings: FiringStore
    let backtests: BacktestStore
    let schemas: SchemaStore
    let deliveries: DeliveryStore
    let models: ModelStore
    let replays: ReplayStore
    let queue: ReadyQueue
    let quotas: RequestQuotas
    let sources: SourceStore
    let identity: IdentityResources
    let health: HealthEndpoints
    let drain: DrainState
    let connections: [ReadinessCheck]
    let metrics: GatewayMetrics
    let hooks: HookMetrics
}
