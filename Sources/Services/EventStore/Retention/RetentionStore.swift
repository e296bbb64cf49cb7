public import EventModel
public import PostgresWire

/// How long an organization keeps its events.
public struct RetentionPolicy: Sendable, Equatable {
    /// The longest that can be set, in days.
    public static let maximumDays: Int32 = 36_500

    /// Name of the organization.
    public let organization: String
    /// For how many days; nil for ever.
    public let days: Int32?
}

/// One day of one table.
public struct PartitionState: Sendable, Equatable {
    /// When the policies let a partition go.
    public enum Expiry: Sendable, Equatable {
        /// Its day is not over, so that nobody knows yet who will be in it.
        case open
        /// Some organization in it keeps it for ever.
        case never
        /// From this moment on; in the past for one that could be gone.
        case at(Timestamp)
    }

    /// Name of the table, `events`.
    public let table: String
    /// Its day in UTC, `2026-01-31`.
    public let day: String
    /// About how many rows it has, as of the last time that PostgreSQL counted.
    public let estimatedRows: Int64
    /// What it takes on disk with its indexes.
    public let bytes: Int64
    /// When the policies let it go.
    public let expiry: Expiry
    /// What holds a partition that the policies let go; nil when nothing does.
    public let hold: String?

    /// Whether the policies let it go.
    public func isExpired(at now: Timestamp) -> Bool {
        if case .at(let moment) = expiry { moment <= now } else { false }
    }
}

/// Policies of retention, and the partitions that they are about.
///
/// For the administrator's role; the pipeline's may list and drop partitions, and nothing else.
public struct RetentionStore: Sendable {
    /// What became of a partition.
    public enum DropOutcome: Sendable, Equatable {
        /// It is gone.
        case dropped
        /// It stays, for this reason.
        case held(String)
        /// There is no such partition, or no more.
        case absent
        /// It could be gone, but its table was in use at each try; nothing was changed.
        case busy
    }

    private let pool: PostgresPool

    /// Makes a store.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Every organization's policy, in the order of their names.
    public func policies() async throws -> [RetentionPolicy] {
        try await pool.query(Self.listPolicies).map {
            RetentionPolicy(organization: try $0.decode(0), days: try $0.decodeIfPresent(1))
        }
    }

    /// Sets the policy of one organization, or of each that there is now; nil days are for ever.
    ///
    /// - Returns: the names of those whose policy it is now; none when there is no organization of that name.
    public func set(days: Int32?, organization: String?, by actor: AuditActor) async throws -> [String] {
        let value: PostgresParameter = days.map { .int4($0) } ?? .null
        return try await pool.withTransaction { connection in
            let rows = try await connection.query(Self.setPolicy, [value, .optional(organization)])
            let changed = try rows.map {
                try (id: $0.decode(1, as: UniqueID.self), name: $0.decode(0, as: String.self))
            }
            // In one order, so that two who set all policies don't wait for each other in a circle.
            for organization in changed.sorted(by: { $0.id < $1.id }) {
                try await actor.note(
                    AuditChange(
                        "retention.set", organization.id.description,
                        details: [("days", days.map { "\($0)" } ?? "for ever")]),
                    organizationID: organization.id, on: connection)
            }
            return changed.map(\.name).sorted()
        }
    }

    /// Every partition, in an order in which they can be dropped.
    public func partitions() async throws -> [PartitionState] {
        try await pool.query(Self.listPartitions).map { row in
            let expiry: PartitionState.Expiry =
                if try row.decode(5, as: Bool.self) {
                    .never
                } else {
                    try row.decodeIfPresent(4, as: Timestamp.self).map { .at($0) } ?? .open
                }
            return PartitionState(
                table: try row.decode(0), day: try row.decode(1), estimatedRows: try row.decode(2),
                bytes: try row.decode(3), expiry: expiry, hold: try row.decodeIfPresent(6))
        }
    }

    /// Drops the partition of a table and a day, unless the database finds that something holds it.
    ///
    /// Appends wait while it waits for its table, so each wait is short (100 ms), and tries lie apart.
    public func drop(_ table: String, day: String, tries: Int = 20) async throws -> DropOutcome {
        for attempt in 0..<max(1, tries) {
            do throws(PostgresError) {
                let rows = try await pool.query(Self.drop, [.text(table), .text(day)])
                guard try rows[0].decode(0, as: Bool.self) else {
                    return try rows[0].decodeIfPresent(1, as: String.self).map { .held($0) } ?? .absent
                }
                RetentionMetrics.dropped(table)
                return .dropped
            } catch {
                guard error.sqlState == SQLState.lockNotAvailable || error.sqlState == SQLState.deadlockDetected else {
                    throw error
                }
            }
            if attempt + 1 < tries { try await Task.sleep(for: .milliseconds(Int.random(in: 100...400))) }
        }
        return .busy
    }

    /// Forgets a follower that will not come back, so that it holds nothing any more.
    ///
    /// - Returns: false when there is none of that name, when it moved within the last hour, or when it is one of the
    ///   processor's own, which would begin anew.
    public func forget(follower: String) async throws -> Bool {
        try await pool.query(Self.forget, [.text(follower)]).affectedRows > 0
    }

    private static let listPolicies = PostgresStatement(
        "retention_policies", "SELECT name, retention_days FROM organizations ORDER BY name")

    private static let setPolicy = PostgresStatement(
        "retention_set",
        "UPDATE organizations SET retention_days = $1 WHERE $2::text IS NULL OR name = $2 RETURNING name, id")

    private static let listPartitions = PostgresStatement(
        "retention_partitions",
        """
        SELECT parent, to_char(day, 'YYYY-MM-DD'), estimated_rows, bytes, nullif(expiry, 'infinity'),
            expiry IS NOT DISTINCT FROM 'infinity', hold
        FROM retention_partitions()
        """)

    private static let drop = PostgresStatement(
        "retention_drop", "SELECT dropped, hold FROM drop_partition($1, $2::text::date)")

    private static let forget = PostgresStatement(
        "retention_forget",
        """
        DELETE FROM follower_positions
        WHERE follower = $1 AND follower NOT IN ('event-processor', 'rollup', 'schemas') AND NOT EXISTS (
            SELECT FROM follower_positions f WHERE f.follower = $1 AND f.updated_at > now() - interval '1 hour')
        """)
}
