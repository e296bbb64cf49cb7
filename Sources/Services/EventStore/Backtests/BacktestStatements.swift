import PostgresWire

/// What the backtest store says to PostgreSQL.
enum BacktestStatements {
    private static let columns = """
        b.id, b.trigger_id, b.trigger_version, b.name, b.from_at, b.to_at, b.status, b.events_read, b.positions_read,
            b.positions_total, b.error, b.created_at, b.started_at, b.finished_at
        """

    /// One after the other for an organization, so that its bounds hold.
    static let lockOrganization = PostgresStatement(
        "backtest_lock", "SELECT pg_advisory_xact_lock(hashtext('collider.backtests'), hashtext($1::uuid::text))")

    static let countOpen = PostgresStatement(
        "backtest_count_open",
        "SELECT count(*) FROM backtests WHERE organization_id = $1 AND status IN ('queued', 'running')")

    static let create = PostgresStatement(
        "backtest_create",
        """
        INSERT INTO backtests (id, organization_id, trigger_id, trigger_version, name, definition, action_kinds,
            from_at, to_at)
        VALUES ($1, $2, $3, $4, $5, $6::text::json, $7, $8, $9)
        """)

    /// Those that ended, beyond the newest.
    static let forget = PostgresStatement(
        "backtest_forget",
        """
        DELETE FROM backtests WHERE organization_id = $1 AND finished_at IS NOT NULL AND id IN (
            SELECT id FROM backtests WHERE organization_id = $1 ORDER BY id DESC OFFSET $2
        )
        """)

    static let get = PostgresStatement(
        "backtest_get", "SELECT \(columns), b.result FROM backtests b WHERE b.organization_id = $1 AND b.id = $2")

    static let list = PostgresStatement(
        "backtest_list",
        """
        SELECT \(columns), NULL::jsonb FROM backtests b
        WHERE b.organization_id = $1 AND ($2::uuid IS NULL OR b.trigger_id = $2) AND ($3::uuid IS NULL OR b.id < $3)
        ORDER BY b.id DESC LIMIT $4
        """)

    static let cancel = PostgresStatement(
        "backtest_cancel",
        """
        UPDATE backtests SET status = 'cancelled', lease_token = NULL, lease_until = NULL, finished_at = now()
        WHERE organization_id = $1 AND id = $2 AND status IN ('queued', 'running')
        """)

    // MARK: - The processor's

    /// The oldest that nobody works on: whoever did has died, or has been away for so long that it must stop.
    static let claim = PostgresStatement(
        "backtest_claim",
        """
        UPDATE backtests b SET status = 'running', attempt = b.attempt + 1, lease_token = gen_random_uuid(),
            lease_until = now() + $1::bigint * interval '1 microsecond', started_at = now(), events_read = 0,
            positions_read = 0, positions_total = NULL
        FROM (
            SELECT id FROM backtests
            WHERE status IN ('queued', 'running') AND (status = 'queued' OR lease_until < now())
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        ) free
        WHERE b.id = free.id
        RETURNING b.id, b.organization_id, b.trigger_id, b.trigger_version, b.definition, b.action_kinds, b.from_at,
            b.to_at, b.attempt, b.lease_token, b.created_at
        """)

    static let advance = PostgresStatement(
        "backtest_advance",
        """
        UPDATE backtests SET lease_until = now() + $3::bigint * interval '1 microsecond', events_read = $4,
            positions_read = $5, positions_total = $6
        WHERE id = $1 AND lease_token = $2
        """)

    static let finish = PostgresStatement(
        "backtest_finish",
        """
        UPDATE backtests SET status = $3, events_read = $4, positions_read = coalesce(positions_total, 0), result = $5,
            error = $6, lease_token = NULL, lease_until = NULL, finished_at = now()
        WHERE id = $1 AND lease_token = $2
        """)

    static let release = PostgresStatement(
        "backtest_release",
        """
        UPDATE backtests SET status = 'queued', attempt = attempt - 1, lease_token = NULL, lease_until = NULL
        WHERE id = $1 AND lease_token = $2
        """)
}
