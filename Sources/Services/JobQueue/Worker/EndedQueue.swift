import EventStore
import Synchronization

/// An attempt that is over and not written down yet.
struct Ended: Sendable {
    let claimed: ClaimedDelivery
    let attempt: EndedAttempt
    /// Until when it is tried to write it down.
    let giveUpAt: ContinuousClock.Instant
}

/// Attempts that wait to be written down, for one taker.
///
/// There is no timer: what ends while a commit is under way is in the next one, and what ends alone is written at once.
final class EndedQueue: Sendable {
    private struct State {
        var waiting: [Ended] = []
        var isClosed = false
        var taker: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Adds an attempt.
    func add(_ ended: Ended) {
        change { $0.waiting.append(ended) }
    }

    /// Gives back what could not be written yet; it is the next to be taken.
    func putBack(_ ended: [Ended]) {
        change { $0.waiting.insert(contentsOf: ended, at: 0) }
    }

    /// Says that nothing more will be added.
    func close() {
        change { $0.isClosed = true }
    }

    /// Waits for attempts.
    ///
    /// - Returns: up to `limit` of them; nil when the queue is closed and none is left.
    func take(limit: Int) async -> [Ended]? {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                guard state.waiting.isEmpty, !state.isClosed else { return true }
                state.taker = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
        return state.withLock { state in
            guard !state.waiting.isEmpty else { return nil }
            defer { state.waiting.removeFirst(min(limit, state.waiting.count)) }
            return Array(state.waiting.prefix(limit))
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let taker = state.withLock { state in
            body(&state)
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume()
    }
}
