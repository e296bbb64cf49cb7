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
        var outcomes: [[AppendOutcome]] = []
        var index = 0
        for request in requests {
            var answers: [AppendOutcome] = []
            answers.reserveCapacity(request.events.count)
            for _ in request.events {
                answers.append(try Self.outcome(rows[index]))
                index += 1
            }
            outcomes.append(answers)
        }
        return outcomes
    }

    private static func outcome(_ row: PostgresRow) throws(PostgresError) -> AppendOutcome {
        let id = try row.decode(1, as: UniqueID.self)
        switch try row.decode(0, as: Int16.self) {
        case 0: return .stored(id: id, receivedAt: try row.decode(2))
        case 1: return .duplicate(id: id, receivedAt: try row.decode(2))
        default: return .conflict(id: id)
        }
    }

    private static func parameters(_ requests: [AppendRequest], again: Bool) -> [PostgresParameter] {
        let events = requests.flatMap(\.events)
        let organizations = requests.flatMap { request in request.events.map { _ in request.organizationID } }
        let parts = requests.flatMap { request in
            let part = LogPart.part(of: request.organizationID)
            return request.events.map { _ in part }
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
        SELECT outcome, stored_id, stored_at FROM append_events($1::uuid[], $2::uuid[], $3::smallint[], $4::text[],
            $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::jsonb[], $12::jsonb[],
            $13)
        """)
}
