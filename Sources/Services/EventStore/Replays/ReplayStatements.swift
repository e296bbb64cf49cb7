import PostgresWire

/// What the replay store says to PostgreSQL when the API asks.
enum ReplayStatements {
    private static let columns = """
        r.id, r.request, r.rate, r.status, r.total, r.found, r.made, r.skipped, r.error, r.created_at, r.started_at,
            r.finished_at
        """

    /// One after the other for an organization, so that its bounds hold.
    static let lockOrganization = PostgresStatement(
        "replay_lock", "SELECT pg_advisory_xact_lock(hashtext('collider.replays'), hashtext($1::uuid::text))")

    static let countOpen = PostgresStatement(
        "replay_count_open",
        "SELECT count(*) FROM replays WHERE organization_id = $1 AND status IN ('queued', 'running')")

    /// What is made while it runs lies behind its end, by the server's clock. What lies before retention's floor is not
    /// shown, and not made again.
    static let create = PostgresStatement(
        "replay_create",
        """
        INSERT INTO replays (id, organization_id, source, request, from_at, to_at, status_is, trigger_id, event_id,
            kind, event_type, event_from, event_to, version, again, rate, reached_at)
        SELECT $1, $2, $3, $4::text::json, s.from_at, greatest(least($6::timestamptz, now()), s.from_at), $7, $8, $9,
            $10, $11, $12, $13, $14, $15, $16, s.from_at
        FROM (SELECT greatest($5::timestamptz, retention_floor($2)) AS from_at) s
        """)

    /// Those that ended, beyond the newest.
    static let forget = PostgresStatement(
        "replay_forget",
        """
        DELETE FROM replays WHERE organization_id = $1 AND finished_at IS NOT NULL AND id IN (
            SELECT id FROM replays WHERE organization_id = $1 ORDER BY id DESC OFFSET $2
        )
        """)

    static let get = PostgresStatement(
        "replay_get", "SELECT \(columns) FROM replays r WHERE r.organization_id = $1 AND r.id = $2")

    static let list = PostgresStatement(
        "replay_list",
        """
        SELECT \(columns) FROM replays r
        WHERE r.organization_id = $1 AND ($2::uuid IS NULL OR r.id < $2)
        ORDER BY r.id DESC LIMIT $3
        """)

    static let cancel = PostgresStatement(
        "replay_cancel",
        """
        UPDATE replays SET status = 'cancelled', lease_token = NULL, lease_until = NULL, finished_at = now()
        WHERE organization_id = $1 AND id = $2 AND status IN ('queued', 'running')
        """)
}

/// What processors say to PostgreSQL about replays.
enum ReplayMoves {
    /// One that nobody works on, of the organization that has the fewest under way: one that asks for many delays no
    /// other.
    static let claim = PostgresStatement(
        "replay_claim",
        """
        UPDATE replays r SET status = 'running', attempt = r.attempt + 1, lease_token = gen_random_uuid(),
            lease_until = now() + $1::bigint * interval '1 microsecond', started_at = now()
        FROM (
            SELECT id FROM replays
            WHERE status IN ('queued', 'running') AND (status = 'queued' OR lease_until < now())
            ORDER BY (
                SELECT count(*) FROM replays o
                WHERE o.organization_id = replays.organization_id AND o.status = 'running' AND o.lease_until >= now()
            ), id LIMIT 1 FOR UPDATE SKIP LOCKED
        ) free
        WHERE r.id = free.id
        RETURNING r.id, r.organization_id, r.rate, r.source, r.version, r.again, r.to_at, r.status_is, r.trigger_id,
            r.event_id, r.kind, r.event_type, r.event_from, r.event_to, r.lease_token, r.attempt, r.total IS NULL,
            r.from_at
        """)

    /// Keeps others from it until the transaction ends, and says how far it is.
    static let hold = PostgresStatement(
        "replay_hold",
        "SELECT reached_at, reached_id FROM replays WHERE id = $1 AND lease_token = $2 FOR UPDATE")

    static let advance = PostgresStatement(
        "replay_advance",
        """
        UPDATE replays SET lease_until = now() + $3::bigint * interval '1 microsecond', attempt = 1, reached_at = $4,
            reached_id = $5, found = found + $6, made = made + $7, skipped = skipped + $8
        WHERE id = $1 AND lease_token = $2
        """)

    static let setTotal = PostgresStatement(
        "replay_total", "UPDATE replays SET total = $3 WHERE id = $1 AND lease_token = $2")

    static let finish = PostgresStatement(
        "replay_finish",
        """
        UPDATE replays SET status = $3, error = $4, lease_token = NULL, lease_until = NULL, finished_at = now()
        WHERE id = $1 AND lease_token = $2
        """)

    static let release = PostgresStatement(
        "replay_release",
        """
        UPDATE replays SET status = 'queued', attempt = attempt - 1, lease_token = NULL, lease_until = NULL
        WHERE id = $1 AND lease_token = $2
        """)

    // MARK: - What is made again

    /// Of a page of rows those that match. It is the page that is bounded: where nothing matches, a step ends too.
    private static let deliveryMatches = """
        d.status IN ('succeeded', 'dead', 'cancelled')
            AND ($5::text IS NULL OR d.status = $5)
            AND ($6::uuid IS NULL OR d.trigger_id = $6)
            AND ($7::uuid IS NULL OR d.event_id = $7)
            AND ($8::text IS NULL OR d.kind = $8)
            AND ($9 OR d.replayed_as IS NULL)
            AND d.replay_id IS DISTINCT FROM $10
        """

