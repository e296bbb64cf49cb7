import EventStore
import JobQueue
import Logging
import Metrics
import Runtime
import ServiceLifecycle
import Synchronization

/// Evaluates every event once, in log order, batch by batch, and fires timers when they are due.
///
/// What leaves PostgreSQL, the ids of ready deliveries for Redis and the hint that events were appended, goes out after
/// the commit; when that fails or the process dies before it, the promoter of the workers finds the rows, and followers
/// look by themselves.
struct Evaluation: Service {
    /// Between two looks for timers that are due.
    private static let tick = Duration.milliseconds(250)

    let evaluator: TriggerEvaluator
    let queue: ReadyQueue
    let hint: AppendHint
    let wakeUps: WakeUps
    let logger: Logger
    private let health = Health()

    init(evaluator: TriggerEvaluator, queue: ReadyQueue, hint: AppendHint, wakeUps: WakeUps, logger: Logger) {
        self.evaluator = evaluator
        self.queue = queue
        self.hint = hint
        self.wakeUps = wakeUps
        self.logger = logger
    }

    /// Fails while batches fail, and says how often in a row.
    var readiness: ReadinessCheck { health.check }

    /// Works through what there is, then waits for a wake-up. Stops between two transactions.
    func run() async throws {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        var nextTick = ContinuousClock.now
        for await _ in wakeUps.cancelOnGracefulShutdown() {
            do {
                repeat {
                    guard ContinuousClock.now >= nextTick else { continue }
                    nextTick = .now.advanced(by: Self.tick)
                    for outcome in try await evaluator.fireTimers() { await publish(outcome) }
                    try await evaluator.sweepNext()
                } while try await processNext() > 0 && !Task.isShuttingDownGracefully
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
        let outcome = try await evaluator.processNext()
        ProcessorMetrics.events.increment(by: outcome.events)
        await publish(outcome)
        return outcome.events
    }

    private func publish(_ outcome: TriggerEvaluator.Outcome) async {
        await push(outcome.ready)
        if outcome.hasEmitted { await hint.send() }
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
