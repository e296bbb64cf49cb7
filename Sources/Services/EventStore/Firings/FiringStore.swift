import EventModel
import PostgresWire
import TriggerEngine

/// The firings of organizations, as the API shows them. For the gateway's role.
public struct FiringStore: Sendable {
    /// Most firings that are compared to tell a shadow from what is live.
    public static let maximumCompared = 100_000
    /// Most samples of each kind of difference.
    public static let maximumSamples = 20

    private let pool: PostgresPool

    /// Makes a store on a pool.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// The organization's firings, the newest first, without explanations.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(
        organizationID: UniqueID, filter: FiringFilter = FiringFilter(), limit: Int, after: UniqueID? = nil
    ) async throws -> [FiringRecord] {
        // A firing is written after its event was received, so the event's own id narrows the partitions.
        let from = [filter.from, filter.eventID.map { Self.early($0.creationTime) }].compactMap { $0 }.max()
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                FiringQueries.list,
                [
                    .uuid(organizationID), .optional(filter.triggerID), .optional(filter.eventID),
                    .optional(filter.role?.rawValue), .optional(from), .optional(filter.to),
                    .optional(after?.creationTime), .optional(after), .int8(Int64(limit)),
                ])
        }
        return try rows.map { try Self.record($0) }
    }

    /// One firing with its explanation, or nil when the organization has none of this id.
    public func firing(_ id: UniqueID, organizationID: UniqueID) async throws -> FiringRecord? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                FiringQueries.get, [.uuid(organizationID), .timestamp(id.creationTime), .uuid(id)]
            ).first.map { try Self.record($0) }
        }
    }

    /// The first firing of a live version of a trigger for an event, with its explanation; nil when it did not fire.
    public func firing(
        of triggerID: UniqueID, for event: Event, organizationID: UniqueID
    ) async throws -> FiringRecord? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                FiringQueries.forEvent,
                [
                    .uuid(organizationID), .uuid(triggerID), .uuid(event.id),
                    .timestamp(Self.early(event.id.creationTime)),
                ]
            ).first.map { try Self.record($0) }
        }
    }

    /// What a version in shadow has fired for that the live ones did not, and the other way round, since it was made.
    public func differences(of shadow: Trigger) async throws -> ShadowDifferences {
        let scope: [PostgresParameter] = [
            .uuid(shadow.organizationID), .uuid(shadow.id), .timestamp(shadow.updatedAt), .int4(shadow.version),
            .int8(Int64(Self.maximumCompared)),
        ]
        return try await pool.withTransaction(organization: shadow.organizationID) { connection in
            let row = try await connection.query(FiringQueries.countDifferences, scope)[0]
            let samples = try await connection.query(
                FiringQueries.sampleDifferences, scope + [.int8(Int64(Self.maximumSamples))]
            ).map { row in
                try ShadowDifferences.Sample(
                    role: Self.role(row, 0), firingID: row.decode(1), eventID: row.decode(2), at: row.decode(3))
            }
            return try ShadowDifferences(
                both: row.decode(0), onlyLive: row.decode(1), onlyShadow: row.decode(2), samples: samples,
                isTruncated: row.decode(3, as: Int64.self) >= Int64(Self.maximumCompared))
        }
    }

    /// A bit before a moment: the clocks of the gateway that took an event and of the processor may differ.
    private static func early(_ moment: Timestamp) -> Timestamp {
        Timestamp(microseconds: moment.microseconds - 600 * 1_000_000)
    }

    private static func record(_ row: PostgresRow) throws -> FiringRecord {
        try FiringRecord(
            id: row.decode(0), triggerID: row.decode(1), triggerVersion: row.decode(2), role: role(row, 3),
            eventID: row.decode(4), eventReceivedAt: row.decode(5), at: row.decode(6), createdAt: row.decode(7),
            explanation: row.decodeIfPresent(8, as: PostgresJSON.self)?.bytes,
            emits: row.decodeIfPresent(9, as: PostgresJSON.self)?.bytes)
    }

    private static func role(_ row: PostgresRow, _ column: Int) throws -> TriggerRole {
        let name = try row.decode(column, as: String.self)
        guard let role = TriggerRole(rawValue: name) else {
            throw EventStoreError(.unexpected, "“\(name)” is no role of a firing")
        }
        return role
    }
}

/// What the firing store says to PostgreSQL.
private enum FiringQueries {
    private static func columns(explanation: String) -> String {
        """
        f.id, f.trigger_id, f.trigger_version, f.role, f.event_id, f.event_received_at,
            coalesce(f.at, f.event_received_at), f.created_at, \(explanation), f.emits
        """
    }

    static let list = PostgresStatement(
        "firing_list",
        """
        SELECT \(columns(explanation: "NULL::jsonb")) FROM firings f
        WHERE f.organization_id = $1
            AND ($2::uuid IS NULL OR f.trigger_id = $2)
            AND ($3::uuid IS NULL OR f.event_id = $3)
            AND ($4::text IS NULL OR f.role = $4)
            AND ($5::timestamptz IS NULL OR f.created_at >= $5)
            AND ($6::timestamptz IS NULL OR f.created_at < $6)
            AND ($7::timestamptz IS NULL OR (f.created_at, f.id) < ($7, $8::uuid))
        ORDER BY f.created_at DESC, f.id DESC LIMIT $9
        """)

    static let get = PostgresStatement(
        "firing_get",
        """
        SELECT \(columns(explanation: "f.explanation")) FROM firings f
        WHERE f.organization_id = $1 AND f.created_at = $2 AND f.id = $3
        """)

    static let forEvent = PostgresStatement(
        "firing_for_event",
        """
        SELECT \(columns(explanation: "f.explanation")) FROM firings f
        WHERE f.organization_id = $1 AND f.trigger_id = $2 AND f.event_id = $3 AND f.created_at >= $4
            AND f.role = 'live'
        ORDER BY f.created_at, f.id LIMIT 1
        """)

    /// The newest firings since a shadow began, of events received since then, by event.
    private static let compared = """
        WITH recent AS (
            SELECT f.id, f.event_id, f.role, f.created_at, coalesce(f.at, f.event_received_at) AS at FROM firings f
            WHERE f.organization_id = $1 AND f.trigger_id = $2 AND f.event_received_at >= $3
                AND f.created_at >= $3 - interval '10 minutes'
                AND (f.role = 'live' OR f.trigger_version = $4)
            ORDER BY f.created_at DESC, f.id DESC LIMIT $5
        ), compared AS (
            SELECT event_id, bool_or(role = 'live') AS live, bool_or(role = 'shadow') AS shadow, count(*) AS firings,
                (array_agg(id ORDER BY id DESC))[1] AS id, max(at) AS at
            FROM recent GROUP BY event_id
        )
        """

    static let countDifferences = PostgresStatement(
        "firing_differences_count",
        """
        \(compared)
        SELECT count(*) FILTER (WHERE live AND shadow), count(*) FILTER (WHERE NOT shadow),
            count(*) FILTER (WHERE NOT live), coalesce(sum(firings), 0)::bigint
        FROM compared
        """)

    static let sampleDifferences = PostgresStatement(
        "firing_differences_sample",
        """
        \(compared)
        (SELECT 'live', id, event_id, at FROM compared WHERE NOT shadow ORDER BY id DESC LIMIT $6)
        UNION ALL
        (SELECT 'shadow', id, event_id, at FROM compared WHERE NOT live ORDER BY id DESC LIMIT $6)
        """)
}
