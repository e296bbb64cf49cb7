import ActionModel
public import EventModel
import PostgresWire

/// What became of a request to bring a delivery back, or to call it off.
public enum DeliveryChange: Sendable {
    /// It was done; the delivery as it is now.
    case done(Delivery)
    /// Its status does not allow it, and nothing has changed.
    case refused(Delivery)
}

/// What people ask for, of one organization: for the gateway's role.
extension DeliveryStore {
    /// Most deliveries that one call of ``purge(organizationID:filter:limit:)`` deletes.
    public static let purgeLimit = 10_000

    /// Makes a delivery ready that is dead, cancelled or waits for its next attempt; nil when the organization has none
    /// of this id. It goes on counting its attempts, and what is logged of them stays.
    ///
    /// One that was given up has at least one more attempt, and as many as are left of its policy.
    public func retry(
        _ id: UniqueID, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> DeliveryChange? {
        try await change(id, organizationID, DeliveryRequests.retry, []) { connection in
            try await actor.note(
                AuditChange("delivery.retried", id.description), organizationID: organizationID, on: connection)
        }
    }

    /// Calls a delivery off that has not come to its end; nil when the organization has none of this id.
    ///
    /// Of an attempt that is under way nobody knows whether it arrives; it is logged as cancelled.
    public func cancel(
        _ id: UniqueID, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> DeliveryChange? {
        try await change(
            id, organizationID, DeliveryRequests.cancel,
            [.text("cancelled by request"), .text("cancelled while this attempt was under way")]
        ) { connection in
            try await actor.note(
                AuditChange("delivery.cancelled", id.description), organizationID: organizationID, on: connection)
        }
    }

    /// Deletes deliveries that are dead, or else cancelled, with their attempts, the oldest first.
    ///
    /// - Parameter filter: its status is that of those that go, and counts as dead without.
    /// - Returns: how many it deleted; with `limit` of them there may be more.
    public func purge(
        organizationID: UniqueID, filter: DeliveryFilter, limit: Int, by actor: AuditActor
    ) async throws -> Int {
        let status: DeliveryStatus = filter.status == .cancelled ? .cancelled : .dead
        return try await pool.withTransaction(organization: organizationID) { connection in
            let count: Int = try await connection.query(
                DeliveryRequests.purge,
                [
                    .uuid(organizationID), .text(status.rawValue), .optional(filter.triggerID),
                    .optional(filter.eventID), .optional(filter.kind?.rawValue), .optional(filter.from),
                    .optional(filter.to), .int8(Int64(limit)),
                ])[0].decode(0)
            if count > 0 {
                try await actor.note(
                    .purged(count, status, filter), organizationID: organizationID, on: connection)
            }
            return count
        }
    }

    private func change(
        _ id: UniqueID, _ organizationID: UniqueID, _ statement: PostgresStatement, _ more: [PostgresParameter],
        noting note: (PostgresConnection) async throws -> Void
    ) async throws -> DeliveryChange? {
        let key: [PostgresParameter] = [.uuid(organizationID), .timestamp(id.creationTime), .uuid(id)]
        return try await pool.withTransaction(organization: organizationID) { connection in
            let changed = try await connection.query(statement, key + more)[0].decode(0, as: Int.self) > 0
            if changed { try await note(connection) }
            return try await connection.query(DeliveryStatements.get, key).first.map { row in
                let delivery = try DeliveryCoding.delivery(row)
                return changed ? .done(delivery) : .refused(delivery)
            }
        }
    }
}

extension AuditChange {
    /// How many deliveries went, and which were meant.
    fileprivate static func purged(_ count: Int, _ status: DeliveryStatus, _ filter: DeliveryFilter) -> AuditChange {
        let meant: [(name: String, value: String?)] = [
            ("count", "\(count)"), ("status", status.rawValue), ("trigger_id", filter.triggerID?.description),
            ("event_id", filter.eventID?.description), ("type", filter.kind?.rawValue),
            ("from", filter.from?.rfc3339), ("to", filter.to?.rfc3339),
        ]
        return AuditChange(
            "deliveries.purged", details: meant.compactMap { part in part.value.map { (part.name, $0) } })
    }
}

/// What is said to PostgreSQL for that.
private enum DeliveryRequests {
    static let retry = PostgresStatement(
        "delivery_retry",
        """
        WITH changed AS (
            UPDATE deliveries SET status = 'ready', run_at = now(), pushed_at = now(), finished_at = NULL,
                put_off = NULL, next_attempt_reason = NULL,
                max_attempts = greatest(max_attempts, least(attempt + 1, 32767))
            WHERE organization_id = $1 AND created_at = $2 AND id = $3 AND attempt < 32767
                AND status IN ('dead', 'cancelled', 'scheduled')
            RETURNING id
        )
        SELECT count(*) FROM changed
        """)

    static let cancel = PostgresStatement(
        "delivery_cancel",
        """
        WITH before AS (
            SELECT id, created_at, organization_id, status, attempt, started_at FROM deliveries
            WHERE organization_id = $1 AND created_at = $2 AND id = $3 AND status IN ('ready', 'scheduled', 'running')
            FOR UPDATE
        ), changed AS (
            UPDATE deliveries d SET status = 'cancelled', finished_at = now(), last_error = $4, lease_token = NULL,
                lease_until = NULL, put_off = NULL, next_attempt_reason = NULL
            FROM before WHERE d.created_at = before.created_at AND d.id = before.id
            RETURNING d.id
        ), logged AS (
            INSERT INTO attempts (delivery_id, delivery_created_at, attempt, organization_id, started_at, duration_ms,
                error)
            SELECT id, created_at, attempt, organization_id, started_at,
                least(extract(epoch FROM now() - started_at) * 1000, 2147483647)::integer, $5
            FROM before WHERE status = 'running'
        )
        SELECT count(*) FROM changed
        """)

    static let purge = PostgresStatement(
        "delivery_purge",
        """
        WITH doomed AS (
            SELECT created_at, id FROM deliveries
            WHERE organization_id = $1 AND status = $2
                AND ($3::uuid IS NULL OR trigger_id = $3)
                AND ($4::uuid IS NULL OR event_id = $4)
                AND ($5::text IS NULL OR kind = $5)
                AND ($6::timestamptz IS NULL OR created_at >= $6)
                AND ($7::timestamptz IS NULL OR created_at < $7)
            ORDER BY created_at, id LIMIT $8
            FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM deliveries d USING doomed WHERE d.created_at = doomed.created_at AND d.id = doomed.id
            RETURNING d.created_at, d.id
        ), logs AS (
            DELETE FROM attempts a USING gone WHERE a.delivery_created_at = gone.created_at AND a.delivery_id = gone.id
        )
        SELECT count(*) FROM gone
        """)
}
