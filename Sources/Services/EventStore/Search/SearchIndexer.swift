import EventModel
public import PostgresWire

/// Writes what searches go by: the rows of `event_blocks`, a block of the log at a time.
///
/// It follows the log, but not as `LogFollower` does: a block is read and hashed outside any transaction, because its
/// events may be large and nobody should wait for it. A short transaction then moves the position from the block's
/// beginning to its end, if it is still there, and inserts the rows. So a crash loses nothing, and of two replicas that
/// did the same work one throws it away.
///
/// Only whole blocks are indexed. The events after the last one are read one by one by whoever searches.
public struct SearchIndexer: Sendable {
    /// Its name among the followers.
    public static let follower = "search"
    /// Positions of a block.
    static let blockSize: Int64 = 512
    /// Events are read so many at a time: one may be a mebibyte.
    private static let slice: Int64 = 64

    /// What was done.
    public struct Progress: Sendable {
        /// Events that are now indexed; 0 when there was no whole block.
        public let events: Int
        /// Whether the follower that goes ahead has work left in the same part.
        public let isLeaderBehind: Bool
    }

    private let pool: PostgresPool
    private let leader: String?

    /// Makes an indexer.
    ///
    /// - Parameters:
    ///   - pool: of the pipeline's role.
    ///   - leader: the follower behind which it stays, so that what matters more is done first; nil for none.
    public init(pool: PostgresPool, after leader: String?) {
        self.pool = pool
        self.leader = leader
    }

    /// Writes that there is such a follower. Does nothing the second time.
    public func enrol() async throws {
        _ = try await pool.query(LogFollower.enrol, [.text(Self.follower)])
    }

    /// Indexes the next block of a part that has one.
    public func indexNext() async throws -> Progress {
        let parameters: [PostgresParameter] = [
            .text(Self.follower), .optional(leader), .int8(Self.blockSize), .int2(.random(in: 0..<LogPart.count)),
        ]
        guard let row = try await pool.query(Self.next, parameters).first else {
            return Progress(events: 0, isLeaderBehind: false)
        }
        let part = try row.decode(0, as: Int16.self)
        let position = try row.decode(1, as: Int64.self)
        var block = BlockTerms(part: part, positions: position + 1...position + Self.blockSize)
        for first in stride(from: position, to: position + Self.blockSize, by: Int(Self.slice)) {
            let range: [PostgresParameter] = [.int2(part), .int8(first), .int8(first + Self.slice)]
            block.add(try EventRows.events(try await pool.query(Self.read, range)))
        }
        try await write(block)
        return Progress(events: Int(Self.blockSize), isLeaderBehind: try row.decode(2))
    }

    private func write(_ block: BlockTerms) async throws {
        let end: [PostgresParameter] = [
            .text(Self.follower), .int2(block.part), .int8(block.positions.lowerBound - 1),
            .int8(block.positions.upperBound),
        ]
        try await pool.withTransaction { connection in
            let moved = try await connection.query(Self.advance, end)
            guard moved.affectedRows == 1 else { return }
            // Nobody else writes rows of this part now, so that what was reached last is known.
            let organizations = block.organizations
            let rows = try await connection.query(Self.reached, [.uuids(organizations)])
            var reached: [UniqueID: Timestamp] = [:]
            for (organization, row) in zip(organizations, rows) {
                reached[organization] = try row.decodeIfPresent(0, as: Timestamp.self)
            }
            _ = try await connection.pipeline(block.rows(reached: reached).map { (Self.insert, $0) })
        }
    }

    /// A part that has a whole block before its end, and before the leader's position.
    private static let next = PostgresStatement(
        "search_index_next",
        """
        SELECT p.part, f.position, $2 IS NOT NULL AND l.position < p.head
        FROM log_parts p
        JOIN follower_positions f ON f.part = p.part AND f.follower = $1
        LEFT JOIN follower_positions l ON l.part = p.part AND l.follower = $2::text
        WHERE p.head >= f.position + $3 AND ($2::text IS NULL OR l.position >= f.position + $3)
        ORDER BY (p.part + $4) % 64 LIMIT 1
        """)