    private static let firingMatches = """
        d.role = 'live'
            AND ($5::uuid IS NULL OR d.trigger_id = $5)
            AND ($6::uuid IS NULL OR d.event_id = $6)
            AND ($7::timestamptz IS NULL OR d.event_received_at >= $7)
            AND ($8::timestamptz IS NULL OR d.event_received_at < $8)
        """

    private static func page(_ table: String) -> String {
        """
        page AS MATERIALIZED (
            SELECT * FROM \(table)
            WHERE organization_id = $1 AND created_at >= $2 AND (created_at, id) > ($2, $3) AND created_at < $4
            ORDER BY created_at, id LIMIT 5000
        ), stretch AS (
            SELECT count(*) AS rows, (array_agg(created_at ORDER BY created_at DESC, id DESC))[1] AS last_at,
                (array_agg(id ORDER BY created_at DESC, id DESC))[1] AS last_id
            FROM page
        )
        """
    }

    /// One row for each that was found, or a single one without: rows read and the last of them, then the source.
    private static let place = """
        s.rows, s.last_at, s.last_id, f.id, f.created_at, f.firing_id, f.trigger_id, f.event_id, f.event_received_at
        """

    /// The version whose actions are wanted, NULL where it is gone, and whether the event is still there.
    private static func version(_ parameter: String) -> String {
        """
        CASE \(parameter) WHEN 'current' THEN (
            SELECT t.current_version FROM triggers t WHERE t.id = f.trigger_id AND t.deleted_at IS NULL
        ) ELSE f.trigger_version END,
            EXISTS (SELECT FROM events e WHERE e.received_at = f.event_received_at AND e.id = f.event_id)
        """
    }

    static let deliveries = PostgresStatement(
        "replay_deliveries",
        """
        WITH \(page("deliveries")), found AS (
            SELECT * FROM page d WHERE \(deliveryMatches) ORDER BY created_at, id LIMIT $12
        )
        SELECT \(place), \(version("$11")), ARRAY[f.action_index::text], ARRAY[f.id::text], f.kind
        FROM stretch s LEFT JOIN found f ON true ORDER BY f.created_at, f.id
        """)

    /// With each firing its first deliveries, which those that are made repeat.
    static let firings = PostgresStatement(
        "replay_firings",
        """
        WITH \(page("firings")), found AS (
            SELECT d.*, d.id AS firing_id FROM page d
            WHERE \(firingMatches)
                AND ($9::text IS NULL OR EXISTS (
                    SELECT FROM events e
                    WHERE e.received_at = d.event_received_at AND e.id = d.event_id AND e.type = $9))
            ORDER BY created_at, id LIMIT $11
        )
        SELECT \(place), \(version("$10")),
            ARRAY(SELECT o.action_index::text FROM deliveries o WHERE \(original) ORDER BY o.action_index),
            ARRAY(SELECT o.id::text FROM deliveries o WHERE \(original) ORDER BY o.action_index), NULL::text
        FROM stretch s LEFT JOIN found f ON true ORDER BY f.created_at, f.id
        """)

    private static let original = "o.event_id = f.event_id AND o.firing_id = f.id AND o.replay_of IS NULL"

    static let countDeliveries = PostgresStatement(
        "replay_count_deliveries",
        """
        SELECT count(*) FROM deliveries d
        WHERE d.organization_id = $1 AND (d.created_at, d.id) > ($2, $3) AND d.created_at < $4 AND \(deliveryMatches)
        """)

    static let countFirings = PostgresStatement(
        "replay_count_firings",
        """
        SELECT count(*) FROM firings d
        WHERE d.organization_id = $1 AND (d.created_at, d.id) > ($2, $3) AND d.created_at < $4 AND \(firingMatches)
            AND ($9::text IS NULL OR EXISTS (
                SELECT FROM events e
                WHERE e.received_at = d.event_received_at AND e.id = d.event_id AND e.type = $9))
        """)

    /// Makes deliveries, but none of an action that its receiver has ended; and notes on each source what repeats it.
    static let insert = PostgresStatement(
        "replay_insert",
        """
        WITH made AS (
            INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
                event_received_at, action_index, kind, max_attempts, replay_of, endpoint, replay_id, run_at, pushed_at,
                status)
            SELECT job.id, job.created_at, $12, job.firing_id, job.trigger_id, job.trigger_version, job.event_id,
                job.event_received_at, job.action_index, job.kind, job.max_attempts, job.replay_of, job.endpoint, $13,
                now(), now(), 'ready'
            FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::integer[], $6::uuid[],
                $7::timestamptz[], $8::smallint[], $9::text[], $10::smallint[], $11::uuid[],
                $16::text[])
                AS job (id, created_at, firing_id, trigger_id, trigger_version, event_id, event_received_at,
                    action_index, kind, max_attempts, replay_of, endpoint)
            LEFT JOIN disabled_actions disabled USING (trigger_id, trigger_version, action_index)
            WHERE disabled.reason IS NULL
            RETURNING id, kind, replay_of
        ), noted AS (
            UPDATE deliveries d SET replayed_as = made.id
            FROM made JOIN unnest($14::uuid[], $15::timestamptz[]) AS origin (id, created_at)
                ON origin.id = made.replay_of
            WHERE d.created_at = origin.created_at AND d.id = origin.id
        )
        SELECT id, kind FROM made
        """)
}
