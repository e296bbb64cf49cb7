public import EventModel
public import PostgresWire

/// Reads one organization's events.
///
/// Lists are in the order of log positions, which is the order of commits: a page that has been read never changes, and
/// events that come in while somebody pages appear at the new end only. How they are found is told in `EventSearch`.
public struct EventReader: Sendable {
    private let pool: PostgresPool
    private let budget: SearchBudget

    /// Makes a reader on a pool of the gateway's role.
    public init(pool: PostgresPool, budget: SearchBudget = SearchBudget()) {
        self.pool = pool
        self.budget = budget
    }

    /// One event, or nil when the organization has none of this id.
    public func event(_ id: UniqueID, organizationID: UniqueID) async throws -> Event? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await find(id, organizationID, on: connection)
        }
    }

    /// The events of these ids, as far as the organization has them.
    public func events(_ ids: [UniqueID], organizationID: UniqueID) async throws -> [UniqueID: Event] {
        guard !ids.isEmpty else { return [:] }
        let milliseconds = ids.map(\.timestampMilliseconds)
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                Self.getAll,
                [
                    .uuid(organizationID), .uuids(ids),
                    .timestamps(milliseconds.map { Timestamp(milliseconds: $0) }),
                    .timestamps(milliseconds.map { Timestamp(milliseconds: $0 + 1) }),
                ])
        }
        return Dictionary(try EventRows.events(rows).map { ($0.id, $0) }) { first, _ in first }
    }

    /// A page of at most `limit` events after a cursor; see ``EventPage`` for when it has fewer.
    ///
    /// - Parameter cursor: ``EventPage/nextCursor`` of the page before, or the id of any event.
    /// - Throws: ``EventStoreError`` of code `invalidCursor` when there is no such event, and of code `timedOut` when a
    ///   statement took longer than the budget allows.
    public func list(
        organizationID: UniqueID, filter: EventFilter, order: EventOrder, limit: Int, after cursor: String?
    ) async throws -> EventPage {
        try await bounded(organizationID) { connection in
            let position = try await position(of: cursor, organizationID, on: connection)
            var search = EventSearch(
                connection: connection, organizationID: organizationID, filter: filter, order: order,
                limit: limit + 1, budget: budget)
            let next = try await search.run(after: position)
            return EventPage(events: Array(search.found.prefix(limit)), nextCursor: next)
        }
    }

    /// A transaction in which a statement that takes too long has an error of its own.
    func bounded<R: Sendable>(
        _ organizationID: UniqueID, _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        do {
            return try await pool.withTransaction(organization: organizationID) { try await body($0) }
        } catch let error as PostgresError {
            guard error.sqlState == SQLState.queryCanceled else { throw error }
            throw EventStoreError(.timedOut, error.description)
        }
    }

    private func position(
        of cursor: String?, _ organizationID: UniqueID, on connection: PostgresConnection
    ) async throws -> Int64? {
        guard let cursor else { return nil }
        guard let id = UniqueID(cursor), let last = try await find(id, organizationID, on: connection) else {
            throw EventStoreError(.invalidCursor, "no event has the id of the cursor")
        }
        return last.position
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

    private static let getAll = PostgresStatement(
        "events_get",
        """
        SELECT \(EventRows.columns)
        FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS w (id, from_at, to_at)
        JOIN events e ON e.id = w.id AND e.received_at >= w.from_at AND e.received_at < w.to_at
        WHERE e.organization_id = $1
        """)

    private static let get = PostgresStatement(
        "event_get",
        """
        SELECT \(EventRows.columns) FROM events e
        WHERE e.organization_id = $1 AND e.id = $2 AND e.received_at >= $3 AND e.received_at < $4
        """)
}
