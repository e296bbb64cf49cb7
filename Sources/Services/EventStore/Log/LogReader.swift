public import EventModel
public import PostgresWire

/// Reads the log without a stored position, for followers whose effects lie outside PostgreSQL and who keep their
/// position with their effects.
public struct LogReader: Sendable {
    private let pool: PostgresPool

    /// Makes a reader on a pool of the pipeline's role.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// The position of the newest event of each part, in the order of the parts.
    public func heads() async throws -> [(part: Int16, head: Int64)] {
        try await pool.query(Self.heads).map { (try $0.decode(0), try $0.decode(1)) }
    }

    /// At most `limit` events of a part after a position, in log order; fewer where their data is large.
    public func read(part: Int16, after position: Int64, limit: Int) async throws -> [Event] {
        try EventRows.events(
            try await pool.query(Self.read, [.int2(part), .int8(position), .int8(Int64(limit))]))
    }

    /// The stable number of each event type, given now where there is none yet; in the order asked for.
    public func intentNumbers(for types: [(organizationID: UniqueID, eventType: String)]) async throws -> [Int32] {
        let parameters: [PostgresParameter] = [
            .uuids(types.map(\.organizationID)), .texts(types.map(\.eventType)),
        ]
        _ = try await pool.query(Self.addTypes, parameters)
        return try await pool.query(Self.typeNumbers, parameters).map { try $0.decode(0) }
    }

    /// Tells retention how far a follower has come that keeps its position with its effects, so that nothing is dropped
    /// that it has not read. What it goes on from is its own position and not this.
    public func note(_ positions: [Int16: Int64], of follower: String) async throws {
        let entries = positions.sorted { $0.key < $1.key }
        _ = try await pool.query(
            Self.note, [.text(follower), .int2s(entries.map(\.key)), .int8s(entries.map(\.value))])
    }

    static let read = PostgresStatement(
        "log_read",
        """
        SELECT \(EventRows.columns) FROM (
            SELECT *, sum(pg_column_size(data)) OVER (ORDER BY position) - pg_column_size(data) AS before
            FROM events WHERE part = $1 AND position > $2 ORDER BY position LIMIT $3
        ) e WHERE e.before < \(batchBytes) ORDER BY e.position
        """)

    /// Events are no longer read when the data of those before comes to so much, as it is stored: data of a mebibyte
    /// each would fill the memory otherwise.
    private static let batchBytes = 8 << 20

    private static let note = PostgresStatement(
        "log_note",
        """
        INSERT INTO follower_positions AS f (follower, part, position)
        SELECT $1, n.part, n.position FROM unnest($2::smallint[], $3::bigint[]) AS n (part, position)
        ON CONFLICT (follower, part) DO UPDATE SET position = excluded.position, updated_at = now()
        """)

    private static let heads = PostgresStatement("log_heads", "SELECT part, head FROM log_parts ORDER BY part")

    /// Two statements, because the second must see what the first, or somebody else at the same time, has added.
    private static let addTypes = PostgresStatement(
        "event_types_add",
        """
        INSERT INTO event_types (organization_id, type)
        SELECT DISTINCT w.organization_id, w.type FROM unnest($1::uuid[], $2::text[]) AS w (organization_id, type)
        WHERE NOT EXISTS (SELECT FROM event_types t WHERE t.organization_id = w.organization_id AND t.type = w.type)
        ON CONFLICT (organization_id, type) DO NOTHING
        """)

    private static let typeNumbers = PostgresStatement(
        "event_types_numbers",
        """
        SELECT t.number FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS w (organization_id, type, n)
        JOIN event_types t USING (organization_id, type) ORDER BY w.n
        """)
}
