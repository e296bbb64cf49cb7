import EventModel
import Synchronization

/// The listeners' side.
extension LiveTail {
    private enum Decision {
        case step(LiveStep<Batch>)
        case wait
        case read(organizationID: UniqueID, after: Int64, upTo: Int64)
    }

    func next(_ id: UInt64, until deadline: ContinuousClock.Instant) async -> LiveStep<Batch> {
        state.withLock { $0.listeners[id]?.busySince = nil }
        let step = await findNext(id, until: deadline)
        state.withLock { $0.listeners[id]?.busySince = .now }
        return step
    }

    private func findNext(_ id: UInt64, until deadline: ContinuousClock.Instant) async -> LiveStep<Batch> {
        while true {
            if Task.isCancelled { return .ended(.disconnected) }
            switch state.withLock({ decide(id, until: deadline, &$0) }) {
            case .step(let step):
                return step
            case .wait:
                await wait(id, until: deadline)
            case .read(let organizationID, let position, let end):
                do {
                    if let batch = try await catchUp(id, organizationID, after: position, upTo: end) {
                        return .batch(batch, after: position)
                    }
                } catch {
                    // The database is away, or busy with as many as can be; the stream stays open.
                    if ContinuousClock.now >= deadline { return .idle }
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
        }
    }

    /// What a listener does now; a batch that it says to give counts as given.
    private func decide(_ id: UInt64, until deadline: ContinuousClock.Instant, _ state: inout State) -> Decision {
        guard let listener = state.listeners[id], let channel = state.channels[listener.organizationID] else {
            return .step(.ended(.shutdown))
        }
        if let ending = listener.ending { return .step(.ended(ending)) }
        guard listener.position >= channel.start else {
            return .read(organizationID: listener.organizationID, after: listener.position, upTo: channel.start)
        }
        state.listeners[id]?.isLive = true
        if let next = channel.batch(behind: listener.position) {
            state.listeners[id]?.position = next.through
            return .step(.batch(next.batch, after: listener.position))
        }
        return ContinuousClock.now < deadline ? .wait : .step(.idle)
    }

    private func wait(_ id: UInt64, until deadline: ContinuousClock.Instant) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isWaiting = state.withLock { state in
                    // What came between the decision and now would not be told again.
                    guard !Task.isCancelled, let listener = state.listeners[id], listener.ending == nil,
                        state.channels[listener.organizationID]?.batch(behind: listener.position) == nil
                    else { return false }
                    state.listeners[id]?.waiter = waiter
                    state.listeners[id]?.deadline = deadline
                    return true
                }
                if !isWaiting { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.listeners[id]?.takeWaiter() }?.resume()
        }
    }

    func ending(of id: UInt64) -> LiveEnding? {
        state.withLock { $0.listeners[id]?.ending }
    }

    func disconnect(_ id: UInt64) {
        let waiter = state.withLock { state in
            // Who was hung up on has not gone by itself.
            if state.listeners[id]?.ending == nil { state.listeners[id]?.ending = .disconnected }
            return state.listeners[id]?.takeWaiter()
        }
        waiter?.resume()
    }

    /// Reads one page from the database; nil when there was nothing up to `end`.
    private func catchUp(
        _ id: UInt64, _ organizationID: UniqueID, after position: Int64, upTo end: Int64
    ) async throws -> Batch? {
        let page = try await reader.page(organizationID: organizationID, after: position, limits)
        // Everything up to `end` was committed before the page was read.
        let reached = page.events.last?.position ?? end
        state.withLock { $0.listeners[id]?.position = reached }
        return page.events.isEmpty ? nil : makeBatch(page.events)
    }
}

extension LiveTail.Listener {
    /// The continuation, which whoever takes it resumes outside the lock.
    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }
}
