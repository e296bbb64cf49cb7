import EventModel
import EventStore
import Logging
import Metrics
import Runtime
import TriggerEngine

/// A part that is held, and what is done there.
struct PartWork {
    let part: Int16
    let session: StoreConnection
    /// Whether what is remembered of the part still holds.
    let isContinuation: Bool
    /// Up to when timers fire although no event received later is known; nil while there is more to read.
    let moment: Timestamp?
    /// Time spent in engines.
    var duration = Duration.zero
    /// Whether states have been written.
    var hasChanged = false
    /// When the session was last used: one that idles in a transaction is ended by the server.
    var lastStatement = ContinuousClock.now
}

/// One organization's share of a batch.
private struct OrganizationRun {
    let organization: UniqueID
    /// What has not been evaluated yet, in log order.
    var rest: ArraySlice<ParsedEvent>
    var table: StateTable
    var matches: [TriggerMatch] = []
    var changes: [StateChange] = []

    /// Up to when timers may have to fire.
    func horizon(_ moment: Timestamp?) -> Timestamp? {
        (rest.map(\.event.receivedAt) + [moment].compactMap { $0 }).max()
    }
}

extension TriggerEvaluator {
    /// So many timers are loaded at a time.
    private static let timerPage = 2_000
    /// Longest computation between two statements, well below the server's patience with idle transactions.
    private static let breath = Duration.milliseconds(200)

    /// Evaluates events of one part, organization by organization, and stores the states as they are then.
    func evaluate(_ events: [ParsedEvent], in work: inout PartWork) async throws -> [TriggerMatch] {
        if !work.isContinuation { memory.forget(work.part) }
        let shares = Dictionary(grouping: events, by: \.event.organizationID)
        var tables = try await load(shares, in: &work)
        var due: Set<UniqueID> = []
        if let horizon = (events.map(\.event.receivedAt) + [work.moment].compactMap { $0 }).max() {
            due = Set(try await states.organizationsWithTimers(of: work.part, upTo: horizon, on: work.session))
        }
        var matches: [TriggerMatch] = []
        var changes: [UniqueID: [StateChange]] = [:]
        for organization in due.union(shares.keys).sorted() {
            var run = OrganizationRun(
                organization: organization, rest: shares[organization, default: []][...],
                table: tables.removeValue(forKey: organization) ?? memory.take(organization, of: work.part))
            if due.contains(organization) {
                try await fireTimers(&run, in: &work)
            } else {
                try await evaluate(&run, upTo: nil, in: &work)
                // The batch may have set timers of which the clock has passed the time already.
                if let moment = work.moment { try await advance(&run, to: moment, in: &work) }
            }
            run.changes += run.table.takeChanges()
            ProcessorMetrics.count(run.table.takeCounts())
            if !run.changes.isEmpty { changes[organization] = run.changes }
            matches += run.matches
            memory.put(run.table, organization, of: work.part)
        }
        try await states.save(changes, part: work.part, on: work.session)
        ProcessorMetrics.statesWritten.increment(by: changes.values.reduce(0) { $0 + $1.count })
        work.hasChanged = work.hasChanged || !changes.isEmpty
        memory.shrink()
        ProcessorMetrics.statesHeld.record(memory.count)
        ProcessorMetrics.duration.record(duration: work.duration)
        return matches
    }

    /// One step through a part's states; see ``StateSweep``.
    func sweepStep(_ part: Int16, at moment: Timestamp, on session: StoreConnection) async throws {
        let step = try await states.look(
            part: part, after: sweep.place(in: part), expiredBefore: moment.earlier(by: StateSweep.grace),
            limit: StateSweep.step, on: session)
        let gone = step.stale + step.untouched.filter { catalogue.isLeftOver($0.key, of: $0.organizationID) }.map(\.key)
        try await states.delete(gone, part: part, on: session)
        sweep.advance(part, to: step.last)
        ProcessorMetrics.statesRemoved.increment(by: gone.count)
    }
}

// MARK: - Loading

extension TriggerEvaluator {
    /// The tables of the organizations, with every state that their events can touch.
    private func load(
        _ shares: [UniqueID: [ParsedEvent]], in work: inout PartWork
    ) async throws -> [UniqueID: StateTable] {
        var tables: [UniqueID: StateTable] = [:]
        var lacking: [UniqueID: [StateKey]] = [:]
        for (organization, events) in shares where catalogue.engines[organization] != nil {
            var keys: Set<StateKey> = []
            for event in events {
                let start = ContinuousClock.now
                catalogue.engines[organization]?.collectKeys(event, into: &keys)
                try await breathe(since: start, &work)
            }
            let table = memory.take(organization, of: work.part)
            lacking[organization] = keys.filter { table.lacks($0) }
            tables[organization] = table
        }
        let found = try await read(lacking.values.flatMap { $0 }, in: &work)
        for (organization, keys) in lacking {
            for key in keys { fill(&tables[organization, default: StateTable()], key, found[key]) }
        }
        return tables
    }

