import EventModel
import EventStore
import Logging
import Metrics
import Runtime
import TriggerEngine

/// Evaluates batches and timers, one at a time.
///
/// What follows from a batch commits with its position: firings, deliveries, emitted events, and the states as they
/// are after it. So an event changes each state once, whoever is killed when.
///
/// A timer fires in the transaction of a batch, before an event that was received later; or, where all there is has
/// been evaluated, when the server's clock is past it by ``margin``, which is more than an event takes from its
/// gateway's clock to its commit.
actor TriggerEvaluator {
    /// How long after its time a timer fires at the earliest when no later event comes.
    static let margin = Duration.milliseconds(300)

    let follower: LogFollower
    let catalogue: TriggerCatalogue
    let states: StateStore
    let logger: Logger
    var memory = StateMemory()
    var sweep = StateSweep()
    private let firings: FiringWriter
    private let emission: EventEmission

    init(
        follower: LogFollower, triggers: TriggerStore, states: StateStore, firings: FiringWriter, logger: Logger
    ) {
        self.follower = follower
        self.states = states
        self.firings = firings
        self.logger = logger
        catalogue = TriggerCatalogue(store: triggers, logger: logger)
        emission = EventEmission(logger: logger)
    }

    /// What a transaction has brought about, for what is done when it has committed.
    struct Outcome: Sendable {
        /// Events evaluated.
        var events = 0
        /// Deliveries to hand to the queue.
        var ready: [ReadyDelivery] = []
        /// Whether events were appended.
        var hasEmitted = false
    }

    /// Evaluates one batch of one part.
    func processNext() async throws -> Outcome {
        try await forgettingOnFailure {
            try await catalogue.load()
            var outcome = Outcome()
            outcome.events = try await follower.processNext { batch in
                outcome = try await self.evaluate(batch)
            }
            if outcome.events == 0 { ProcessorMetrics.behind.record(0) }
            return outcome
        }
    }

    /// Fires the timers that are due in parts where all has been evaluated.
    func fireTimers() async throws -> [Outcome] {
        try await forgettingOnFailure {
            try await catalogue.load()
            var outcomes: [Outcome] = []
            for part in try await states.partsWithTimers(dueBefore: Self.margin) {
                try await follower.withSettled(part) { settled in
                    let (outcome, hasChanged) = try await self.fireTimers(settled)
                    outcomes.append(outcome)
                    return hasChanged
                }
            }
            return outcomes
        }
    }

    /// Removes some of the states that mean nothing any more, from parts that are at rest.
    func sweepNext() async throws {
        let part = sweep.nextPart()
        try await follower.withSettled(part) { settled in
            try await self.sweepStep(part, at: settled.beganAt, on: settled.session)
            return false
        }
    }

    private func forgettingOnFailure<R>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch {
            memory.forgetAll()
            throw error
        }
    }

    private func evaluate(_ batch: FollowerBatch) async throws -> Outcome {
        // After the events have been read: whoever sends an event after the answer for a trigger sees it fire.
        try await catalogue.refresh(on: batch.session)
        let parsed = parse(batch.events)
        var work = PartWork(
            part: batch.part, session: batch.session, isContinuation: batch.isContinuation,
            moment: batch.isWhole ? batch.beganAt.earlier(by: Self.margin) : nil)
        let matches = try await evaluate(parsed, in: &work)
        if sweep.isDue(batch.part), let oldest = parsed.map(\.event.receivedAt).min() {
            try await sweepStep(batch.part, at: oldest, on: batch.session)
        }
        let outcome = try await write(matches, parsed: parsed, in: work)
        let last = batch.events.last?.receivedAt ?? batch.beganAt
        ProcessorMetrics.behind.record(batch.isWhole ? 0 : max(0, last.seconds(to: batch.beganAt)))
        return outcome
    }

    private func fireTimers(_ settled: SettledPart) async throws -> (Outcome, hasChanged: Bool) {
        try await catalogue.refresh(on: settled.session)
        var work = PartWork(
            part: settled.part, session: settled.session, isContinuation: settled.isContinuation,
            moment: settled.beganAt.earlier(by: Self.margin))
        let matches = try await evaluate([], in: &work)
        return (try await write(matches, parsed: [], in: work), work.hasChanged)
    }

    private func parse(_ events: [Event]) -> [ParsedEvent] {
        events.compactMap { event in
            do {
                return try ParsedEvent(event)
            } catch {
                // The gateway admits nothing that the same parser refuses, so this row was written by somebody else.
                logger.error("event.unreadable", metadata: ["event.id": "\(event.id)", "error": "\(error)"])
                ProcessorMetrics.unreadable.increment()
                return nil
            }
        }
    }

    /// Writes what follows from matches: firings, their deliveries, and at last the events that they emit.
    private func write(
        _ matches: [TriggerMatch], parsed: [ParsedEvent], in work: PartWork
    ) async throws -> Outcome {
        let firing = matches.filter { !$0.isSuppressed }
        ProcessorMetrics.matches.increment(by: matches.count)
        ProcessorMetrics.suppressed.increment(by: matches.count - firing.count)
        guard !firing.isEmpty else { return Outcome() }
        var fired = firing.map {
            NewFiring(
                trigger: $0.trigger, event: $0.event, at: $0.at,
                explanation: $0.explanation.isEmpty ? nil : $0.explanation)
        }
        let byID = Dictionary(parsed.map { ($0.event.id, $0) }, uniquingKeysWith: { first, _ in first })
        let emitted = try await emission.render(&fired, parsed: byID, on: work.session)
        let ready = try await firings.insert(fired, on: work.session)
        try await emission.events.append(emitted, on: work.session)
        ProcessorMetrics.firings.increment(by: fired.count)
        ProcessorMetrics.emitted.increment(by: emitted.count)
        ProcessorMetrics.timers.increment(by: firing.count { $0.at != $0.event.receivedAt })
        return Outcome(ready: ready, hasEmitted: !emitted.isEmpty)
    }
}

extension Timestamp {
    /// So long before.
    func earlier(by duration: Duration) -> Timestamp {
        Timestamp(microseconds: microseconds - Int64(duration / .microseconds(1)))
    }

    /// From here to there.
    func seconds(to other: Timestamp) -> Double {
        Double(other.microseconds - microseconds) / 1_000_000
    }
}
