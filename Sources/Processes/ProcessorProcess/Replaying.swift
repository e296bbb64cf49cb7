import EventStore
import JobQueue
import Logging
import Metrics
import Runtime
import ServiceLifecycle

/// Works on replays, some at a time: makes deliveries again, no faster than asked.
///
/// A replay is this process's as long as its lease is kept, which each step renews. A step is a transaction, so that
/// whoever takes a replay over goes on where the last step ended.
struct Replaying: Service {
    /// What bounds a replay.
    struct Limits {
        /// Replays at a time; a slow one does not hold up the others.
        var concurrency = 4
        /// How long a replay stays with a process that no longer answers. No step waits for that long.
        var lease = Duration.seconds(15)
        /// What a step makes at most, in time at the rate asked for.
        var step = Duration.milliseconds(250)
        /// What a step is made from at most.
        var batch = 500
        /// Between two looks for work.
        var pause = Duration.milliseconds(500)
    }

    let store: ReplayStore
    let triggers: TriggerStore
    let queue: ReadyQueue
    let logger: Logger
    var limits = Limits()

    func run() async throws {
        await withDiscardingTaskGroup { group in
            for _ in 0..<limits.concurrency { group.addTask { await work() } }
        }
    }

    private func work() async {
        await repeatUntilShutdown(onError: failed) { try await runNext() ? .zero : limits.pause }
    }

    private func failed(_ error: any Error) {
        ProcessorMetrics.replayFailures.increment()
        logger.warning("replay.failed", metadata: ["error": "\(error)"])
    }

    /// Takes a replay that nobody works on, and completes it; false when there is none.
    func runNext() async throws -> Bool {
        guard let work = try await store.claim(lease: limits.lease) else { return false }
        try await complete(work)
        return true
    }

    /// Works on a replay to its end. After an error the lease runs out, and whoever is next goes on.
    private func complete(_ work: ReplayWork) async throws {
        var metadata: Logger.Metadata = ["replay.id": "\(work.id)"]
        logger.info("replay.started", metadata: metadata)
        let share = Double(work.rate) * (limits.step / .seconds(1))
        let limit = max(1, min(limits.batch, Int(share)))
        let start = ContinuousClock.now
        var made = 0
        while true {
            if Task.isShuttingDownGracefully { return try await store.release(work) }
            guard let step = try await store.step(work, limit: limit, triggers: triggers, lease: limits.lease) else {
                return logger.info("replay.lost", metadata: metadata)
            }
            await push(step.ready)
            made += step.ready.count
            ProcessorMetrics.replayedDeliveries.increment(by: step.ready.count)
            if step.isLast { break }
            // What lay between was fast or slow; the rate is kept over the whole.
            let due = start.advanced(by: .seconds(1) * (Double(made) / Double(work.rate)))
            await cancelWhenGracefulShutdown { try? await Task.sleep(until: due) }
        }
        try await store.finish(work)
        ProcessorMetrics.replays.increment()
        metadata["replay.made"] = "\(made)"
        logger.info("replay.finished", metadata: metadata)
    }

    private func push(_ ready: [ReadyDelivery]) async {
        do {
            try await queue.push(ready, later: true)
        } catch {
            // The rows are ready all the same, and a promoter finds them.
            logger.debug("replay.push_failed", metadata: ["error": "\(error)"])
        }
    }
}