    /// Loads what the timers that are due need beside their own states.
    private func loadForTimers(
        _ run: inout OrganizationRun, upTo moment: Timestamp, in work: inout PartWork
    ) async throws {
        var keys: Set<StateKey> = []
        catalogue.engines[run.organization]?.collectTimerKeys(in: run.table, upTo: moment, into: &keys)
        let lacking = keys.filter { run.table.lacks($0) }
        let found = try await read(Array(lacking), in: &work)
        for key in lacking { fill(&run.table, key, found[key]) }
    }

    private func read(_ keys: [StateKey], in work: inout PartWork) async throws -> [StateKey: [UInt8]] {
        guard !keys.isEmpty else { return [:] }
        let found = try await states.load(keys, part: work.part, on: work.session)
        work.lastStatement = .now
        ProcessorMetrics.statesLoaded.increment(by: found.count)
        return found
    }

    private func fill(_ table: inout StateTable, _ key: StateKey, _ bytes: [UInt8]?) {
        do throws(StateError) {
            try table.load(key, bytes)
        } catch {
            ProcessorMetrics.statesUnreadable.increment()
            logger.error(
                "state.unreadable",
                metadata: ["trigger.id": "\(key.triggerID)", "state.slot": "\(key.slot)", "error": "\(error.detail)"])
        }
    }

    /// Counts time spent in an engine, and says something to the server when it has been long.
    private func breathe(since start: ContinuousClock.Instant, _ work: inout PartWork) async throws {
        let now = ContinuousClock.now
        work.duration += start.duration(to: now)
        guard work.lastStatement.duration(to: now) > Self.breath else { return }
        try await LogFollower.keepAlive(on: work.session)
        work.lastStatement = .now
    }
}

// MARK: - Evaluating

extension TriggerEvaluator {
    /// Evaluates the events that come next and were received up to a bound; nil for all.
    private func evaluate(
        _ run: inout OrganizationRun, upTo bound: Timestamp?, in work: inout PartWork
    ) async throws {
        while let event = run.rest.first, bound.map({ event.event.receivedAt <= $0 }) ?? true {
            run.rest.removeFirst()
            let start = ContinuousClock.now
            run.matches += catalogue.engines[run.organization]?.evaluate(event, in: &run.table) ?? []
            try await breathe(since: start, &work)
        }
    }

    /// Evaluates the events of an organization that has timers which are due before or between them, or by the clock.
    ///
    /// Timers come in pages, in the order in which they are due. As long as there are more of them than a page holds,
    /// what lies before the page's end is done and written, and then the next page is read.
    private func fireTimers(_ run: inout OrganizationRun, in work: inout PartWork) async throws {
        var limit = Self.timerPage
        while let horizon = run.horizon(work.moment) {
            let page = try await states.timers(
                of: run.organization, part: work.part, upTo: horizon, limit: limit, on: work.session)
            for timer in page where run.table.lacks(timer.key) { fill(&run.table, timer.key, timer.bytes) }
            ProcessorMetrics.statesLoaded.increment(by: page.count)
            try await loadForTimers(&run, upTo: horizon, in: &work)
            let before = run.rest.count
            guard page.count == limit, let last = page.last else {
                try await evaluate(&run, upTo: nil, in: &work)
                if let moment = work.moment { try await advance(&run, to: moment, in: &work) }
                try await settle(&run, page, upTo: horizon, in: &work)
                return
            }
            let bound = last.dueAt.earlier(by: .microseconds(1))
            try await evaluate(&run, upTo: bound, in: &work)
            try await advance(&run, to: bound, in: &work)
            let settled = try await settle(&run, page, upTo: bound, in: &work)
            // Nothing moves when all of the page is due at one moment, or is of triggers that cannot be read.
            if settled == 0, run.rest.count == before { limit *= 2 }
        }
    }

    private func advance(
        _ run: inout OrganizationRun, to moment: Timestamp, in work: inout PartWork
    ) async throws {
        try await loadForTimers(&run, upTo: moment, in: &work)
        let start = ContinuousClock.now
        run.matches += catalogue.engines[run.organization]?.advance(to: moment, in: &run.table) ?? []
        try await breathe(since: start, &work)
    }

    /// Writes what timers have changed, and removes those that were due and that no trigger knows any more: it was
    /// disabled or deleted, or its condition is another one. Returns how many rows that were.
    @discardableResult
    private func settle(
        _ run: inout OrganizationRun, _ page: [StateStore.StoredState], upTo moment: Timestamp, in work: inout PartWork
    ) async throws -> Int {
        let changes = run.table.takeChanges()
        try await states.save([run.organization: changes], part: work.part, on: work.session)
        ProcessorMetrics.statesWritten.increment(by: changes.count)
        let changed = Set(changes.map(\.key))
        let forgotten = page.filter {
            $0.dueAt < moment && !changed.contains($0.key) && !catalogue.unreadable.contains($0.key.triggerID)
        }.map(\.key)
        work.hasChanged = work.hasChanged || !changes.isEmpty || !forgotten.isEmpty
        try await states.delete(forgotten, part: work.part, on: work.session)
        ProcessorMetrics.statesRemoved.increment(by: forgotten.count)
        // An engine lets go of what it does not know; where there is none, nobody has.
        if catalogue.engines[run.organization] == nil { run.table = StateTable() }
        return changes.count + forgotten.count
    }
}
