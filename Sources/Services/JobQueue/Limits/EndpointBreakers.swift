import ActionModel
import EventModel
import EventStore
import Synchronization

/// What a worker knows of circuit breakers, so that none is asked for before each delivery.
///
/// Claims bring what the breakers say; what the worker itself brings about is known at once. Outcomes are kept here
/// until they are worth telling: a failure always is, and tells the successes before it too; a success is while its
/// endpoint is watched. So an endpoint that works costs nothing, and one that does not a transaction now and then,
/// never two at a time.
final class EndpointBreakers: Sendable {
    /// Whether a delivery may be sent.
    enum Verdict: Equatable {
        case send
        /// The store decides: it may be the one that finds out whether the endpoint is back.
        case ask
        case putOff(Duration, reason: String)
    }

    /// What to do about an outcome.
    enum Telling: Equatable {
        /// Nothing: it is kept for later.
        case no
        /// Settle: there is something to tell, and nobody is telling it.
        case settle
        /// Wait until somebody has told it: whoever fails goes on only when it is known whether others should.
        case wait
    }

    /// An outcome that the store has not heard of.
    struct Pending: Sendable {
        var outcome: EndpointOutcome
        let at: ContinuousClock.Instant
    }

    fileprivate struct Entry {
        var reading = BreakerReading.closed
        /// When the store said so.
        var learnedAt: ContinuousClock.Instant
        var pending: [Pending] = []
        var isSettling = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Entries that are kept; beyond it those that say nothing go.
    static let maximumEntries = 10_000
    /// Outcomes of one endpoint that are kept while PostgreSQL is away.
    static let maximumPending = 200
    /// How often deliveries look whether a breaker that a person holds open is closed; a promoter brings them back when
    /// it is.
    static let heldDelay = Duration.seconds(300)
    /// How often they look whether a probe has been answered.
    static let probeDelay = Duration.seconds(5)

    private let entries = Mutex<[EndpointKey: Entry]>([:])

    /// Takes over what a claim has read.
    ///
    /// - Parameter asked: when the claim was asked for: what became known since then is newer.
    func learn(_ reading: BreakerReading, of key: EndpointKey, asked: ContinuousClock.Instant) {
        entries.withLock { entries in
            // Nothing is known and nothing is wrong: the common case.
            guard entries[key] != nil || reading != .closed else { return }
            if entries[key] == nil { Self.makeRoom(in: &entries) }
            var entry = entries[key] ?? Entry(learnedAt: asked)
            guard asked >= entry.learnedAt else { return }
            entry.reading = reading
            entry.learnedAt = asked
            entries[key] = entry
        }
    }

    /// What a delivery may do now.
    ///
    /// - Parameter jitter: chance from 0 up to 1, so that what waits for one endpoint does not come back together.
    func verdict(_ key: EndpointKey, at now: ContinuousClock.Instant, jitter: Double) -> Verdict {
        guard let entry = entries.withLock({ $0[key] }), entry.reading.state != .closed else { return .send }
        guard let wait = entry.reading.waitMicroseconds else {
            return .putOff(
                Self.heldDelay * (1 + jitter / 4), reason: "the circuit breaker of \(key.endpoint) is held open")
        }
        let left = now.duration(to: entry.learnedAt.advanced(by: .microseconds(wait)))
        guard left > .zero else { return .ask }
        if entry.reading.state == .halfOpen {
            return .putOff(
                min(left, Self.probeDelay) * (1 + jitter),
                reason: "one delivery is finding out whether \(key.endpoint) works again")
        }
        return .putOff(left * (1 + jitter / 4), reason: "the circuit breaker of \(key.endpoint) is open")
    }

    /// Notes an outcome.
    func note(_ outcome: EndpointOutcome, of key: EndpointKey, at now: ContinuousClock.Instant) -> Telling {
        entries.withLock { entries in
            if entries[key] == nil {
                guard outcome.health != .unknown else { return .no }
                Self.makeRoom(in: &entries)
            }
            var entry = entries[key] ?? Entry(learnedAt: now)
            defer { entries[key] = entry }
            let isClosed = entry.reading.state == .closed
            if isClosed, outcome.health == .unknown { return .no }
            let isQuiet = isClosed && !entry.isWatched(at: now)
            entry.add(outcome, at: now)
            if isQuiet, outcome.health == .healthy { return .no }
            guard !entry.isSettling else { return outcome.health == .healthy ? .no : .wait }
            entry.isSettling = true
            return .settle
        }
    }

    /// Waits until what is known of an endpoint has been told.
    func waitUntilSettled(_ key: EndpointKey) async {
        await withCheckedContinuation { continuation in
            let isSettling = entries.withLock { entries in
                guard entries[key]?.isSettling == true else { return false }
                entries[key]?.waiting.append(continuation)
                return true
            }
            if !isSettling { continuation.resume() }
        }
    }

    /// The outcomes that the store has not heard of; whoever was told to settle takes them until there are none.
    func takePending(_ key: EndpointKey) -> [Pending]? {
        let (pending, waiting) = entries.withLock { entries in
            guard var entry = entries[key] else { return ([Pending](), [CheckedContinuation<Void, Never>]()) }
            defer { entries[key] = entry }
            guard entry.pending.isEmpty else { return (entry.takePending(), []) }
            return ([], entry.endSettling())
        }
        for continuation in waiting { continuation.resume() }
        return pending.isEmpty ? nil : pending
    }

    /// What the store said when it was told.
    func settled(_ key: EndpointKey, _ reading: BreakerReading, at now: ContinuousClock.Instant) {
        entries.withLock { entries in
            var entry = entries[key] ?? Entry(learnedAt: now)
            entry.reading = reading
            entry.learnedAt = now
            entries[key] = entry
        }
    }

    /// The store could not be told: the outcomes wait for the next time.
    func unsettled(_ key: EndpointKey, _ pending: [Pending]) {
        let waiting = entries.withLock { entries in
            guard var entry = entries[key] else { return [CheckedContinuation<Void, Never>]() }
            defer { entries[key] = entry }
            entry.pending = Array((pending + entry.pending).suffix(Self.maximumPending))
            return entry.endSettling()
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Endpoints about which something is known.
    var count: Int { entries.withLock { $0.count } }

    private static func makeRoom(in entries: inout [EndpointKey: Entry]) {
        guard entries.count >= maximumEntries else { return }
        entries = entries.filter { $0.value.isSettling || $0.value.reading.state != .closed }
        // All of them are in trouble; what is forgotten comes with the next claim.
        if entries.count >= maximumEntries { entries.removeAll() }
    }
}

extension EndpointBreakers.Entry {
    fileprivate func isWatched(at now: ContinuousClock.Instant) -> Bool {
        now < learnedAt.advanced(by: .microseconds(reading.watchMicroseconds))
    }

    fileprivate mutating func takePending() -> [EndpointBreakers.Pending] {
        defer { pending = [] }
        return pending
    }

    fileprivate mutating func endSettling() -> [CheckedContinuation<Void, Never>] {
        isSettling = false
        defer { waiting = [] }
        return waiting
    }

    /// Successes of the same five seconds are one outcome; those that are older than a minute count no more.
    fileprivate mutating func add(_ outcome: EndpointOutcome, at now: ContinuousClock.Instant) {
        if reading.state == .closed, outcome.health == .healthy, let last = pending.last,
            last.outcome.health == .healthy, last.at.duration(to: now) < .seconds(5)
        {
            pending[pending.count - 1].outcome = EndpointOutcome(
                .healthy, of: last.outcome.deliveryID, count: last.outcome.count + 1)
            return
        }
        pending.removeAll { $0.at.duration(to: now) > .seconds(60) }
        if pending.count >= EndpointBreakers.maximumPending { pending.removeFirst() }
        pending.append(EndpointBreakers.Pending(outcome: outcome, at: now))
    }
}
