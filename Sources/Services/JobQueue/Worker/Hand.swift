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

        /// How many more may be in hand: what has ended counts until it is written down.
        var room: Int { slots.limits.inHand - leases.count }
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
                guard !state.isClosed, state.room < state.slots.batch else { return true }
                state.intake = continuation
                return false
            }
            if isOpen { continuation.resume() }
        }
        return state.withLock { $0.isClosed ? 0 : $0.room }
    }

    /// Takes in a delivery; one that is put off is not in hand.
    func arrive(_ claimed: ClaimedDelivery) -> EndpointSlots<ClaimedDelivery>.Arrival {
        state.withLock { state in
            let arrival = state.slots.arrive(claimed, endpoint: claimed.endpoint, at: .now)
            if case .putOff = arrival { return arrival }
            state.leases[claimed.delivery.id] = claimed.lease
            JobMetrics.inHand(state.leases.count)
            return arrival
        }
    }

    /// Frees the slot of a delivery, which stays in hand until it is released.
    ///
    /// - Parameter took: how long its endpoint took; nil when it was not called.
    /// - Returns: the one that runs in its place.
    func free(_ claimed: ClaimedDelivery, took: Duration?) -> ClaimedDelivery? {
        state.withLock { $0.slots.finish(endpoint: claimed.endpoint, took: took) }
    }

    /// Lets go of a delivery that has been written down, given back, or lost.
    func release(_ claimed: ClaimedDelivery) {
        let intake: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.leases[claimed.delivery.id] = nil
            JobMetrics.inHand(state.leases.count)
            guard state.room >= state.slots.batch else { return nil }
            defer { state.intake = nil }
            return state.intake
        }
        intake?.resume()
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
        // One model serves all, and is slow: what it may hold of a worker is not each organization's anew.
        if action.kind == .llm { return action.kind.rawValue }
        let key = breakerKey
        return "\(key.organizationID) \(key.endpoint)"
    }
}
