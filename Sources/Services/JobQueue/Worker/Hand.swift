import ActionModel
import EventModel
import EventStore
import Synchronization

/// What a worker has in hand: its slots, and the leases that its heartbeat keeps alive.
final class Hand: Sendable {
    private struct State {
        var slots: EndpointSlots<ClaimedDelivery>
        var leases: [UniqueID: DeliveryLease] = [:]
        var isClosed = false
        var intake: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(limits: EndpointSlots<ClaimedDelivery>.Limits) {
        state = Mutex(State(slots: EndpointSlots(limits: limits)))
    }

    /// Whether nothing more is taken in.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The leases of everything in hand.
    var leases: [DeliveryLease] { state.withLock { Array($0.leases.values) } }

    /// Waits until there is room for a batch worth asking for, or until the hand is closed; for one caller at a time.
    ///
    /// - Returns: how many deliveries may be taken in; 0 when the hand is closed.
    func room() async -> Int {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                guard !state.isClosed, state.slots.room < state.slots.batch else { return true }
                state.intake = continuation
                return false
            }
            if isOpen { continuation.resume() }
        }
        return state.withLock { $0.isClosed ? 0 : $0.slots.room }
    }

    /// Takes in a delivery; one that is put off is not in hand.
    func arrive(_ claimed: ClaimedDelivery) -> EndpointSlots<ClaimedDelivery>.Arrival {
        state.withLock { state in
            let arrival = state.slots.arrive(claimed, endpoint: claimed.endpoint, at: .now)
            if case .putOff = arrival { return arrival }
            state.leases[claimed.delivery.id] = claimed.lease
            JobMetrics.inHand(state.slots.inHand)
            return arrival
        }
    }

    /// Lets go of a delivery, and returns the one that runs in its place.
    func finish(_ claimed: ClaimedDelivery, took duration: Duration?) -> ClaimedDelivery? {
        let (next, intake): (ClaimedDelivery?, CheckedContinuation<Void, Never>?) = state.withLock { state in
            state.leases[claimed.delivery.id] = nil
            let next = state.slots.finish(endpoint: claimed.endpoint, took: duration)
            JobMetrics.inHand(state.slots.inHand)
            guard state.slots.room >= state.slots.batch else { return (next, nil) }
            defer { state.intake = nil }
            return (next, state.intake)
        }
        intake?.resume()
        return next
    }

    /// Ends the intake.
    func close() {
        let intake = state.withLock { state in
            state.isClosed = true
            defer { state.intake = nil }
            return state.intake
        }
        intake?.resume()
    }

    /// Lets go of everything that has not begun.
    func drain() -> [ClaimedDelivery] {
        state.withLock { state in
            let waiting = state.slots.drain()
            for claimed in waiting { state.leases[claimed.delivery.id] = nil }
            return waiting
        }
    }
}

extension ClaimedDelivery {
    /// What its circuit breaker belongs to.
    var breakerKey: EndpointKey {
        EndpointKey(
            organizationID: delivery.organizationID,
            endpoint: delivery.endpoint ?? action.config.endpoint ?? action.kind.rawValue)
    }

    /// What a slow answer slows down: the receiver as this organization uses it.
    var endpoint: String {
        let key = breakerKey
        return "\(key.organizationID) \(key.endpoint)"
    }
}
