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

    /// What is read: positions behind `position` up to `end`, which is committed.
    struct Range {
        let organizationID: UniqueID
        let position: Int64
        let end: Int64
        /// The types that are wanted; nil for all.
        let types: Set<String>?
    }

    struct Page {
        let events: [Event]
        /// Up to where nothing that is wanted is left out.
        let reached: Int64
        /// The newest event up to there, whether it is wanted or not; nil when there is none in the range.
        let newestID: UniqueID?
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

    /// Reads from the beginning of a range as much as the bounds allow, but at least one event that is wanted.
    func page(_ range: Range, events limit: Int, weight: Int) async throws -> Page {
        try await pool.withTransaction(organization: range.organizationID) { connection in
            let organization = PostgresParameter.uuid(range.organizationID)
            let part = PostgresParameter.int2(LogPart.part(of: range.organizationID))
            let rows = try await connection.query(
                Self.page,
                [
                    organization, part, .int8(range.position), .int8(range.end),
                    range.types.map { .texts(Array($0)) } ?? .null, .int8(Int64(limit)), .int8(Int64(weight)),
                ])
            let found = try rows.first?.decode(EventRows.columnCount, as: Int64.self) ?? 0
            let events = try EventRows.events(rows)
            let isWhole = events.count == Int(found) && events.count < limit
            let reached = isWhole ? range.end : events.last?.position ?? range.end
            guard range.types != nil, isWhole else {
                return Page(events: events, reached: reached, newestID: events.last?.id)
            }
            let newest = try await connection.query(
                Self.newest, [organization, part, .int8(range.position), .int8(reached)])
            return Page(events: events, reached: reached, newestID: try newest.first?.decode(0))
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

    // Weights are summed before any large value is read, so that a page of large events is not read whole. A compressed
    // value tells only what it takes on disk; sixteen times that is more than most hold, and a sixth of what one can.
    private static let page = PostgresStatement(
        "live_page",
        """
        SELECT \(EventRows.columns), e.found FROM (
            SELECT p.*, sum(p.weight) OVER (ORDER BY p.position) AS total, count(*) OVER () AS found
            FROM (
                SELECT w.*, 256 + coalesce(pg_column_size(w.metadata), 0) + pg_column_size(w.data)
                    * CASE WHEN pg_column_compression(w.data) IS NULL THEN 1 ELSE 16 END AS weight
                FROM events w
                WHERE w.organization_id = $1 AND w.part = $2 AND w.position > $3 AND w.position <= $4
                    AND ($5::text[] IS NULL OR w.type = ANY ($5))
                ORDER BY w.position LIMIT $6
            ) p
        ) e
        WHERE e.total - e.weight < $7 ORDER BY e.position
        """)
}
