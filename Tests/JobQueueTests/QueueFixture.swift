import ActionModel
import EventModel
import EventStore
import JSONTree
import JobQueue
import Logging
import PostgresWire
import RedisWire
import Runtime
import ServiceLifecycle
import Synchronization
import TestKit
import TriggerEngine

/// A database with one organization, one trigger and one event, and a queue of its own in Redis.
struct QueueFixture: Sendable {
    let owner: PostgresPool
    let pipeline: PostgresPool
    let organization: UniqueID
    let trigger: Trigger
    let event: Event
    let queue: ReadyQueue
    let prefix: String

    var store: DeliveryStore { DeliveryStore(pool: pipeline) }

    func fire(times: Int) async throws -> [ReadyDelivery] {
        let firings = (0..<times).map { _ in NewFiring(trigger: trigger, event: EventReference(event)) }
        return try await pipeline.withTransaction { try await FiringWriter().insert(firings, on: $0) }
    }

    /// As many deliveries that wait for their second attempt, in the list of those.
    func pushRetries(times: Int) async throws -> Set<UniqueID> {
        let retries = try await fire(times: times)
        _ = try await owner.query(
            PostgresStatement("test_retries", "UPDATE deliveries SET attempt = 1 WHERE id = ANY ($1::uuid[])"),
            [.uuids(retries.map(\.id))])
        try await queue.push(retries, later: true)
        return Set(retries.map(\.id))
    }

    func worker(
        on queue: ReadyQueue? = nil, _ settings: DeliveryWorker.Settings = .init(),
        sender: @escaping DeliveryWorker.Sender
    ) -> DeliveryWorker {
        DeliveryWorker(
            store: store, queue: queue ?? self.queue, settings: settings, logger: quietLogger, sender: sender)
    }

    func promoter(on queue: ReadyQueue? = nil) -> Promoter {
        var settings = Promoter.Settings()
        settings.interval = .milliseconds(50)
        settings.orphanSeconds = 0
        settings.breakerInterval = .milliseconds(100)
        return Promoter(store: store, queue: queue ?? self.queue, settings: settings, logger: quietLogger)
    }

    /// How many deliveries have each status.
    func statuses() async throws -> [DeliveryStatus: Int] {
        let found = try await DeliveryStore(pool: owner).list(organizationID: organization, limit: 10_000)
        return found.reduce(into: [:]) { $0[$1.status, default: 0] += 1 }
    }

    func deliveries() async throws -> [Delivery] {
        try await DeliveryStore(pool: owner).list(organizationID: organization, limit: 10_000)
    }

    func breakers() async throws -> [EndpointBreaker] {
        try await DeliveryStore(pool: owner).breakers.list(organizationID: organization, limit: 100)
    }

    /// Has the endpoint of the trigger fail as often as it takes.
    func openBreaker() async throws {
        let key = EndpointKey(organizationID: organization, endpoint: "http://127.0.0.1:9")
        let failure = EndpointOutcome(.unhealthy(reason: "the receiver answered 500"), of: .generate())
        _ = try await store.breakers.settle(key, Array(repeating: (failure, 0), count: 5))
    }

    /// Makes everything due that waits for a time.
    func passTime() async throws {
        for statement in [
            PostgresStatement(
                "test_pass_open", "UPDATE circuit_breakers SET open_until = now() WHERE open_until IS NOT NULL"),
            PostgresStatement("test_pass_run", "UPDATE deliveries SET run_at = now() WHERE status = 'scheduled'"),
        ] { _ = try await owner.query(statement) }
    }

