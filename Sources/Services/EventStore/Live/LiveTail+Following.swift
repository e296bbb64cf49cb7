import EventModel
import Logging
import PostgresWire
import ServiceLifecycle
import Synchronization

/// The log's side.
extension LiveTail {
    /// What a round of reads has come to.
    private struct Round {
        var found = false
        var hasMore = false
        var error: (any Error)?
    }

    /// Follows the log until graceful shutdown, then ends all subscriptions.
    public func run() async throws {
        defer { close() }
        var isAway = false
        var swept = ContinuousClock.now
        for await _ in wakeUps.cancelOnGracefulShutdown() {
            var round = Round()
            repeat {
                // Hints may come by the hundred a second; deadlines are seconds away.
                if swept.duration(to: .now) >= Self.sweepInterval || state.withLock({ $0.isClosed }) {
                    sweep()
                    swept = .now
                }
                round = await readAll()
                // What arrives meanwhile is read and handed over at once.
                if round.found { try? await Task.sleep(for: limits.pause) }
            } while round.hasMore && round.error == nil
            // Once a spell of absence; the next wake-up tries again, from the same positions.
            if let error = round.error, !isAway {
                logger.warning("streams.delayed", metadata: ["error": "\(error)"])
            }
            isAway = round.error != nil
        }
    }

    private static var sweepInterval: Duration { .milliseconds(200) }

    /// Reads what is new for each organization that somebody listens for, at most a batch of each.
    private func readAll() async -> Round {
        var round = Round()
        let asked = state.withLock { $0.channels.mapValues { (scanned: $0.scanned, types: $0.types) } }
        guard !asked.isEmpty else { return round }
        do {
            let heads = try await tail.heads(of: Array(Set(asked.keys.map { LogPart.part(of: $0) })))
            for (organizationID, (position, types)) in asked {
                guard let head = heads[LogPart.part(of: organizationID)], head > position else { continue }
                let range = LiveReader.Range(
                    organizationID: organizationID, position: position,
                    end: min(head, position + limits.scannedPositions), types: types)
                do {
                    let page = try await tail.page(range, events: limits.batchEvents, weight: limits.batchBytes)
                    let isTaken = publish(page, of: range)
                    round.hasMore = round.hasMore || page.reached < head || !isTaken
                    round.found = true
                } catch {
                    // The others need not wait for one whose read fails.
                    round.error = error
                }
            }
        } catch {
            round.error = error
        }
        return round
    }

    /// Hands over what was read.
    ///
    /// - Returns: false when it is to be read again, because somebody has come meanwhile who wants more of it.
    private func publish(_ page: LiveReader.Page, of range: LiveReader.Range) -> Bool {
        // Made, and held against what is wanted, outside the lock.
        let batch = page.events.isEmpty ? nil : makeBatch(page.events)
        let weight = page.events.reduce(0) { $0 + $1.data.count + ($1.metadata?.count ?? 0) + Self.overhead }
        let groups = batch == nil ? [:] : state.withLock { $0.channels[range.organizationID]?.groups ?? [:] }
        let mayWant = batch.map { batch in groups.mapValues { $0.interest.mayWant(batch) } } ?? [:]
        let waiters: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            // The channel may have been given up and made anew meanwhile.
            guard var channel = state.channels[range.organizationID], channel.scanned == range.position,
                Self.covers(range.types, channel.types)
            else { return nil }
            state.channels[range.organizationID] = nil
            if let batch, let last = page.events.last {
                channel.append(batch, through: last.position, events: page.events.count, bytes: weight)
            }
            channel.advance(scannedTo: page.reached, newestID: page.newestID)
            let waiters = batch == nil ? [] : state.takeWaiters(of: channel, mayWant)
            state.channels[range.organizationID] = channel
            if batch != nil { trim(range.organizationID, &state) }
            return waiters
        }
        for waiter in waiters ?? [] { waiter.resume() }
        return waiters != nil
    }

    private static func covers(_ read: Set<String>?, _ wanted: Set<String>?) -> Bool {
        guard let read else { return true }
        return wanted?.isSubset(of: read) ?? false
    }

    /// Frees what nobody needs, and ends the listeners that needed what had to be freed.
    private func trim(_ organizationID: UniqueID, _ state: inout State) {
        guard var channel = state.channels.removeValue(forKey: organizationID) else { return }
        var slowest = Int64.max
        for id in channel.listeners {
            guard let listener = state.listeners[id], listener.isLive, listener.ending == nil else { continue }
            slowest = min(slowest, listener.position)
        }
        channel.trim(slowest: slowest, limits)
        if slowest < channel.start {
            for id in channel.listeners {
                guard let listener = state.listeners[id], listener.isLive, listener.position < channel.start else {
                    continue
                }
                // It learns of it when it comes back, and can then still be told.
                if listener.ending == nil { state.listeners[id]?.ending = .slowReader }
            }
        }
        state.channels[organizationID] = channel
    }

    /// Wakes those whose deadline has come, and hangs up on those who don't come back.
    private func sweep() {
        let now = ContinuousClock.now
        let (waiters, calls) = state.withLock { state in
            var waiters: [CheckedContinuation<Void, Never>] = []
            var calls: [@Sendable () -> Void] = []
            let patience = state.isClosed ? min(limits.patience, limits.lastPatience) : limits.patience
            for (id, listener) in state.listeners {
                if listener.waiter != nil, let deadline = listener.deadline, deadline <= now {
                    if let waiter = state.listeners[id]?.takeWaiter() { waiters.append(waiter) }
                }
                if let since = listener.busySince, since.advanced(by: patience) <= now {
                    state.listeners[id]?.ending = listener.ending ?? .slowReader
                    if let hangUp = listener.hangUp { calls.append(hangUp) }
                    state.listeners[id]?.hangUp = nil
                }
            }
            for (organizationID, channel) in state.channels where channel.start < channel.end {
                trim(organizationID, &state)
            }
            return (waiters, calls)
        }
        for waiter in waiters { waiter.resume() }
        for call in calls { call() }
    }

    /// Ends all subscriptions, and refuses those that come later.
    ///
    /// Listeners that are busy learn of it when they come back, and are hung up on when they don't.
    public func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            for (id, listener) in state.listeners where listener.ending == nil {
                state.listeners[id]?.ending = .shutdown
            }
            return state.listeners.keys.compactMap { state.listeners[$0]?.takeWaiter() }
        }
        for waiter in waiters { waiter.resume() }
    }

    /// What an event weighs beside its data, roughly, in bytes.
    private static var overhead: Int { 256 }
}

extension LiveTail.State {
    /// The continuations of those who wait for a batch just added and may want it. The others are taken past it: who
    /// waits has taken everything before.
    mutating func takeWaiters(
        of channel: LiveChannel<Batch>, _ mayWant: [Int: Bool]
    ) -> [CheckedContinuation<Void, Never>] {
        var waiters: [CheckedContinuation<Void, Never>] = []
        for id in channel.listeners {
            guard let listener = listeners[id], listener.isLive, listener.waiter != nil else { continue }
            // A group that has come since the batch was held against the others has a look for itself.
            if mayWant[listener.group] ?? true {
                if let waiter = listeners[id]?.takeWaiter() { waiters.append(waiter) }
            } else {
                listeners[id]?.position = max(listener.position, channel.end)
            }
        }
        return waiters
    }
}
