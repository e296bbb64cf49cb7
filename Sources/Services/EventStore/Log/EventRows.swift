import EventModel
import PostgresWire

/// Events as rows.
enum EventRows {
    static let columns = """
        e.id, e.organization_id, e.part, e.position, e.type, e.source, e.subject, e.time, e.received_at, \
        e.producer_id, e.traceparent, e.data, e.metadata
        """
    static let columnCount = 13

    static func event(_ row: PostgresRow) throws(PostgresError) -> Event {
        Event(
            id: try row.decode(0), organizationID: try row.decode(1), part: try row.decode(2),
            position: try row.decode(3), type: try row.decode(4), source: try row.decode(5),
            subject: try row.decodeIfPresent(6), time: try row.decode(7), receivedAt: try row.decode(8),
            producerID: try row.decodeIfPresent(9), traceparent: try row.decodeIfPresent(10),
            data: try row.decode(11, as: PostgresJSON.self).bytes,
            metadata: try row.decodeIfPresent(12, as: PostgresJSON.self)?.bytes)
    }

    static func events(_ rows: PostgresRows) throws(PostgresError) -> [Event] {
        var events: [Event] = []
        events.reserveCapacity(rows.count)
        for row in rows { events.append(try event(row)) }
        return events
    }
}