    private static let read = PostgresStatement(
        "search_index_read",
        """
        SELECT \(EventRows.columns) FROM events e WHERE e.part = $1 AND e.position > $2 AND e.position <= $3
        ORDER BY e.position
        """)

    private static let advance = PostgresStatement(
        "search_index_advance",
        """
        UPDATE follower_positions SET position = $4, updated_at = now()
        WHERE follower = $1 AND part = $2 AND position = $3
        """)

    private static let reached = PostgresStatement(
        "search_index_reached",
        """
        SELECT (SELECT b.reached_at FROM event_blocks b WHERE b.organization_id = o.id AND b.type IS NULL
            ORDER BY b.first_position DESC LIMIT 1)
        FROM unnest($1::uuid[]) WITH ORDINALITY AS o (id, n) ORDER BY o.n
        """)

    private static let insert = PostgresStatement(
        "search_index_insert",
        """
        INSERT INTO event_blocks (organization_id, part, first_position, last_position, type, events, first_at, last_at,
            reached_at, is_truncated, terms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """)
}

/// The rows of one block, while they are made.
struct BlockTerms {
    let part: Int16
    let positions: ClosedRange<Int64>

    private struct Row {
        var events: Int32 = 0
        var firstAt = Timestamp(microseconds: .max)
        var lastAt = Timestamp(microseconds: .min)
        var isTruncated = false
        var terms: Set<Int64> = []

        mutating func add(_ event: Event) {
            events += 1
            firstAt = min(firstAt, event.receivedAt)
            lastAt = max(lastAt, event.receivedAt)
        }
    }

    private var all: [UniqueID: Row] = [:]
    private var types: [UniqueID: [[UInt8]: Row]] = [:]

    init(part: Int16, positions: ClosedRange<Int64>) {
        self.part = part
        self.positions = positions
    }

    /// Whose events there are.
    var organizations: [UniqueID] { all.keys.sorted() }

    mutating func add(_ events: [Event]) {
        for event in events {
            all[event.organizationID, default: Row()].add(event)
            // By bytes: Swift takes two spellings of a letter for one, the log does not.
            let type = Array(event.type.utf8)
            let space = TermSpace(event.organizationID)
            // What is no JSON has no terms; it is looked at, and then passed over.
            let terms = (try? ParsedEvent(event)).map { EventTerms($0, in: space) }
            var row = types[event.organizationID]?[type] ?? Row()
            types[event.organizationID]?[type] = nil
            row.add(event)
            row.isTruncated = row.isTruncated || terms?.isTruncated ?? true
            if let terms { row.terms.formUnion(terms.terms) }
            types[event.organizationID, default: [:]][type] = row
        }
    }

    /// The parameters of each insert.
    ///
    /// - Parameter reached: the newest time of each organization before this block.
    func rows(reached: [UniqueID: Timestamp]) -> [[PostgresParameter]] {
        all.sorted { $0.key < $1.key }.flatMap { organization, whole in
            let newest = max(whole.lastAt, reached[organization] ?? whole.lastAt)
            let parts = (types[organization] ?? [:]).map { type, row in
                parameters(organization, String(decoding: type, as: UTF8.self), row, newest)
            }
            return [parameters(organization, nil, whole, newest)] + parts
        }
    }

    private func parameters(
        _ organization: UniqueID, _ type: String?, _ row: Row, _ reached: Timestamp
    ) -> [PostgresParameter] {
        [
            .uuid(organization), .int2(part), .int8(positions.lowerBound), .int8(positions.upperBound),
            .optional(type), .int4(row.events), .timestamp(row.firstAt), .timestamp(row.lastAt), .timestamp(reached),
            .bool(row.isTruncated), .int8s(row.terms.sorted()),
        ]
    }
}
