import EventModel
import PostgresWire

/// What was before an event.
public struct EventHistory: Sendable {
    /// In the order of the log, the event itself last.
    public let events: [Event]
    /// Whether there are more, before those, that were asked for.
    public let isCut: Bool

    /// Makes a history of its members.
    public init(events: [Event], isCut: Bool) {
        self.events = events
        self.isCut = isCut
    }
}

extension EventReader {
    /// The newest events before one, and itself, as far back as was asked for.
    ///
    /// - Parameters:
    ///   - since: the first received time.
    ///   - types: the types that are read; nil reads all.
    ///   - limit: most events before it.
    public func history(
        of event: Event, since: Timestamp, types: [String]?, limit: Int
    ) async throws -> EventHistory {
        let rows = try await bounded(event.organizationID) { connection in
            try await connection.query(
                Self.before,
                [
                    .uuid(event.organizationID), .int2(event.part), .int8(event.position), .timestamp(since),
                    types.map { .texts($0) } ?? .null, .int8(Int64(limit) + 1),
                ])
        }
        let before = try rows.prefix(limit).map { try EventRows.event($0) }
        return EventHistory(events: before.reversed() + [event], isCut: rows.count > limit)
    }

    /// The newest events of a time before a position, newest first, for who reads back page by page.
    ///
    /// - Parameters:
    ///   - before: a position of the organization's part; nil begins at the end.
    ///   - types: the types that are read; nil reads all.
    public func newest(
        from: Timestamp, to: Timestamp, types: [String]?, before: Int64?, limit: Int, organizationID: UniqueID
    ) async throws -> [Event] {
        try await bounded(organizationID) { connection in
            let rows = try await connection.query(
                Self.newest,
                [
                    .uuid(organizationID), .int2(LogPart.part(of: organizationID)), .int8(before ?? .max),
                    .timestamp(from), .timestamp(to), types.map { .texts($0) } ?? .null, .int8(Int64(limit)),
                ])
            return try EventRows.events(rows)
        }
    }

    /// Whether the event-processor has evaluated an event.
    public func isEvaluated(_ event: Event) async throws -> Bool {
        try await bounded(event.organizationID) { connection in
            let rows = try await connection.query(Self.evaluated, [.int2(event.part), .int8(event.position)])
            return !rows.isEmpty
        }
    }

    private static let evaluated = PostgresStatement(
        "event_evaluated",
        """
        SELECT FROM follower_positions WHERE follower = 'event-processor' AND part = $1 AND position >= $2
        """)

    private static let newest = PostgresStatement(
        "event_newest",
        """
        SELECT \(EventRows.columns) FROM events e
        WHERE e.organization_id = $1 AND e.part = $2 AND e.position < $3
            AND e.received_at >= $4 AND e.received_at < $5 AND ($6::text[] IS NULL OR e.type = ANY ($6))
        ORDER BY e.position DESC LIMIT $7
        """)

    private static let before = PostgresStatement(
        "event_history",
        """
        SELECT \(EventRows.columns) FROM events e
        WHERE e.organization_id = $1 AND e.part = $2 AND e.position < $3 AND e.received_at >= $4
            AND ($5::text[] IS NULL OR e.type = ANY ($5))
        ORDER BY e.position DESC LIMIT $6
        """)
}
