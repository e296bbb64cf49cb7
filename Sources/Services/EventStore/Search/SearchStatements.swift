import EventModel
import PostgresWire

/// The statements of a search; each in both directions.
enum SearchStatements {
    /// Bounds every statement after it in the transaction, has each planned once for all values and never compiled, and
    /// says where the part ends and the index does. To plan takes longer than to run: there are as many partitions as
    /// days are kept, and no plan gets better by knowing its values.
    static let begin = PostgresStatement(
        "search_begin",
        """
        SELECT p.head, coalesce(f.position, 0), set_config('statement_timeout', $3, true),
            set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)
        FROM log_parts p LEFT JOIN follower_positions f ON f.part = p.part AND f.follower = $2 WHERE p.part = $1
        """)

    static func window(_ order: EventOrder) -> PostgresStatement {
        order == .ascending ? windowAscending : windowDescending
    }

    static func walk(_ order: EventOrder) -> PostgresStatement {
        order == .ascending ? walkAscending : walkDescending
    }

    static func blocks(_ order: EventOrder, ofTypes: Bool) -> PostgresStatement {
        switch (order, ofTypes) {
        case (.ascending, false): blocksAscending
        case (.descending, false): blocksDescending
        case (.ascending, true): typesAscending
        case (.descending, true): typesDescending
        }
    }

    static func nearest(_ order: EventOrder) -> PostgresStatement {
        order == .ascending ? lastOwn : firstOwn
    }

    /// What every event must be, by its members; `data` is asked only what leaves no event out that passes. The paths
    /// are read in a query of their own, which is run once and not for every event.
    private static let filter = """
        e.organization_id = $1 AND e.part = $2
        AND ($3::text IS NULL OR e.type = $3) AND ($4::text IS NULL OR e.subject = $4)
        AND ($5::text IS NULL OR e.source = $5) AND ($6::timestamptz IS NULL OR e.received_at >= $6)
        AND ($7::timestamptz IS NULL OR e.received_at < $7)
        AND e.data @? ALL ((SELECT $8::text[]::jsonpath[])::jsonpath[])
        """

    private static func window(_ direction: String) -> String {
        """
        SELECT \(EventRows.columns) FROM events e WHERE \(filter) AND e.position > $10 AND e.position < $11
        ORDER BY e.position \(direction) LIMIT $9
        """
    }

    private static let windowAscending = PostgresStatement("search_window_ascending", window("ASC"))
    private static let windowDescending = PostgresStatement("search_window_descending", window("DESC"))

    /// The events of some blocks, read from the partitions that hold them. `OFFSET 0` keeps the planner from reading
    /// the log in order instead, past everything that is in none of the blocks.
    private static func blocks(_ direction: String, typed: String) -> String {
        """
        SELECT \(EventRows.columns)
        FROM unnest($10::bigint[], $11::bigint[], $12::text[], $13::timestamptz[], $14::timestamptz[])
            AS b (first_position, last_position, type, first_at, last_at)
        CROSS JOIN LATERAL (
            SELECT e.* FROM events e
            WHERE \(filter) AND \(typed) AND e.position >= b.first_position AND e.position <= b.last_position
                AND e.received_at >= b.first_at AND e.received_at <= b.last_at
            OFFSET 0
        ) e
        ORDER BY e.position \(direction) LIMIT $9
        """
    }

    private static let blocksAscending = PostgresStatement("search_blocks_ascending", blocks("ASC", typed: "true"))
    private static let blocksDescending = PostgresStatement("search_blocks_descending", blocks("DESC", typed: "true"))
    private static let typesAscending = PostgresStatement(
        "search_types_ascending", blocks("ASC", typed: "e.type = b.type"))
    private static let typesDescending = PostgresStatement(
        "search_types_descending", blocks("DESC", typed: "e.type = b.type"))

    /// The blocks in which an organization has events, one after the other.
    private static func walk(_ direction: String) -> String {
        """
        SELECT b.first_position, b.last_position, b.type, b.events, b.first_at, b.last_at FROM event_blocks b
        WHERE b.organization_id = $1 AND b.type IS NULL AND b.first_position >= $2 AND b.first_position <= $3
            AND ($4::timestamptz IS NULL OR (b.last_at >= $4 AND b.reached_at >= $4))
            AND ($5::timestamptz IS NULL OR b.first_at < $5)
        ORDER BY b.first_position \(direction) LIMIT $6
        """
    }

    private static let walkAscending = PostgresStatement("search_walk_ascending", walk("ASC"))
    private static let walkDescending = PostgresStatement("search_walk_descending", walk("DESC"))

    static func find(_ order: EventOrder) -> PostgresStatement {
        order == .ascending ? findAscending : findDescending
    }

    private static func find(_ direction: String) -> String {
        """
        SELECT first_position, last_position, type, events, first_at, last_at
        FROM find_event_blocks($1, $2, $3, $4, $5, $6, $7, $8, $9) ORDER BY first_position \(direction)
        """
    }

    private static let findAscending = PostgresStatement("search_find_ascending", find("ASC"))
    private static let findDescending = PostgresStatement("search_find_descending", find("DESC"))

    private static func nearest(_ direction: String) -> String {
        """
        SELECT e.id FROM events e
        WHERE e.organization_id = $1 AND e.part = $2 AND e.position > $3 AND e.position < $4
        ORDER BY e.position \(direction) LIMIT 1
        """
    }

    private static let firstOwn = PostgresStatement("search_first", nearest("ASC"))
    private static let lastOwn = PostgresStatement("search_last", nearest("DESC"))
}

/// A row of `event_blocks`, without its terms.
struct EventBlock: Sendable {
    let firstPosition: Int64
    let lastPosition: Int64
    /// Nil: the events of all types.
    let type: String?
    let events: Int
    let firstAt: Timestamp
    let lastAt: Timestamp

    init(_ row: PostgresRow) throws(PostgresError) {
        firstPosition = try row.decode(0)
        lastPosition = try row.decode(1)
        type = try row.decodeIfPresent(2)
        events = Int(try row.decode(3, as: Int32.self))
        firstAt = try row.decode(4)
        lastAt = try row.decode(5)
    }
}
