import EventModel
import Logging
import PostgresWire
import ServiceLifecycle
import Synchronization

/// The log's side.
extension LiveTail {
    /// Follows the log until graceful shutdown, then ends all subscriptions.
    public func run() async throws {
        defer { close() }
        var isAway = false
        for await _ in wakeUps.cancelOnGracefulShutdown() {
            sweep()
            do {
                while try await readOnce() { sweep() }
                isAway = false
            } catch {
                // Once a spell of absence; the next wake-up tries again, from the same positions.
                if !isAway { logger.warning("streams.delayed", metadata: ["error": "\(error)"]) }
                isAway = true
            }
        }
    }

    /// Reads what is new for each organization that somebody listens for, at most a batch of each.
    ///
    /// - Returns: whether some of them have more.
    private func readOnce() async throws -> Bool {
        let scanned = state.withLock { $0.channels.mapValues(\.scanned) }
        guard !scanned.isEmpty else { return false }
        let heads = try await tail.heads(of: Array(Set(scanned.keys.map { LogPart.part(of: $0) })))
        var hasMore = false
        for (organizationID, position) in scanned {
            guard let head = heads[LogPart.part(of: organizationID)], head > position else { continue }
            let page = try await tail.page(organizationID: organizationID, after: position, limits)
            publish(page, organizationID, readAfter: position, head: head)
            hasMore = hasMore || page.hasMore
        }
        return hasMore
    }

    private func publish(_ page: LiveReader.Page, _ organizationID: UniqueID, readAfter position: Int64, head: Int64) {
        // Made outside the lock.
        let batch = page.events.isEmpty ? nil : makeBatch(page.events)
        let weight = page.events.reduce(0) { $0 + $1.data.count + Self.overhead }
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            // The channel may have been given up and made anew meanwhile.
            guard var channel = state.channels[organizationID], channel.scanned == position else { return [] }
            if let batch, let last = page.events.last {
                channel.append(batch, through: last.position, events: page.events.count, bytes: weight)
            }
            if !page.hasMore { channel.advance(scannedTo: head) }
            state.channels[organizationID] = channel
            trim(organizationID, &state)
            guard batch != nil else { return [] }
            return channel.listeners.compactMap { state.listeners[$0]?.takeWaiter() }
        }
        for waiter in waiters { waiter.resume() }
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
        for id in channel.listeners {
            guard let listener = state.listeners[id], listener.isLive, listener.position < channel.start else {
                continue
            }
            // It learns of it when it comes back, and can then still be told.
            if listener.ending == nil { state.listeners[id]?.ending = .slowReader }
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
            for organizationID in state.channels.keys { trim(organizationID, &state) }
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
