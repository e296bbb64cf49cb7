import ActionModel
import EventStore
import Logging
import Runtime
import ServiceLifecycle

/// Brings deliveries whose time has come, and those that somebody dropped, before the workers again.
///
/// Works while Redis is away: rows become ready all the same, and workers find them in PostgreSQL.
public struct Promoter: Service {
    /// When the promoter does what.
    public struct Settings: Sendable {
        /// Time between two rounds, ±25 %.
        public var interval = Duration.milliseconds(500)
        /// Rows that one statement moves, of those that are due or whose lease has run out, while workers have enough
        /// to do; others follow after a rest.
        public var batch = 200
        /// Rows that it moves while they have not.
        public var hurriedBatch = 500
        /// How long the promoter rests between two such statements while workers have enough to do: ten thousand rows
        /// that are due at once must not have PostgreSQL for themselves.
        public var rest = Duration.milliseconds(50)
        /// Rows whose ids are pushed again in one round.
        public var orphanBatch = 1_000
        /// After how long a ready row counts as popped by nobody.
        public var orphanSeconds = 5
        /// A list with more ids than this is not topped up.
        public var shortList = 1_000
        /// Time between two looks at the circuit breakers: what waits for one that has closed comes back, all are
        /// counted, and those that have been closed for long are forgotten.
        public var breakerInterval = Duration.seconds(10)

        /// The usual settings.
        public init() {}
    }

    private let store: DeliveryStore
    private let queue: ReadyQueue
    private let settings: Settings
    private let logger: Logger

    /// Makes a promoter.
    public init(store: DeliveryStore, queue: ReadyQueue, settings: Settings = Settings(), logger: Logger) {
        self.store = store
        self.queue = queue
        self.settings = settings
        self.logger = logger
    }

    /// Does a round, sleeps, and so on until the graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            var nextLook = ContinuousClock.now
            while !Task.isCancelled {
                var isBehind = false
                do {
                    isBehind = try await promoteOnce()
                    if ContinuousClock.now >= nextLook {
                        try await lookAtBreakers()
                        nextLook = .now.advanced(by: settings.breakerInterval)
                    }
                    failures = 0
                } catch {
                    failures += 1
                    // Once a spell: PostgreSQL is away, and its pool logs when it is back.
                    if failures == 1 { logger.warning("promoter.failed", metadata: ["error": "\(error)"]) }
                }
                if !isBehind { try? await Task.sleep(for: settings.interval * Double.random(in: 0.75..<1.25)) }
            }
        }
    }

    /// One round: what is due, has run out, or lies about.
    ///
    /// - Returns: whether more is due, because the round had to end.
    /// - Throws: what PostgreSQL did not do; what Redis did not do is left to the next round.
    @discardableResult
    public func promoteOnce() async throws -> Bool {
        let end = ContinuousClock.now.advanced(by: settings.interval)
        var isBehind = try await moveAll("due", until: end) { try await store.promote(limit: $0) }
        let areMoreExpired = try await moveAll("expired", until: end) {
            try await store.expireLeases(limit: $0)
        }
        isBehind = isBehind || areMoreExpired
        guard let lengths = try? await queue.lengths() else { return isBehind }
        for (kind, length) in lengths where length < settings.shortList {
            let orphans = try await store.orphans(
                kind, olderThanSeconds: settings.orphanSeconds, limit: settings.orphanBatch)
            await push(orphans, cause: "orphaned")
        }
        return isBehind
    }

    private func lookAtBreakers() async throws {
        while try await store.breakers.release(limit: settings.batch) == settings.batch, !Task.isCancelled {}
        try await store.breakers.sweep()
        JobMetrics.breakers(try await store.breakers.counts())
    }

    /// - Returns: whether there is more, because the time was over.
    private func moveAll(
        _ cause: String, until end: ContinuousClock.Instant, _ move: (_ limit: Int) async throws -> [ReadyDelivery]
    ) async throws -> Bool {
        var limit = settings.batch
        while !Task.isCancelled {
            let ready = try await move(limit)
            await push(ready, cause: cause)
            guard ready.count == limit else { return false }
            guard ContinuousClock.now < end else { return true }
            let waiting = (try? await queue.lengths())?.values.reduce(0, +) ?? 0
            limit = waiting < settings.shortList ? settings.hurriedBatch : settings.batch
            if limit == settings.batch { try? await Task.sleep(for: settings.rest) }
        }
        return false
    }

    private func push(_ deliveries: [ReadyDelivery], cause: String) async {
        do {
            try await queue.push(deliveries, later: true)
            JobMetrics.pushed(deliveries.count, cause: cause)
        } catch {
            // The client logs that Redis is away, once; the rows are orphans until it is back.
            logger.debug("promoter.push_failed", metadata: ["error": "\(error)"])
        }
    }
}
