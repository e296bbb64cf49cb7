import EventModel
import PostgresWire

/// The reads of streams, each of one organization's events in the order of their positions.
struct LiveReader: Sendable {
    /// Where a subscription begins.
    struct Start {
        /// The newest position of the organization's part.
        let head: Int64
        /// The position of the event that was asked for, or the head; nil when there is no such event.
        let position: Int64?
        /// The event that was asked for, or the newest that was found without a long search.
        let id: UniqueID?
    }

    struct Page {
        let events: [Event]
        /// Whether the page ended for its size.
        let hasMore: Bool
    }

    let pool: PostgresPool

    func start(organizationID: UniqueID, after id: UniqueID?) async throws -> Start {
        try await pool.withTransaction(organization: organizationID) { connection in
            let part = LogPart.part(of: organizationID)
            let head = try await connection.query(Self.head, [.int2(part)])[0].decode(0, as: Int64.self)
            guard let id else {
                let newest = try await connection.query(
                    Self.newest, [.uuid(organizationID), .int2(part), .int8(head - Self.searched), .int8(head)])
                return Start(head: head, position: head, id: try newest.first?.decode(0))
            }
            // The id's own millisecond names the one partition to look in.
            let from = Timestamp(milliseconds: id.timestampMilliseconds)
            let to = Timestamp(milliseconds: id.timestampMilliseconds + 1)
            let rows = try await connection.query(
                Self.position, [.uuid(organizationID), .uuid(id), .timestamp(from), .timestamp(to)])
            return Start(head: head, position: try rows.first?.decode(0), id: id)
        }
    }

    func heads(of parts: [Int16]) async throws -> [Int16: Int64] {
        var heads: [Int16: Int64] = [:]
        for row in try await pool.query(Self.heads, [.int2s(parts)]) {
            heads[try row.decode(0, as: Int16.self)] = try row.decode(1)
        }
        return heads
    }

    func page(organizationID: UniqueID, after position: Int64, _ limits: LiveTailLimits) async throws -> Page {
        try await pool.withTransaction(organization: organizationID) { connection in
            let rows = try await connection.query(
                Self.page,
                [
                    .uuid(organizationID), .int2(LogPart.part(of: organizationID)), .int8(position),
                    .int8(Int64(limits.batchEvents)), .int8(Int64(limits.batchBytes)),
                ])
            let found = try rows.first?.decode(EventRows.columnCount, as: Int64.self) ?? 0
            let events = try EventRows.events(rows)
            return Page(
                events: events, hasMore: events.count < Int(found) || events.count == limits.batchEvents)
        }
    }

    /// How many positions of a part, which organizations share, the newest event is looked for in.
    private static let searched: Int64 = 1_000

    private static let newest = PostgresStatement(
        "live_newest",
        """
        SELECT e.id FROM events e
        WHERE e.organization_id = $1 AND e.part = $2 AND e.position > $3 AND e.position <= $4
        ORDER BY e.position DESC LIMIT 1
        """)

    private static let head = PostgresStatement("live_head", "SELECT head FROM log_parts WHERE part = $1")

    private static let heads = PostgresStatement(
        "live_heads", "SELECT part, head FROM log_parts WHERE part = ANY ($1::smallint[])")

    private static let position = PostgresStatement(
        "live_position",
        """
        SELECT e.position FROM events e
        WHERE e.organization_id = $1 AND e.id = $2 AND e.received_at >= $3 AND e.received_at < $4
        """)

    // Sizes are summed before any large value is read, so that a page of large events is not read whole.
    private static let page = PostgresStatement(
        "live_page",
        """
        SELECT \(EventRows.columns), e.found FROM (
            SELECT p.*, pg_column_size(p.data) AS size, sum(pg_column_size(p.data)) OVER (ORDER BY p.position) AS total,
                count(*) OVER () AS found
            FROM (
                SELECT * FROM events WHERE organization_id = $1 AND part = $2 AND position > $3
                ORDER BY position LIMIT $4
            ) p
        ) e
        WHERE e.total - e.size < $5 ORDER BY e.position
        """)
}
