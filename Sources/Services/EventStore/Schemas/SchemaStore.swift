import EventModel
import JSONTree
import PostgresWire
import SchemaLearning

/// What a learned schema belongs to.
public struct SchemaKey: Hashable, Sendable, Comparable {
    /// Whose events they are.
    public let organizationID: UniqueID
    /// The events' type.
    public let eventType: String

    /// Makes a key.
    public init(organizationID: UniqueID, eventType: String) {
        self.organizationID = organizationID
        self.eventType = eventType
    }

    /// The order in which rows are locked: the same in every transaction, so that none waits for another in a circle.
    public static func < (left: SchemaKey, right: SchemaKey) -> Bool {
        (left.organizationID, left.eventType) < (right.organizationID, right.eventType)
    }
}

/// The schemas that the processor has learned, one row for each event type of an organization.
public struct SchemaStore: Sendable {
    private let pool: PostgresPool

    /// Makes a store on a pool; the pool's role decides what it sees.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// The schemas of these keys as far as there are any, locked until the transaction of `connection` ends.
    public func load(
        for keys: some Sequence<SchemaKey>, on connection: PostgresConnection
    ) async throws -> [SchemaKey: LearnedSchema] {
        let keys = Array(Set(keys))
        guard !keys.isEmpty else { return [:] }
        let rows = try await connection.query(
            SchemaStatements.load, [.uuids(keys.map(\.organizationID)), .texts(keys.map(\.eventType))])
        return try Dictionary(
            rows.map { row in
                let schema = try Self.schema(row)
                return try (SchemaKey(organizationID: row.decode(0), eventType: schema.eventType), schema)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Stores these schemas in the place of those before, in the transaction of `connection`.
    public func save(_ schemas: [SchemaKey: LearnedSchema], on connection: PostgresConnection) async throws {
        guard !schemas.isEmpty else { return }
        let entries = schemas.sorted { $0.key < $1.key }
        _ = try await connection.query(
            SchemaStatements.save,
            [
                .uuids(entries.map(\.key.organizationID)), .texts(entries.map(\.key.eventType)),
                .int8s(entries.map(\.value.eventCount)),
                .jsonbs(
                    entries.map {
                        var writer = JSONWriter()
                        $0.value.write(to: &writer)
                        return writer.bytes
                    }),
                .timestamps(entries.map(\.value.firstSeen)), .timestamps(entries.map(\.value.lastSeen)),
            ])
    }

    /// The organization's schemas in the order of their event types.
    ///
    /// - Parameter after: the last event type of the page before.
    public func list(organizationID: UniqueID, limit: Int, after: String? = nil) async throws -> [LearnedSchema] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                SchemaStatements.list, [.uuid(organizationID), .optional(after), .int8(Int64(limit))])
        }
        return try rows.map { try Self.schema($0) }
    }

    /// The schema of one event type, or nil when the organization has sent none of it yet.
    public func schema(organizationID: UniqueID, eventType: String) async throws -> LearnedSchema? {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(SchemaStatements.get, [.uuid(organizationID), .text(eventType)])
        }
        return try rows.first.map { try Self.schema($0) }
    }

    private static func schema(_ row: PostgresRow) throws -> LearnedSchema {
        try LearnedSchema(JSONDocument(row.decode(1, as: PostgresJSON.self).bytes).root)
    }
}

/// What the schema store says to PostgreSQL.
private enum SchemaStatements {
    static let load = PostgresStatement(
        "schema_load",
        """
        SELECT s.organization_id, s.statistics
        FROM unnest($1::uuid[], $2::text[]) AS wanted (organization_id, event_type)
        JOIN learned_schemas s USING (organization_id, event_type)
        ORDER BY s.organization_id, s.event_type COLLATE "C"
        FOR UPDATE OF s
        """)

    static let save = PostgresStatement(
        "schema_save",
        """
        INSERT INTO learned_schemas (organization_id, event_type, event_count, statistics, first_seen, last_seen)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::jsonb[], $5::timestamptz[], $6::timestamptz[])
        ON CONFLICT (organization_id, event_type) DO UPDATE SET
            event_count = excluded.event_count, statistics = excluded.statistics,
            first_seen = excluded.first_seen, last_seen = excluded.last_seen
        """)

    static let list = PostgresStatement(
        "schema_list",
        """
        SELECT organization_id, statistics FROM learned_schemas
        WHERE organization_id = $1 AND ($2::text IS NULL OR event_type > $2)
        ORDER BY event_type LIMIT $3
        """)

    static let get = PostgresStatement(
        "schema_get",
        "SELECT organization_id, statistics FROM learned_schemas WHERE organization_id = $1 AND event_type = $2")
}
