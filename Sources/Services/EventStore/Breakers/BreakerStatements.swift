import PostgresWire

/// What the breaker store says to PostgreSQL.
enum BreakerStatements {
    static let columns = """
        b.id, b.organization_id, b.endpoint, b.state, b.open_until, b.openings, b.failures_in_a_row, b.outcomes,
        b.probe_id, b.probe_until, b.reason, b.changed_at, b.updated_at
        """

    /// Two sessions may make the row at the same time; whoever comes second finds the first one's.
    static let make = PostgresStatement(
        "breaker_make",
        """
        INSERT INTO circuit_breakers (id, organization_id, endpoint, state, openings, failures_in_a_row, outcomes,
            changed_at, updated_at)
        VALUES ($1, $2, $3, 'closed', 0, 0, '{}', clock_timestamp(), clock_timestamp())
        ON CONFLICT (organization_id, endpoint) DO NOTHING
        """)

    /// With the time after the lock was had, by the server's clock, which all workers share.
    static let lock = PostgresStatement(
        "breaker_lock",
        """
        WITH locked AS (
            SELECT * FROM circuit_breakers WHERE organization_id = $1 AND endpoint = $2 FOR UPDATE
        )
        SELECT \(columns), clock_timestamp() FROM locked b
        """)

    static let update = PostgresStatement(
        "breaker_update",
        """
        UPDATE circuit_breakers SET state = $2, open_until = $3, openings = $4, failures_in_a_row = $5, outcomes = $6,
            watched_until = $7, probe_id = $8, probe_until = $9, reason = $10,
            changed_at = CASE WHEN state = $2 THEN changed_at ELSE $11 END, updated_at = $11
        WHERE id = $1
        RETURNING changed_at
        """)

    static let list = PostgresStatement(
        "breaker_list",
        """
        SELECT \(columns) FROM circuit_breakers b
        WHERE b.organization_id = $1 AND ($2::text IS NULL OR b.state = $2) AND ($3::uuid IS NULL OR b.id > $3)
        ORDER BY b.id LIMIT $4
        """)

    static let get = PostgresStatement(
        "breaker_get", "SELECT \(columns) FROM circuit_breakers b WHERE b.organization_id = $1 AND b.id = $2")

    static let ofEndpoints = PostgresStatement(
        "breaker_of_endpoints",
        "SELECT \(columns) FROM circuit_breakers b WHERE b.organization_id = $1 AND b.endpoint = ANY ($2::text[])")

    /// No breaker is open for longer than a quarter of an hour by itself, so that nothing waits for one that closed
    /// before that.
    static let release = PostgresStatement(
        "breaker_release",
        """
        WITH waiting AS (
            SELECT d.created_at, d.id FROM circuit_breakers b
            JOIN deliveries d ON d.organization_id = b.organization_id AND d.endpoint = b.endpoint
            WHERE b.state = 'closed' AND b.changed_at > now() - interval '20 minutes'
                AND d.status = 'scheduled' AND d.put_off = 'breaker' AND d.run_at > now()
            LIMIT $1
            FOR UPDATE OF d SKIP LOCKED
        )
        UPDATE deliveries d SET run_at = now()
        FROM waiting WHERE d.created_at = waiting.created_at AND d.id = waiting.id
        """)

    static let count = PostgresStatement(
        "breaker_count", "SELECT state, count(*) FROM circuit_breakers GROUP BY state")

    /// Those that have been closed and quiet for a day: no row says the same.
    static let sweep = PostgresStatement(
        "breaker_sweep",
        "DELETE FROM circuit_breakers WHERE state = 'closed' AND updated_at < now() - interval '1 day'")
}
