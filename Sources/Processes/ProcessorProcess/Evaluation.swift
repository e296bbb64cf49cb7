import ActionModel
import EventModel
import EventStore
import JSONTree
import JobQueue
import Logging
import Metrics
import Runtime
import SchemaLearning
import ServiceLifecycle
import Synchronization

/// Evaluates every event once, in log order, batch by batch.
///
/// One batch is one transaction (see `LogFollower`): firings, deliveries, learned schemas and the new position commit
/// together or not at all. What leaves PostgreSQL, the ids of ready deliveries for Redis, is pushed after the commit;
/// when that push fails or the process dies before it, the promoter of the workers finds the rows.
struct Evaluation: Service {
    let follower: LogFollower
    let catalogue: TriggerCatalogue
    let firings: FiringWriter
    let schemas: SchemaStore
    let queue: ReadyQueue
    let wakeUps: WakeUps
    let logger: Logger
    private let health = Health()

    init(
        follower: LogFollower, catalogue: TriggerCatalogue, firings: FiringWriter, schemas: SchemaStore,
        queue: ReadyQueue, wakeUps: WakeUps, logger: Logger
    ) {
        self.follower = follower
        self.catalogue = catalogue
        self.firings = firings
        self.schemas = schemas
        self.queue = queue
        self.wakeUps = wakeUps
        self.logger = logger
    }

    /// Fails while batches fail, and says how often in a row.
    var readiness: ReadinessCheck { health.check }

    /// Works through what there is, then waits for a wake-up. Stops between two batches.
    func run() async throws {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        for await _ in wakeUps.cancelOnGracefulShutdown() {
            do {
                while try await processNext() > 0, !Task.isShuttingDownGracefully {}
                backoff.reset()
                health.succeeded()
            } catch {
                health.failed()
                ProcessorMetrics.failures.increment()
                logger.warning("evaluation.failed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    /// Evaluates one batch of one part; returns how many events it held.
    private func processNext() async throws -> Int {
        let ready = Mutex<[ReadyDelivery]>([])
        let count = try await follower.processNext { batch in
            // After the events have been read: whoever sends an event after the answer for a trigger sees it fire.
            try await catalogue.refresh()
            let evaluated = evaluate(batch.events)
            try await learn(evaluated.parsed, in: batch)
            let deliveries = try await firings.insert(evaluated.firings, on: batch.session)
            ready.withLock { $0 = deliveries }
            ProcessorMetrics.firings.increment(by: evaluated.firings.count)
        }
        guard count > 0 else { return 0 }
        ProcessorMetrics.events.increment(by: count)
        await push(ready.withLock { $0 })
        return count
    }

    private func evaluate(_ events: [Event]) -> (parsed: [ParsedEvent], firings: [NewFiring]) {
        var parsed: [ParsedEvent] = []
        var firings: [NewFiring] = []
        parsed.reserveCapacity(events.count)
        for event in events {
            let one: ParsedEvent
            do {
                one = try ParsedEvent(event)
            } catch {
                // The gateway admits nothing that the same parser refuses, so this row was written by somebody else.
                logger.error("event.unreadable", metadata: ["event.id": "\(event.id)", "error": "\(error)"])
                ProcessorMetrics.unreadable.increment()
                continue
            }
            parsed.append(one)
            firings += catalogue.matches(one).map { NewFiring(id: .generate(), trigger: $0, event: event) }
        }
        return (parsed, firings)
    }

    private func learn(_ events: [ParsedEvent], in batch: FollowerBatch) async throws {
        let keys = Set(events.map { SchemaKey(organizationID: $0.event.organizationID, eventType: $0.event.type) })
        var learned = try await schemas.load(for: keys, on: batch.session)
        for event in events {
            let key = SchemaKey(organizationID: event.event.organizationID, eventType: event.event.type)
            learned[key, default: LearnedSchema(eventType: key.eventType, firstSeen: event.event.receivedAt)]
                .observe(event.data, at: event.event.receivedAt)
        }
        try await schemas.save(learned, on: batch.session)
    }

    private func push(_ deliveries: [ReadyDelivery]) async {
        guard !deliveries.isEmpty else { return }
        do {
            try await queue.push(deliveries)
        } catch {
            logger.debug("queue.push.failed", metadata: ["error": "\(error)"])
        }
    }
}

extension Evaluation {
    /// Counts failures in a row; one is weather, five are a state.
    private final class Health: Sendable {
        private let failures = Mutex(0)

        func succeeded() { failures.withLock { $0 = 0 } }
        func failed() { failures.withLock { $0 += 1 } }

        var check: ReadinessCheck {
            ReadinessCheck("evaluation") { [self] in
                let count = failures.withLock { $0 }
                return count < 5 ? .ready() : .failing("\(count) batches failed in a row; see the log")
            }
        }
    }
}
