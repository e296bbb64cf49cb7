public import EventModel
public import PostgresWire

/// Reads one organization's events.
///
/// Lists are in the order of log positions, which is the order of commits: a page that has been read never changes, and
/// events that come in while somebody pages appear at the new end only.
public struct EventReader: Sendable {
    private let pool: PostgresPool

    /// Makes a reader on a pool of the gateway's role.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// One event, or nil when the organization has none of this id.
    public func event(_ id: UniqueID, organizationID: UniqueID) async throws -> Event? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await find(id, organizationID, on: connection)
        }
    }

    /// At most `limit` events after a cursor.
    ///
    /// - Parameter cursor: the id of the last event of the page before.
    /// - Throws: ``EventStoreError`` of code `invalidCursor` when there is no such event.
    public func list(
        organizationID: UniqueID, filter: EventFilter, order: EventOrder, limit: Int, after cursor: String?
    ) async throws -> [Event] {
        try await pool.withTransaction(organization: organizationID) { connection in
            var position: Int64?
            if let cursor {
                guard let id = UniqueID(cursor), let last = try await find(id, organizationID, on: connection) else {
                    throw EventStoreError(.invalidCursor, "no event has the id of the cursor")
                }
                position = last.position
            }
            let statement = order == .ascending ? Self.listAscending : Self.listDescending
            let rows = try await connection.query(
                statement,
                [
                    .uuid(organizationID), .int2(LogPart.part(of: organizationID)), .optional(filter.type),
                    .optional(filter.from), .optional(filter.to), .optional(position), .int8(Int64(limit)),
                ])
            return try EventRows.events(rows)
        }
    }

    private func find(
        _ id: UniqueID, _ organizationID: UniqueID, on connection: PostgresConnection
    ) async throws -> Event? {
        // The id's own millisecond names the one partition to look in.
        let from = Timestamp(milliseconds: id.timestampMilliseconds)
        let to = Timestamp(milliseconds: id.timestampMilliseconds + 1)
        let rows = try await connection.query(
            Self.get, [.uuid(organizationID), .uuid(id), .timestamp(from), .timestamp(to)])
        return try rows.first.map { try EventRows.event($0) }
    }

    private static let get = PostgresStatement(
        "event_get",
        """
        SELECT \(EventRows.columns) FROM events e
        WHERE e.organization_id = $1 AND e.id = $2 AND e.received_at >= $3 AND e.received_at < $4
        """)

    private static let filter = """
        e.organization_id = $1 AND e.part = $2 AND ($3::text IS NULL OR e.type = $3)
        AND ($4::timestamptz IS NULL OR e.received_at >= $4) AND ($5::timestamptz IS NULL OR e.received_at < $5)
        """

    private static let listAscending = PostgresStatement(
        "event_list_ascending",
        """
        SELECT \(EventRows.columns) FROM events e
        WHERE \(filter) AND ($6::bigint IS NULL OR e.position > $6) ORDER BY e.position LIMIT $7
        """)

    private static let listDescending = PostgresStatement(
        "event_list_descending",
        """
        SELECT \(EventRows.columns) FROM events e
        WHERE \(filter) AND ($6::bigint IS NULL OR e.position < $6) ORDER BY e.position DESC LIMIT $7
        """)
}