    /// Waits for statuses that a test is about.
    func until(_ condition: ([DeliveryStatus: Int]) -> Bool) async throws {
        while case let statuses = try await statuses(), !condition(statuses) {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Takes every id out of Redis, as emptying it does.
    func emptyRedis() async throws {
        _ = try await RedisClient(configuration: redisConfiguration(), logger: quietLogger).command(
            ["DEL"] + ActionKind.allCases.flatMap { [prefix + $0.rawValue, prefix + $0.rawValue + ":later"] })
    }

    /// Runs services until the body is done, and then stops them gracefully.
    func running<R: Sendable>(
        _ services: [any Service], _ body: @Sendable () async throws -> R
    ) async throws -> R {
        let group = ServiceGroup(
            services: services, gracefulShutdownSignals: [], cancellationSignals: [], logger: quietLogger)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<R, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try result.get()
        }
    }
}

/// What a test's sender was asked to send.
final class SentLog: Sendable {
    private let attempts = Mutex<[UniqueID: Int]>([:])

    /// Attempts by delivery.
    var counts: [UniqueID: Int] { attempts.withLock { $0 } }
    var total: Int { counts.values.reduce(0, +) }

    func note(_ claimed: ClaimedDelivery) {
        attempts.withLock { $0[claimed.delivery.id, default: 0] += 1 }
    }
}

extension AttemptRecord {
    static let success = AttemptRecord(AttemptResult(statusCode: 200, body: [], durationMicroseconds: 1_000))
    /// A failure of the delivery, and none of its endpoint.
    static let refusal = AttemptRecord(AttemptResult(statusCode: 404, body: [], durationMicroseconds: 1_000))
    static let failure = AttemptRecord(AttemptResult(statusCode: 500, body: [], durationMicroseconds: 1_000))
}

let quietLogger: Logger = {
    var logger = Logger(label: "queue tests")
    logger.logLevel = .critical
    return logger
}()

func redisConfiguration() throws -> RedisConfiguration {
    RedisConfiguration(host: "127.0.0.1", port: try TestServers.redisPort)
}

func withQueue<R>(
    attempts: Int = 3, rateLimit: String = "null", _ body: (QueueFixture) async throws -> R
) async throws -> R {
    try await withMigratedDatabase { configuration in
        let owner = PostgresPool(configuration: configuration, size: 4, logger: quietLogger)
        var asPipeline = configuration
        asPipeline.role = "collider_pipeline"
        let pipeline = PostgresPool(configuration: asPipeline, size: 8, logger: quietLogger)
        let organization = UniqueID.generate()
        let event = try await seed(organization, on: owner)
        let keyring = try Keyring(EncryptionSettings(current: (0..<32).map { $0 }))
        let trigger = try await TriggerStore(pool: owner, keyring: keyring, logger: quietLogger).create(
            TriggerDefinition(
                JSONDocument(
                    """
                    {"name": "Every event", "actions": [{"type": "rest", "config": {"url": "http://127.0.0.1:9/"},
                     "retry": {"max_attempts": \(attempts), "schedule": ["100ms"]}, "rate_limit": \(rateLimit)}]}
                    """
                ).root), organizationID: organization)
        let prefix = "test:\(organization):"
        let settings = RedisSettings(host: "127.0.0.1", port: try TestServers.redisPort)
        let fixture = QueueFixture(
            owner: owner, pipeline: pipeline, organization: organization, trigger: trigger, event: event,
            queue: ReadyQueue(settings, prefix: prefix, logger: quietLogger), prefix: prefix)
        return try await body(fixture)
    }
}

private func seed(_ organization: UniqueID, on owner: PostgresPool) async throws -> Event {
    let now = Timestamp(milliseconds: Timestamp.now().microseconds / 1_000)
    let event = Event(
        id: .generate(at: now), organizationID: organization, part: 0, position: 1, type: "Test", source: "",
        subject: nil, time: now, receivedAt: now, producerID: nil, traceparent: nil, data: Array("{}".utf8))
    _ = try await owner.query(
        PostgresStatement("test_organization", "INSERT INTO organizations (id, name) VALUES ($1, 'tests')"),
        [.uuid(organization)])
    _ = try await owner.query(
        PostgresStatement(
            "test_event",
            """
            INSERT INTO events (id, organization_id, part, position, type, source, time, received_at, data)
            VALUES ($1, $2, 0, 1, 'Test', '', $3, $3, '{}')
            """), [.uuid(event.id), .uuid(organization), .timestamp(now)])
    return event
}
