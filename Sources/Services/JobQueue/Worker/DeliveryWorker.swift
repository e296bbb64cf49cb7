import ActionModel
import EventModel
import EventStore
import Logging
import Runtime
import ServiceLifecycle

/// Takes deliveries from the queue, has them sent, and writes down what came of it.
///
/// Any number of workers may run, in any number of processes. See `ReadyQueue.swift` for the whole of the queue.
public struct DeliveryWorker: Service {
    /// Makes one attempt. It reports every failure in its result, and ends early when its task is cancelled.
    public typealias Sender = @Sendable (ClaimedDelivery) async -> AttemptRecord

    /// Bounds and times.
    public struct Settings: Sendable {
        /// Attempts that run at a time.
        public var concurrency = 64
        /// Of those, to one endpoint of an organization.
        public var concurrencyPerEndpoint = 8
        /// How long a delivery is this worker's without a heartbeat.
        public var leaseSeconds = 30
        /// Time between two heartbeats: a third of the lease, so that one may be lost.
        public var heartbeat = Duration.seconds(10)
        /// The longest pause between two looks at PostgreSQL while Redis is away.
        public var poll = Duration.milliseconds(250)

        /// Deliveries that a worker has claimed and not finished at most: four times as many as it sends at a time, but
        /// no more than 256 that wait, which is some time's work for any number of slots.
        var inHand: Int { concurrency + min(concurrency * 3, 256) }

        /// The usual settings.
        public init() {}
    }

    let store: DeliveryStore
    let queue: ReadyQueue
    let kinds: [ActionKind]
    let settings: Settings
    let logger: Logger
    let hand: Hand
    let arrivals = NewArrivals()
    let ended = EndedQueue()
    let breakers = EndpointBreakers()
    let rateLimiter: RateLimiter
    private let send: Sender

    /// Makes a worker.
    ///
    /// - Parameter kinds: the kinds of action that `sender` can send.
    public init(
        store: DeliveryStore, queue: ReadyQueue,
        kinds: [ActionKind] = [.rest, .telegram, .slack, .email, .llm, .mcp],
        settings: Settings = Settings(), logger: Logger, sender: @escaping Sender
    ) {
        self.store = store
        self.queue = queue
        self.kinds = kinds
        self.settings = settings
        self.logger = logger
        rateLimiter = RateLimiter(queue)
        send = sender
        hand = Hand(
            limits: .init(
                running: settings.concurrency, runningPerEndpoint: settings.concurrencyPerEndpoint,
                inHand: settings.inHand))
    }

