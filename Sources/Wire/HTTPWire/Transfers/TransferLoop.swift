// How transfers are driven.
//
// STRUCTURES. An inbox under a lock, which any task reaches: requests to start, transfers to cancel. The running
// transfers, which belong to the loop's lane, and the multi handle with its pool of connections.
//
// WHO MOVES WHAT. `perform` puts a request into the inbox and suspends. The first one starts `drive` on the lane; the
// others wake it. `drive` empties the inbox, lets libcurl work, resumes the tasks of what has ended, and waits for
// sockets; it returns when nothing is running, so that an idle client holds no thread.
//
// BOUNDS. Requests from the call of `perform` to its end are counted, and refused over the limit. Each has its time
// limit.

import SerialLane
import Synchronization

/// One multi handle and the lane on which it is driven.
actor TransferLoop {
    private typealias Completion = CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>

    /// What is asked for. An object: whoever waits for the answer keeps a reference, and not the request in each of
    /// the functions that wait.
    private final class Order: Sendable {
        let id: UInt64
        let request: HTTPRequest

        init(_ id: UInt64, _ request: HTTPRequest) {
            self.id = id
            self.request = request
        }
    }

    private struct Start: Sendable {
        let order: Order
        let completion: Completion
    }

    private struct Inbox: Sendable {
        var starts: [Start] = []
        var cancellations: [UInt64] = []
        var lastID: UInt64 = 0
        var count = 0
        var isDriving = false
        var isClosed = false

        /// Whether the loop has nothing new to see.
        var isEmpty: Bool { starts.isEmpty && cancellations.isEmpty }
    }

    private struct Running {
        let id: UInt64
        let transfer: Transfer
        let completion: Completion
    }

    private let lane = SerialLane("http")
    private let multi: MultiHandle
    private let policy: AddressPolicy
    private let settings: HTTPClient.Settings
    private let inbox = Mutex(Inbox())
    private let sockets = SocketCount()
    private var running: [UnsafeMutableRawPointer: Running] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }
    nonisolated var openedSockets: Int { sockets.value.load(ordering: .relaxed) }

    init(policy: AddressPolicy, settings: HTTPClient.Settings) {
        self.policy = policy
        self.settings = settings
        multi = MultiHandle(maximumIdleConnections: settings.maximumIdleConnections)
    }

    // MARK: - From any task

    nonisolated func perform(_ request: HTTPRequest) async -> Result<HTTPResponse, HTTPError> {
        let order: Order
        switch admit(request) {
        case .failure(let error): return .failure(error)
        case .success(let admitted): order = admitted
        }
        defer { inbox.withLock { $0.count -= 1 } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { completion in
                submit { $0.starts.append(Start(order: order, completion: completion)) }
                // A cancellation that came before the start found nothing to cancel.
                if Task.isCancelled { cancel(order.id) }
            }
        } onCancel: {
            cancel(order.id)
        }
    }

    nonisolated func close() {
        submit { $0.isClosed = true }
    }

    private nonisolated func cancel(_ id: UInt64) {
        submit { $0.cancellations.append(id) }
    }

    private nonisolated func admit(_ request: HTTPRequest) -> Result<Order, HTTPError> {
        inbox.withLock { inbox in
            guard !inbox.isClosed else { return .failure(HTTPError(.closed, "the client is closed")) }
            guard inbox.count < settings.maximumTransfers else {
                return .failure(HTTPError(.overloaded, "\(inbox.count) requests are under way"))
            }
            inbox.count += 1
            inbox.lastID += 1
            return .success(Order(inbox.lastID, request))
        }
    }

    private nonisolated func submit(_ change: (inout Inbox) -> Void) {
        let (isIdle, isFirst) = inbox.withLock { inbox in
            let before = (isIdle: !inbox.isDriving, isFirst: inbox.isEmpty)
            change(&inbox)
            inbox.isDriving = true
            return before
        }
        // Whoever put something in before has woken the loop, and it has not looked yet.
        if isIdle {
            Task { await self.drive() }
        } else if isFirst {
            multi.wakeUp()
        }
    }

    // MARK: - On the lane

    private func drive() {
        while let work = takeWork() {
            for start in work.starts { begin(start) }
            for id in work.cancellations { cancelRunning(id) }
            if work.isClosed { closeRunning() }
            multi.perform()
            while let (easy, code) = multi.nextResult() {
                guard let running = running[easy] else { continue }
                end(running, running.transfer.outcome(code))
            }
            if !running.isEmpty { multi.wait() }
        }
    }

    /// What is to be done; nil when there is nothing, and the next request has to start the driving again.
    private func takeWork() -> Inbox? {
        let isIdle = running.isEmpty
        return inbox.withLock { inbox in
            let work = inbox
            inbox.starts.removeAll()
            inbox.cancellations.removeAll()
            guard isIdle, work.starts.isEmpty else { return work }
            inbox.isDriving = false
            return nil
        }
    }

    private func begin(_ start: Start) {
        do throws(HTTPError) {
            let sockets = sockets
            let transfer = try Transfer(start.order.request, policy: policy, settings: settings) {
                sockets.value.add(1, ordering: .relaxed)
            }
            guard multi.add(transfer) else { throw HTTPError(.invalidRequest, "libcurl refused the transfer") }
            running[transfer.easy] = Running(id: start.order.id, transfer: transfer, completion: start.completion)
        } catch {
            start.completion.resume(returning: .failure(error))
        }
    }

    private func cancelRunning(_ id: UInt64) {
        guard let running = running.values.first(where: { $0.id == id }) else { return }
        end(running, .failure(HTTPError(.cancelled, "the request was cancelled")))
    }

    private func closeRunning() {
        for running in running.values { end(running, .failure(HTTPError(.closed, "the client was closed"))) }
    }

    private func end(_ ended: Running, _ result: Result<HTTPResponse, HTTPError>) {
        multi.remove(ended.transfer)
        running[ended.transfer.easy] = nil
        ended.completion.resume(returning: result)
    }
}

/// A count that callbacks on the lane and readers elsewhere share.
private final class SocketCount: Sendable {
    let value = Atomic<Int>(0)
}
