import EventStore
import JobQueue
import Outbound
import Runtime
import ServiceLifecycle

/// The action-workers: take ready deliveries, carry out their actions, and write down how it went.
public enum WorkersProcess {
    /// What `/metrics` says about each series.
    public static let metrics = JobMetrics.descriptions + LLMMetrics.descriptions

    /// The release, for `--version`.
    public static let version = ColliderVersion.current

    /// Runs the process to its exit code; see `runProcess`.
    public static func run() async -> Never {
        await runProcess("action-workers", metrics: metrics, build: { try await build($0) })
    }

    /// The services of the process, in the order of their start.
    public static func build(_ context: ProcessContext) async throws -> [any Service] {
        let settings = context.configuration
        let pool = EventStorePool.make(settings.database, role: .pipeline, name: context.name, logger: context.logger)
        let queue = ReadyQueue(settings.redis, logger: context.logger)
        let keyring = try Keyring(settings.encryption)
        let check = KeyringCheck(pool: pool, keyring: keyring, seals: false, logger: context.logger)
        let store = DeliveryStore(pool: pool, keyring: keyring)
        let limiter = RateLimiter(queue)
        let models = ModelStore(pool: pool, budget: settings.languageModelBudget)
        let sender = try ActionSender(
            allowing: settings.outboundAllow, telegramAPIBase: settings.telegramAPIBase,
            limiter: ReceiverLimiter(
                ask: { await limiter.ask($0, of: .receiver($1), isReturning: $2) },
                hold: { await limiter.hold($0, of: .receiver($1), for: $2) }),
            languageModel: settings.languageModel, ledger: StoredLedger(store: models), logger: context.logger)
        var bounds = DeliveryWorker.Settings()
        bounds.concurrency = settings.workerConcurrency
        bounds.leaseSeconds = settings.deliveryLeaseSeconds
        bounds.heartbeat = .seconds(settings.deliveryLeaseSeconds) / 3
        let worker = DeliveryWorker(store: store, queue: queue, settings: bounds, logger: context.logger) { claimed in
            let sent = await sender.send(
                claimed.action, for: claimed.firing, deliveryID: claimed.delivery.id,
                progress: MessageProgress(of: claimed, in: store))
            return AttemptRecord(sent.result, request: sent.request, putOff: sent.putOff, event: sent.event)
        }
        let promoter = Promoter(store: store, queue: queue, logger: context.logger)
        let health = HealthServer(
            port: settings.workersMetricsPort, portKey: "WORKERS_METRICS_PORT",
            endpoints: HealthEndpoints(checks: [.database(pool), .redis(queue)], metrics: context.metrics),
            logger: context.logger)
        return [pool, check, queue, sender, health, promoter, worker]
    }
}

extension MessageProgress {
    /// The progress of a delivery, noted in its row. While PostgreSQL is away the message goes on all the same: what
    /// was sent and not noted might be sent once more, and what is not sent would be late for certain.
    init(of claimed: ClaimedDelivery, in store: DeliveryStore) {
        self.init(
            partsSent: claimed.delivery.partsSent, isReturning: claimed.delivery.putOff == .receiverLimit
        ) { count in
            do {
                return try await store.noteParts(count, of: claimed.lease)
            } catch {
                return true
            }
        }
    }
}
