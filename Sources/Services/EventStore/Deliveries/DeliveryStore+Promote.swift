import ActionModel
import PostgresWire

extension DeliveryStore {
    /// Makes scheduled deliveries ready whose time has come, the longest due first.
    ///
    /// - Returns: what is ready now, to be pushed to Redis; `limit` of them mean that there may be more.
    public func promote(limit: Int) async throws -> [ReadyDelivery] {
        try await DeliveryCoding.ready(pool.query(DeliveryMoves.promote, [.int8(Int64(limit))]))
    }

    /// Takes deliveries from workers that let their leases run out: ready again, or dead after the last attempt.
    ///
    /// The attempt was counted at the claim and is logged here, because its worker can't.
    ///
    /// - Returns: what is ready now, to be pushed to Redis.
    public func expireLeases(limit: Int) async throws -> [ReadyDelivery] {
        try await DeliveryCoding.ready(
            pool.query(DeliveryMoves.expire, [.int8(Int64(limit)), .text("the worker did not finish this attempt")]))
    }

    /// Ready deliveries whose ids were handed to Redis at least so long ago, the oldest first; they count as handed
    /// over anew.
    public func orphans(_ kind: ActionKind, olderThanSeconds seconds: Int, limit: Int) async throws -> [ReadyDelivery] {
        try await DeliveryCoding.ready(
            pool.query(
                DeliveryMoves.orphans,
                [.text(kind.rawValue), .int8(Int64(seconds) * 1_000_000), .int8(Int64(limit))]))
    }
}
