import EventModel
import Synchronization

/// The listeners' side.
extension LiveTail {
    private enum Decision {
        case step(LiveStep<Batch>)
        case wait
        case read(LiveReader.Range)
    }

    func next(_ id: UInt64, until deadline: ContinuousClock.Instant) async -> LiveStep<Batch> {
        state.withLock { $0.listeners[id]?.busySince = nil }
        returnPage(id)
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
            case .read(let range):
                do {
                    if let batch = try await catchUp(id, range) { return .batch(batch, after: range.position) }
                    returnPage(id)
                    if ContinuousClock.now >= deadline { return .idle }
                } catch {
                    returnPage(id)
                    // The database is away, or busy with as many as can be; the stream stays open.
                    if ContinuousClock.now >= deadline { return .idle }
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
        }
    }

    /// What a listener does now; a batch that it says to give counts as given, and a page that it says to read as held.
    private func decide(_ id: UInt64, until deadline: ContinuousClock.Instant, _ state: inout State) -> Decision {
        guard let listener = state.listeners[id], let channel = state.channels[listener.organizationID] else {
            return .step(.ended(.shutdown))
        }
        if let ending = listener.ending { return .step(.ended(ending)) }
        if let goal = listener.past(channel) {
            if !listener.holdsPage {
                guard channel.pages < limits.pagesPerOrganization else {
                    return ContinuousClock.now < deadline ? .wait : .step(.idle)
                }
                state.channels[listener.organizationID]?.pages += 1
                state.listeners[id]?.holdsPage = true
            }
            return .read(
                LiveReader.Range(
                    organizationID: listener.organizationID, position: listener.position,
                    end: min(goal, listener.position + limits.scannedPositions),
                    types: listener.type.map { [$0] }))
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
                        let channel = state.channels[listener.organizationID]
                    else { return false }
                    if listener.past(channel) != nil {
                        guard channel.pages >= limits.pagesPerOrganization else { return false }
                        if !listener.isQueued { state.channels[listener.organizationID]?.queue.append(id) }
                        state.listeners[id]?.isQueued = true
                    } else if channel.batch(behind: listener.position) != nil {
                        return false
                    }
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

    func reachedID(_ id: UInt64) -> UniqueID? {
        state.withLock { state in
            guard let listener = state.listeners[id], listener.isLive,
                let channel = state.channels[listener.organizationID],
                // Who began at the newest position may be ahead of the reads for all.
                listener.position >= channel.end, listener.position <= channel.scanned
            else { return nil }
            return channel.newestID
        }
    }

    /// Reads one page from the database; nil when there was nothing in it.
    private func catchUp(_ id: UInt64, _ range: LiveReader.Range) async throws -> Batch? {
        let page = try await reader.page(range, events: limits.pageEvents, weight: limits.pageBytes)
        state.withLock { $0.listeners[id]?.position = page.reached }
        return page.events.isEmpty ? nil : makeBatch(page.events)
    }

    /// Notes that a listener is done with its page, if it held one, and lets the next have theirs.
    private func returnPage(_ id: UInt64) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard let listener = state.listeners[id], listener.holdsPage else { return nil }
            state.listeners[id]?.holdsPage = false
            return state.passPage(in: listener.organizationID)
        }
        waiter?.resume()
    }
}

extension LiveTail.State {
    /// Passes a page to the first who waits for one, whose continuation it gives. Nobody else can take it meanwhile, or
    /// one with much to read would keep all others waiting.
    mutating func passPage(in organizationID: UniqueID) -> CheckedContinuation<Void, Never>? {
        while let id = channels[organizationID]?.queue.first {
            channels[organizationID]?.queue.removeFirst()
            listeners[id]?.isQueued = false
            guard let waiter = listeners[id]?.takeWaiter() else { continue }
            listeners[id]?.holdsPage = true
            return waiter
        }
        channels[organizationID]?.pages -= 1
        return nil
    }
}

extension LiveTail.Listener {
    /// Up to where it has to read the past by itself; nil when the channel has all that it needs.
    func past(_ channel: LiveChannel<Batch>) -> Int64? {
        guard !isLive else { return nil }
        let goal = max(joined, channel.start)
        return position < goal ? goal : nil
    }

    /// The continuation, which whoever takes it resumes outside the lock.
    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }
}
