import ActionModel
import EventModel
import PostgresWire

/// A worker's right to a delivery until its lease runs out: whoever claims the row later gets another token, and what
/// comes under this one is refused.
public struct DeliveryLease: Sendable, Hashable {
    /// The delivery.
    public let deliveryID: UniqueID
    /// Made by the server at the claim.
    public let token: UniqueID
}

/// A delivery in a worker's hands, with all that its attempt needs.
///
/// One object and not a value: it goes through a dozen of the worker's functions, each of which would keep a copy of a
/// kilobyte for as long as the receiver takes to answer.
public final class ClaimedDelivery: Sendable {
    /// The row after the claim: its ``Delivery/attempt`` is the one to make.
    public let delivery: Delivery
    /// The worker's right to it.
    public let lease: DeliveryLease
    /// What to do.
    public let action: ActionDefinition
    /// What to tell: the trigger and the event.
    public let firing: Firing
    /// What the circuit breaker of its endpoint said at the claim.
    public let breaker: BreakerReading

    init(
        delivery: Delivery, lease: DeliveryLease, action: ActionDefinition, firing: Firing, breaker: BreakerReading
    ) {
        self.delivery = delivery
        self.lease = lease
        self.action = action
        self.firing = firing
        self.breaker = breaker
    }
}

extension DeliveryStore {
    /// Claims those of the given deliveries that are ready: they are running now, and their attempt is counted.
    ///
    /// Of ids that are elsewhere by now (claimed, done, doubled) nothing is said: an id is only a hint. A delivery that
    /// can't be attempted, because its event is gone or its action no longer parses, is buried here.
    public func claim(_ ids: [UniqueID], leaseSeconds: Int = 30) async throws -> [ClaimedDelivery] {
        let times = ids.map(\.creationTime)
        guard let first = times.min(), let last = times.max() else { return [] }
        return try await usable(
            pool.query(
                DeliveryMoves.claim,
                [.lease(leaseSeconds), .uuids(ids), .timestamps(times), .timestamp(first), .timestamp(last)]))
    }

    /// Claims ready deliveries of a kind that nobody names, the oldest first: the way without Redis.
    public func claimAny(_ kind: ActionKind, limit: Int, leaseSeconds: Int = 30) async throws -> [ClaimedDelivery] {
        try await usable(
            pool.query(
                DeliveryMoves.claimAny, [.lease(leaseSeconds), .text(kind.rawValue), .int8(Int64(limit))]))
    }

    /// Extends leases, and returns those that are still the caller's.
    ///
    /// A lease that has run out but was not taken by anybody is extended too; one whose row somebody changes just now
    /// is left as it is.
    public func heartbeat(_ leases: [DeliveryLease], leaseSeconds: Int = 30) async throws -> Set<UniqueID> {
        guard !leases.isEmpty else { return [] }
        let rows = try await pool.query(
            DeliveryMoves.heartbeat,
            [
                .lease(leaseSeconds), .uuids(leases.map(\.deliveryID)),
                .timestamps(leases.map(\.deliveryID.creationTime)), .uuids(leases.map(\.token)),
            ])
        return try Set(rows.map { try $0.decode(0, as: UniqueID.self) })
    }

    /// Puts a delivery off whose secrets can't be opened here: a key that is missing can be given.
    private func shelve(_ lease: DeliveryLease, because reason: String) async throws {
        _ = try await pool.query(
            DeliveryMoves.shelve,
            [
                .timestamp(lease.deliveryID.creationTime), .uuid(lease.deliveryID), .uuid(lease.token), .text(reason),
            ])
    }

    private func usable(_ rows: PostgresRows) async throws -> [ClaimedDelivery] {
        let read = try rows.map { row in (row: row, claim: try DeliveryCoding.claim(row)) }
        let actions = try await actions.actions(of: read.map(\.claim.0))
        var claimed: [ClaimedDelivery] = []
        for (row, (delivery, lease, breaker)) in read {
            switch actions[ActionKey(delivery)] ?? .impossible(reason: "the trigger's version is not stored") {
            case .sealed(let reason):
                _ = try? await shelve(lease, because: reason)
            case .known(let action, let name):
                do {
                    guard let firing = try DeliveryCoding.firing(of: delivery, triggerName: name, row) else {
                        await bury(lease, because: "the event is no longer stored")
                        continue
                    }
                    claimed.append(
                        ClaimedDelivery(
                            delivery: delivery, lease: lease, action: action, firing: firing, breaker: breaker))
                } catch {
                    await bury(lease, because: "what is stored can't be read: \(error)")
                }
            case .impossible(let reason):
                await bury(lease, because: reason)
            }
        }
        return claimed
    }

    /// Gives a delivery up that can't be attempted.
    private func bury(_ lease: DeliveryLease, because reason: String) async {
        // Where that fails, the lease runs out; the others of the batch must not be dropped for it.
        _ = try? await finish([EndedAttempt(lease, .dead(reason: reason), after: .notSent(reason))])
    }
}

extension PostgresParameter {
    /// The length of a lease in microseconds.
    fileprivate static func lease(_ seconds: Int) -> PostgresParameter { .int8(Int64(seconds) * 1_000_000) }
}
