public import EventModel
public import PostgresWire
public import TriggerEngine

/// Events that follow from others, within the transaction that works on those.
public struct DerivedEvents: Sendable {
    /// Makes a writer.
    public init() {}

    /// Reads the events of references, parsed, by their ids; those that are gone are not in the answer.
    public func events(
        at references: some Collection<EventReference>, on connection: PostgresConnection
    ) async throws -> [UniqueID: ParsedEvent] {
        guard !references.isEmpty else { return [:] }
        let rows = try await connection.query(
            Self.read, [.uuids(references.map(\.id)), .timestamps(references.map(\.receivedAt))])
        let events = try EventRows.events(rows)
        // One that cannot be read was no event that a gateway took; it is as good as gone.
        return Dictionary(
            events.compactMap { event in (try? ParsedEvent(event)).map { (event.id, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Appends events, each for its organization, behind everything that there is.
    ///
    /// The heads of their parts stay locked until the transaction ends, which holds up all that append there, so that
    /// this should be the last that it does.
    public func append(_ events: [(UniqueID, NewEvent)], on connection: PostgresConnection) async throws {
        guard !events.isEmpty else { return }
        let requests = events.map { AppendRequest(organizationID: $0, events: [$1]) }
        _ = try await EventAppender(session: connection).append(requests, again: false)
    }

    private static let read = PostgresStatement(
        "events_by_reference",
        """
        SELECT \(EventRows.columns) FROM unnest($1::uuid[], $2::timestamptz[]) AS w (id, received_at)
        JOIN events e USING (id, received_at)
        """)
}

/// Tells followers, without a transaction of its own, that events were appended.
public struct AppendHint: Sendable {
    private let pool: PostgresPool

    /// Makes a sender on any pool.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Sends the hint; one that is lost delays work by no more than the followers' polling interval.
    public func send() async {
        _ = try? await pool.query(Notifier.statement)
    }
}
