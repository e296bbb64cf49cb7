public import EventModel
public import PostgresWire

/// Of which events a field history is.
public struct FieldKey: Hashable, Sendable, Comparable {
    /// Whose events they are.
    public let organizationID: UniqueID
    /// The events' type.
    public let eventType: String
    /// The part of the log.
    public let part: Int16

    /// The history that an event belongs to.
    public init(_ event: Event) {
        self.init(organizationID: event.organizationID, eventType: event.type, part: event.part)
    }

    init(organizationID: UniqueID, eventType: String, part: Int16) {
        self.organizationID = organizationID
        self.eventType = eventType
        self.part = part
    }

    /// The order in which rows are locked: the same in every statement, so that none waits for another in a circle.
    public static func < (left: FieldKey, right: FieldKey) -> Bool {
        (left.organizationID, left.part, left.eventType) < (right.organizationID, right.part, right.eventType)
    }
}

/// Which event was the first to have each field.
public struct FieldStore: Sendable {
    /// A field, and the position of the first event that had it.
    public struct Birth: Sendable, Equatable {
        /// Of which events.
        public let key: FieldKey
        /// Such as `items[].sku`.
        public let path: String
        /// In the part of the log.
        public let position: Int64

        /// Makes a birth of its members.
        public init(key: FieldKey, path: String, position: Int64) {
            self.key = key
            self.path = path
            self.position = position
        }
    }

    private let pool: PostgresPool

    /// Makes a store on a pool of the pipeline's role.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// What is known of these events.
    public func load(_ keys: [FieldKey]) async throws -> [Birth] {
        guard !keys.isEmpty else { return [] }
        let rows = try await pool.query(
            Self.load, [.uuids(keys.map(\.organizationID)), .texts(keys.map(\.eventType)), .int2s(keys.map(\.part))])
        return try rows.map { row in
            let key = FieldKey(
                organizationID: try row.decode(0), eventType: try row.decode(1), part: try row.decode(2))
            return Birth(key: key, path: try row.decode(3), position: try row.decode(4))
        }
    }

    /// Notes fields. Of what is known already the earlier position stays, so that it may be noted again and by several.
    public func note(_ births: [Birth]) async throws {
        guard !births.isEmpty else { return }
        let births = births.sorted { ($0.key, $0.path) < ($1.key, $1.path) }
        _ = try await pool.query(
            Self.note,
            [
                .uuids(births.map(\.key.organizationID)), .texts(births.map(\.key.eventType)),
                .int2s(births.map(\.key.part)), .texts(births.map(\.path)), .int8s(births.map(\.position)),
            ])
    }

    private static let load = PostgresStatement(
        "event_fields_load",
        """
        SELECT f.organization_id, f.event_type, f.part, f.path, f.born
        FROM unnest($1::uuid[], $2::text[], $3::smallint[]) AS w (organization_id, event_type, part)
        JOIN event_fields f USING (organization_id, event_type, part)
        """)

    private static let note = PostgresStatement(
        "event_fields_note",
        """
        INSERT INTO event_fields AS f (organization_id, event_type, part, path, born)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::bigint[])
        ON CONFLICT (organization_id, event_type, part, path) DO UPDATE SET born = excluded.born
        WHERE f.born > excluded.born
        """)
}
