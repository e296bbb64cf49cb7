import EventModel
import PostgresWire

/// Events of one organization that are to be appended together.
struct AppendRequest: Sendable {
    let organizationID: UniqueID
    let events: [NewEvent]
}

/// Says `append_events` to PostgreSQL: one statement, one transaction, for any number of requests.
struct EventAppender: Sendable {
    let session: any PostgresSession

    /// Appends all, or throws and has appended none (or, after a lost connection, all).
    ///
    /// - Parameter again: whether an earlier try of the same events ended without an answer.
    func append(_ requests: [AppendRequest], again: Bool) async throws(PostgresError) -> [[AppendOutcome]] {
        let rows = try await session.query(Self.statement, Self.parameters(requests, again: again))
        var outcomes = requests.map { request in
            request.events.map { AppendOutcome.stored(id: $0.id, receivedAt: $0.receivedAt) }
        }
        guard rows.count > 0 else { return outcomes }
        let places = requests.indices.flatMap { request in
            requests[request].events.indices.map { (request: request, event: $0) }
        }
        for row in rows {
            let place = places[Int(try row.decode(0, as: Int32.self)) - 1]
            outcomes[place.request][place.event] = try Self.outcome(row)
        }
        return outcomes
    }

    private static func outcome(_ row: PostgresRow) throws(PostgresError) -> AppendOutcome {
        let id = try row.decode(2, as: UniqueID.self)
        return try row.decode(1, as: Int16.self) == 1
            ? .duplicate(id: id, receivedAt: try row.decode(3)) : .conflict(id: id)
    }

    private static func parameters(_ requests: [AppendRequest], again: Bool) -> [PostgresParameter] {
        var events: [NewEvent] = []
        var organizations: [UniqueID] = []
        var parts: [Int16] = []
        for request in requests {
            let part = LogPart.part(of: request.organizationID)
            events += request.events
            organizations += repeatElement(request.organizationID, count: request.events.count)
            parts += repeatElement(part, count: request.events.count)
        }
        return [
            .uuids(events.map(\.id)), .uuids(organizations), .int2s(parts), .texts(events.map(\.envelope.type)),
            .texts(events.map(\.envelope.source)), .texts(events.map(\.envelope.subject)),
            .timestamps(events.map(\.envelope.time)), .timestamps(events.map(\.receivedAt)),
            .texts(events.map(\.envelope.producerID)), .texts(events.map(\.envelope.traceparent)),
            .jsonbs(events.map(\.envelope.data)), .jsonbs(events.map(\.envelope.metadata)), .bool(again),
        ]
    }

    private static let statement = PostgresStatement(
        "append_events",
        """
        SELECT item, outcome, stored_id, stored_at FROM append_events($1::uuid[], $2::uuid[], $3::smallint[],
            $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[],
            $11::jsonb[], $12::jsonb[], $13)
        """)
}
