public import EventModel
public import PostgresWire

/// What is asked of the counts.
public struct StatsQuery: Sendable {
    /// By what counts are kept apart.
    public enum Grouping: String, Sendable, CaseIterable {
        case type, source
    }

    /// Which time, in which buckets.
    public var window: StatsWindow
    /// By what; nothing for one number a bucket.
    public var grouping: Set<Grouping>
    /// Events of this type alone.
    public var type: String?
    /// Events of this source alone.
    public var source: String?
    /// Most groups that are named; those with the most events are.
    public var groupLimit: Int

    /// Makes a query.
    public init(
        window: StatsWindow, grouping: Set<Grouping> = [], type: String? = nil, source: String? = nil,
        groupLimit: Int = 20
    ) {
        self.window = window
        self.grouping = grouping
        self.type = type
        self.source = source
        self.groupLimit = groupLimit
    }
}

/// What the counts say.
public struct EventStats: Sendable {
    /// A group; nil members are those that it was not grouped by, or, where `isRest`, all that were not named.
    public struct Group: Sendable, Hashable {
        /// The events' type.
        public let type: String?
        /// The events' source.
        public let source: String?
        /// Whether it stands for all groups that are not named.
        public let isRest: Bool

        /// Makes a group.
        public init(type: String?, source: String?, isRest: Bool = false) {
            self.type = type
            self.source = source
            self.isRest = isRest
        }
    }

    /// How many events of a group were received in a bucket.
    public struct Point: Sendable {
        /// Beginning of the bucket.
        public let time: Timestamp
        /// Whose events.
        public let group: Group
        /// How many.
        public let count: Int64

        /// Makes a point.
        public init(time: Timestamp, group: Group, count: Int64) {
            self.time = time
            self.group = group
            self.count = count
        }
    }

    /// In the order of time, then of the groups' sizes; buckets without events are not among them.
    public let points: [Point]
    /// Events in this time whose type and source were too many to be told apart (see the migration).
    ///
    /// A filter by type or source leaves them out; without one they are counted, among the rest.
    public let overflow: Int64
    /// Every event received before is counted; nil before the first.
    public let asOf: Timestamp?
    /// Events of the organization's part of the log that are not counted yet.
    public let lag: Int64
}

/// Answers from the counts that ``RollupKeeper`` keeps, never from the events.
public struct StatsStore: Sendable {
    /// Most points of an answer.
    public static let maximumPoints = 10_000

    private let pool: PostgresPool

    /// Makes a store on a pool of the gateway's role.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// The counts; nil when they are more than ``maximumPoints``.
    public func stats(_ query: StatsQuery, organizationID: UniqueID) async throws -> EventStats? {
        let window = query.window
        let ranges: [PostgresParameter] = [
            .uuid(organizationID), .timestamp(window.hours.lowerBound), .timestamp(window.hours.upperBound),
            .timestamp(window.minutes.before.lowerBound), .timestamp(window.minutes.before.upperBound),
            .timestamp(window.minutes.after.lowerBound), .timestamp(window.minutes.after.upperBound),
        ]
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            // The state first: what is counted in between makes it too modest, never too bold.
            try await connection.pipeline([
                (StatsStatements.state, [.int2(LogPart.part(of: organizationID)), .text(RollupKeeper.follower)]),
                (
                    StatsStatements.points,
                    ranges + [
                        .timestamp(window.from), .int8(window.interval == nil ? 0 : window.bucketSeconds),
                        .bool(query.grouping.contains(.type)), .bool(query.grouping.contains(.source)),
                        .optional(query.type), .optional(query.source), .int8(Int64(query.groupLimit)),
                        .int8(Int64(Self.maximumPoints + 1)),
                    ]
                ),
                (StatsStatements.overflow, ranges),
            ])
        }
        guard rows[1].count <= Self.maximumPoints, let state = rows[0].first else { return nil }
        let points = try rows[1].map { row in
            EventStats.Point(
                time: try row.decode(0),
                group: EventStats.Group(
                    type: try row.decodeIfPresent(1), source: try row.decodeIfPresent(2), isRest: try row.decode(3)),
                count: try row.decode(4))
        }
        return EventStats(
            points: points, overflow: try rows[2][0].decode(0), asOf: try state.decodeIfPresent(1),
            lag: try state.decode(0))
    }
}

/// What the statistics say to PostgreSQL.
private enum StatsStatements {
    /// The rows of the window: $1 is the organization, $2 to $7 are the hours and the minutes before and after them.
    private static let counted = """
        SELECT c.bucket, c.type, c.source, c.count FROM event_counts_1h c
        WHERE c.organization_id = $1 AND c.bucket >= $2 AND c.bucket < $3
        UNION ALL
        SELECT c.bucket, c.type, c.source, c.count FROM event_counts_1m c
        WHERE c.organization_id = $1 AND c.bucket >= $4 AND c.bucket < $5
        UNION ALL
        SELECT c.bucket, c.type, c.source, c.count FROM event_counts_1m c
        WHERE c.organization_id = $1 AND c.bucket >= $6 AND c.bucket < $7
        """

    static let points = PostgresStatement(
        "stats_points",
        """
        WITH wanted AS (
            SELECT
                CASE WHEN $9 = 0 THEN $8
                    ELSE date_bin(make_interval(secs => $9), c.bucket, '2001-01-01 00:00:00+00') END AS bucket,
                CASE WHEN $10 THEN c.type END AS type, CASE WHEN $11 THEN c.source END AS source,
                c.type = '' AND ($10 OR $11) AS is_overflow, c.count
            FROM (\(counted)) c
            WHERE ($12::text IS NULL OR c.type = $12) AND ($13::text IS NULL OR (c.source = $13 AND c.type <> ''))
        ), grouped AS (
            SELECT bucket, type, source, is_overflow, sum(count)::bigint AS count,
                sum(sum(count)) OVER (PARTITION BY type, source, is_overflow) AS total
            FROM wanted GROUP BY 1, 2, 3, 4
        ), placed AS (
            SELECT bucket, type, source, count,
                CASE WHEN is_overflow THEN $14 + 1 ELSE least(
                    $14 + 1, dense_rank() OVER (ORDER BY is_overflow, total DESC, type, source)) END AS rank
            FROM grouped
        )
        SELECT bucket, CASE WHEN rank <= $14 THEN type END, CASE WHEN rank <= $14 THEN source END, rank > $14,
            sum(count)::bigint
        FROM placed GROUP BY bucket, rank, 2, 3 ORDER BY bucket, rank LIMIT $15
        """)

    static let overflow = PostgresStatement(
        "stats_overflow",
        "SELECT coalesce(sum(c.count), 0)::bigint FROM (\(counted)) c WHERE c.type = ''")

    static let state = PostgresStatement(
        "stats_state",
        """
        SELECT p.head - coalesce(f.position, 0),
            CASE WHEN p.head <= coalesce(f.position, 0) THEN now() ELSE f.reached END
        FROM log_parts p LEFT JOIN follower_positions f ON f.part = p.part AND f.follower = $2
        WHERE p.part = $1
        """)
}