    /// Works until the graceful shutdown: then nothing more is taken in, what waits is given back, and what is being
    /// sent is finished.
    ///
    /// - Throws: ``JobQueueError`` when Redis is set up so that it may lose ids.
    public func run() async throws {
        if try await !queue.requireNoEviction() {
            logger.warning("worker.eviction_policy_unknown")
        }
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await beat() }
                group.addTask { await work() }
                group.addTask {
                    await writeDown()
                    return .writing
                }
                // The heart beats until all is written down, or nothing is left of either.
                for await part in group where part == .writing { group.cancelAll() }
            }
        } onGracefulShutdown: {
            hand.close()
        }
    }

    private enum Part { case heartbeat, work, writing }

    private func work() async -> Part {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { intakes in
                for intake in Intake.allCases {
                    intakes.addTask {
                        await withDiscardingTaskGroup { attempts in
                            await takeIn(intake, into: &attempts)
                            await giveBackWaiting()
                        }
                    }
                }
            }
        } onCancel: {
            hand.close()
        }
        ended.close()
        return .work
    }

    /// Starts, keeps or puts off what has been claimed.
    ///
    /// - Parameter asked: when the claim was asked for.
    func distribute(
        _ claimed: [ClaimedDelivery], asked: ContinuousClock.Instant, into attempts: inout DiscardingTaskGroup
    ) async {
        var putOff: [PutOff] = []
        for delivery in claimed {
            // A row from before there were endpoints found no breaker, which says nothing of it.
            if delivery.delivery.endpoint != nil {
                breakers.learn(delivery.breaker, of: delivery.breakerKey, asked: asked)
            }
            let verdict = breakers.verdict(delivery.breakerKey, at: .now, jitter: Double.random(in: 0..<1))
            if case .putOff(let delay, let reason) = verdict {
                putOff.append(PutOff(delivery, for: delay, .breaker, reason: reason))
                continue
            }
            switch hand.arrive(delivery, until: asked.advanced(by: .seconds(settings.leaseSeconds))) {
            case .start: attempts.addTask { await carryOut(delivery) }
            case .wait: break
            case .putOff(let delay):
                let reason = "\(settings.concurrencyPerEndpoint) deliveries to the endpoint are under way"
                putOff.append(PutOff(delivery, for: delay, .endpointBusy, reason: reason))
            }
        }
        // Waited for: what is given back must not be more than what comes in.
        await giveBack(putOff)
    }

    /// Carries out a delivery, then those that were waiting for its slot.
    private func carryOut(_ first: ClaimedDelivery) async {
        var next: ClaimedDelivery? = first
        while let claimed = next {
            var took: Duration?
            if !hand.isOurs(claimed) {
                // This process slept, or PostgreSQL was away: whoever has the delivery by now sends it.
                abandon(claimed, "its lease ran out before its turn")
            } else if let putOff = await obstacle(claimed) {
                await giveBack([putOff])
                hand.release(claimed)
            } else if !Task.isCancelled {
                took = await attempt(claimed)
            }
            next = hand.free(claimed, took: took)
        }
    }

    /// Makes an attempt. How it ended is written down while its slot is another's already.
    ///
    /// - Returns: how long the endpoint took.
    @inline(never)
    private func attempt(_ claimed: ClaimedDelivery) async -> Duration? {
        let start = ContinuousClock.now
        let record = await send(claimed)
        let took = start.duration(to: .now)
        // Ended hard: nobody knows what the receiver got. The lease runs out, and the delivery is made again.
        guard !Task.isCancelled else { return nil }
        if let limit = record.putOff {
            await giveBack([PutOff(claimed, for: limit.delay, .receiverLimit, reason: limit.reason)])
            hand.release(claimed)
            await note(.unknown, of: claimed)
            return took
        }
        let over = ending(record, of: claimed)
        if over.attempt.isPlain { ended.add(over) } else { await write(over) }
        await note(record.result.health(of: claimed.action.kind), of: claimed)
        return took
    }

    // Apart, so that an attempt under way needs no room for it.
    @inline(never)
    private func ending(_ record: AttemptRecord, of claimed: ClaimedDelivery) -> Ended {
        JobMetrics.attemptTook(claimed.action.kind, microseconds: record.result.durationMicroseconds)
        let outcome = DeliveryOutcome.after(record.result, of: claimed, jitter: Double.random(in: 0..<1))
        return Ended(
            claimed: claimed, attempt: EndedAttempt(claimed.lease, outcome, after: record),
            giveUpAt: .now.advanced(by: .seconds(settings.leaseSeconds)))
    }

    private func beat() async -> Part {
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.heartbeat)
            let leases = hand.leases
            guard !leases.isEmpty, !Task.isCancelled else { continue }
            let asked = ContinuousClock.now
            do {
                let kept = try await store.heartbeat(leases, leaseSeconds: settings.leaseSeconds)
                hand.extend(kept, of: leases, until: asked.advanced(by: .seconds(settings.leaseSeconds)))
                if kept.count < leases.count {
                    // Some of them have just been finished; the others are lost, and their ends will be refused.
                    logger.debug("worker.leases_gone", metadata: ["leases.gone": "\(leases.count - kept.count)"])
                }
            } catch {
                logger.warning("worker.heartbeat_failed", metadata: ["error": "\(error)"])
            }
        }
        return .heartbeat
    }

    private func giveBackWaiting() async {
        await giveBack(
            hand.drain().map { PutOff($0, for: .zero, .shutdown, reason: "its worker was stopped before its turn") })
    }

    private func giveBack(_ putOff: [PutOff]) async {
        guard !putOff.isEmpty else { return }
        for given in putOff { JobMetrics.putOff(given.kind, given.delivery.cause) }
        do {
            try await store.putOff(putOff.map(\.delivery))
        } catch {
            // Their leases run out, and a promoter frees them.
            logger.warning("worker.put_off_failed", metadata: ["error": "\(error)"])
        }
    }
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
