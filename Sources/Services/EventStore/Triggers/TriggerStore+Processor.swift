public import EventModel
public import PostgresWire
public import TriggerEngine

/// Where a trigger stands, as far as its processor has to know.
public struct TriggerStanding: Sendable, Equatable {
    /// The trigger.
    public let id: UniqueID
    /// Whose it is.
    public let organizationID: UniqueID
    /// The version that acts.
    public let version: Int32
    /// The version that runs in shadow, if one does.
    public let shadowVersion: Int32?
    /// Whether it was deleted.
    public let isDeleted: Bool
}

/// How far a reader of the changes of triggers has come.
public struct TriggerMark: Sendable, Equatable {
    /// No transaction before this one was under way; 0 when nothing has been read yet.
    let transaction: Int64

    /// Before the first change.
    public static let start = TriggerMark(transaction: 0)
}

/// What the processor asks, of all organizations: these are for the pipeline's role.
extension TriggerStore {
    /// Lends a connection outside of any transaction.
    public func withConnection<R>(_ body: (StoreConnection) async throws -> R) async throws -> R {
        try await pool.withConnection(body)
    }

    /// Where the triggers stand that have changed since a mark, each at least once, and the next mark. From the start
    /// on these are all that live.
    ///
    /// No change is missed, whatever the order in which they commit: each row says by which transaction it was changed,
    /// and the mark is the oldest one that was still under way. It costs a look into an index.
    public func changes(
        since mark: TriggerMark, on connection: PostgresConnection
    ) async throws -> (standings: [TriggerStanding], next: TriggerMark) {
        // The mark comes first: what commits between the two is seen now, and once more.
        let next = TriggerMark(transaction: try await connection.query(TriggerChangeStatements.mark)[0].decode(0))
        var standings: [TriggerStanding] = []
        var after: (transaction: Int64, id: UniqueID)? = (mark.transaction, UniqueID(high: 0, low: 0))
        while let place = after {
            let rows = try await connection.query(
                TriggerChangeStatements.changed,
                [
                    .int8(place.transaction), .uuid(place.id), .bool(mark == .start), .int8(Int64(Self.pageSize)),
                ])
            standings += try rows.map { row in
                try TriggerStanding(
                    id: row.decode(0), organizationID: row.decode(1), version: row.decode(2),
                    shadowVersion: row.decodeIfPresent(3), isDeleted: row.decode(4))
            }
            after = rows.count == Self.pageSize ? try rows.last.map { try ($0.decode(5), $0.decode(0)) } : nil
        }
        return (standings, next)
    }

    /// Versions of triggers; what this release cannot read is logged and left out.
    ///
    /// - Parameter role: what they are to be.
    public func versions(
        _ versions: some Collection<(id: UniqueID, version: Int32)>, role: TriggerRole,
        on connection: PostgresConnection
    ) async throws -> [Trigger] {
        guard !versions.isEmpty else { return [] }
        return try await connection.query(
            TriggerChangeStatements.versions, [.uuids(versions.map(\.id)), .int4s(versions.map(\.version))]
        ).compactMap { readable($0, role: role) }
    }

    private static let pageSize = 5_000
}

/// What the processor says to PostgreSQL about triggers.
private enum TriggerChangeStatements {
    static let mark = PostgresStatement(
        "trigger_mark", "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")

    /// Numbers beyond the newest transaction were given by a server of which this one's data are a copy: such rows have
    /// not changed since.
    static let changed = PostgresStatement(
        "trigger_changed",
        """
        SELECT id, organization_id, current_version, shadow_version, deleted_at IS NOT NULL, changed_by FROM triggers
        WHERE (changed_by, id) > ($1, $2)
            AND CASE WHEN $3 THEN deleted_at IS NULL
                ELSE changed_by < pg_snapshot_xmax(pg_current_snapshot())::text::bigint END
        ORDER BY changed_by, id LIMIT $4
        """)

    static let versions = PostgresStatement(
        "trigger_versions_get",
        """
        SELECT \(TriggerStatements.columns)
        FROM unnest($1::uuid[], $2::integer[]) AS w (id, version)
        JOIN triggers t ON t.id = w.id
        JOIN trigger_versions v ON v.trigger_id = w.id AND v.version = w.version
        """)
}
