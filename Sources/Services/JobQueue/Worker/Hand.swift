import ActionModel
import EventModel
import EventStore
import Synchronization

/// The two ways on which deliveries come into a worker's hand.
enum Intake: Sendable, CaseIterable {
    /// Those that have just been made.
    case new
    /// Those that have waited already, or come in bulk.
    case later
}

/// What a worker has in hand: its slots, and the leases that its heartbeat keeps alive.
///
/// What has waited already fills three quarters of a hand at most, so that there is always room for something new.
final class Hand: Sendable {
    private struct Held {
        let intake: Intake
        /// Until when the delivery is ours for certain.
        var until: ContinuousClock.Instant
    }

    private struct State {
        var slots: EndpointSlots<ClaimedDelivery>
        /// By lease and not by delivery: one that was lost and claimed again is in hand twice for a while.
        var leases: [DeliveryLease: Held] = [:]
        var later = 0
        /// For batches that are being claimed.
        var setAside: [Intake: Int] = [:]
        var isClosed = false
        var intakes: [Intake: CheckedContinuation<Void, Never>] = [:]

        /// How many more may come that way: what has ended counts until it is written down.
        func room(for intake: Intake) -> Int {
            let room = slots.limits.inHand - leases.count - setAside.values.reduce(0, +)
            guard intake == .later else { return room }
            return min(room, slots.limits.inHandLater - later - setAside[.later, default: 0])
        }

        mutating func release(_ claimed: ClaimedDelivery) {
            guard let held = leases.removeValue(forKey: claimed.lease) else { return }
            if held.intake == .later { later -= 1 }
            JobMetrics.inHand(leases.count)
        }

        /// Those who waited for room that is there now.
        mutating func wakeUp() -> [CheckedContinuation<Void, Never>] {
            let woken = intakes.keys.filter { isClosed || room(for: $0) >= slots.batch }
            return woken.compactMap { intakes.removeValue(forKey: $0) }
        }
    }

    private let state: Mutex<State>

    init(limits: EndpointSlots<ClaimedDelivery>.Limits) {
        state = Mutex(State(slots: EndpointSlots(limits: limits)))
    }

    /// Whether nothing more is taken in.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The leases of everything in hand.
    var leases: [DeliveryLease] { state.withLock { Array($0.leases.keys) } }

    /// Waits until there is room for a batch worth asking for, or until the hand is closed; for one caller at a time of
    /// each way.
    ///
    /// - Returns: whether the hand is open.
    func hasRoom(for intake: Intake) async -> Bool {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard !state.isClosed, state.room(for: intake) < state.slots.batch else { return true }
                state.intakes[intake] = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
        return !isClosed
    }

    /// Sets room aside for a batch that is about to be claimed, until ``endBatch(for:)``, so that the other way does
    /// not claim for it too.
    ///
    /// - Returns: how many may be claimed, at least 1.
    func setAside(_ limit: Int, for intake: Intake) -> Int {
        state.withLock { state in
            let count = max(1, min(limit, state.room(for: intake)))
            state.setAside[intake] = count
            return count
        }
    }

    /// Gives back what was set aside: the batch is in hand, or there is none.
    func endBatch(for intake: Intake) {
        wakeUp { $0.setAside[intake] = nil }
    }

    /// Takes in a delivery; one that is put off is not in hand.
    ///
    /// - Parameter until: how long its lease lasts at least.
    func arrive(
        _ claimed: ClaimedDelivery, until: ContinuousClock.Instant
    ) -> EndpointSlots<ClaimedDelivery>.Arrival {
        state.withLock { state in
            let arrival = state.slots.arrive(
                claimed, endpoint: claimed.endpoint, isLater: claimed.intake == .later, at: .now)
            if case .putOff = arrival { return arrival }
            state.leases[claimed.lease] = Held(intake: claimed.intake, until: until)
            if claimed.intake == .later { state.later += 1 }
            JobMetrics.inHand(state.leases.count)
            return arrival
        }
    }

    /// Notes that leases have been extended.
    func extend(_ deliveries: Set<UniqueID>, of leases: [DeliveryLease], until: ContinuousClock.Instant) {
        state.withLock { state in
            for lease in leases where deliveries.contains(lease.deliveryID) { state.leases[lease]?.until = until }
        }
    }

    /// Whether a delivery is still ours, as far as this worker knows: one that slept may have lost it.
    func isOurs(_ claimed: ClaimedDelivery) -> Bool {
        state.withLock { state in state.leases[claimed.lease].map { $0.until > .now } ?? false }
    }

    /// Frees the slot of a delivery, which stays in hand until it is released.
    ///
    /// - Parameter took: how long its endpoint took; nil when it was not called.
    /// - Returns: the one that runs in its place.
    func free(_ claimed: ClaimedDelivery, took: Duration?) -> ClaimedDelivery? {
        state.withLock {
            $0.slots.finish(endpoint: claimed.endpoint, isLater: claimed.intake == .later, took: took)
        }
    }

    /// Lets go of a delivery that has been written down, given back, or lost.
    func release(_ claimed: ClaimedDelivery) {
        wakeUp { $0.release(claimed) }
    }

    /// Ends the intake.
    func close() {
        wakeUp { $0.isClosed = true }
    }

    /// Lets go of everything that has not begun.
    func drain() -> [ClaimedDelivery] {
        state.withLock { state in
            let waiting = state.slots.drain()
            for claimed in waiting { state.release(claimed) }
            return waiting
        }
    }

    private func wakeUp(after change: (inout State) -> Void) {
        let woken = state.withLock { state in
            change(&state)
            return state.wakeUp()
        }
        for intake in woken { intake.resume() }
    }
}

extension ClaimedDelivery {
    /// Which way it is of: an attempt before this one, a delay, or a replay makes it one that has waited.
    var intake: Intake {
        delivery.attempt > 1 || delivery.putOff != nil || delivery.replayID != nil ? .later : .new
    }

    /// What its circuit breaker belongs to.
    var breakerKey: EndpointKey {
        EndpointKey(
            organizationID: delivery.organizationID,
            endpoint: delivery.endpoint ?? action.config.endpoint ?? action.kind.rawValue)
    }

    /// What a slow answer slows down: the receiver as this organization uses it.
    var endpoint: String {
        // One model serves all, and is slow: what it may hold of a worker is not each organization's anew.
        if action.kind == .llm { return action.kind.rawValue }
        let key = breakerKey
        return "\(key.organizationID) \(key.endpoint)"
    }
}
