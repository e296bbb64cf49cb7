import PostgresWire

/// What the delivery store says to PostgreSQL when the API asks.
enum DeliveryStatements {
    /// The columns of a ``Delivery``, in the order in which ``DeliveryCoding`` reads them.
    static let columns = """
        d.id, d.organization_id, d.firing_id, d.trigger_id, d.trigger_version, d.event_id, d.event_received_at,
        d.action_index, d.kind, d.status, d.attempt, d.max_attempts, d.run_at, d.last_error, d.created_at,
        d.finished_at, d.endpoint, d.put_off, d.next_attempt_reason, d.parts_sent, d.replay_of, d.replayed_as,
        d.replay_id
        """
    static let columnCount = 23

    static let list = PostgresStatement("delivery_list", listed("($2::text IS NULL OR d.status = $2)"))

    /// Dead letters have an index of their own, which PostgreSQL takes only where it reads the status.
    static let listDead = PostgresStatement("delivery_list_dead", listed("$2::text = 'dead' AND d.status = 'dead'"))

    private static func listed(_ status: String) -> String {
        """
        SELECT \(columns) FROM deliveries d
        WHERE d.organization_id = $1
            AND \(status)
            AND ($3::uuid IS NULL OR d.trigger_id = $3)
            AND ($4::uuid IS NULL OR d.event_id = $4)
            AND ($5::text IS NULL OR d.kind = $5)
            AND ($6::timestamptz IS NULL OR d.created_at >= $6)
            AND ($7::timestamptz IS NULL OR d.created_at < $7)
            AND ($8::timestamptz IS NULL OR (d.created_at, d.id) < ($8, $9::uuid))
            AND ($11::uuid IS NULL OR d.replay_id = $11)
            AND ($12::boolean IS NULL OR (d.replayed_as IS NOT NULL) = $12)
        ORDER BY d.created_at DESC, d.id DESC LIMIT $10
        """
    }

    static let get = PostgresStatement(
        "delivery_get",
        "SELECT \(columns) FROM deliveries d WHERE d.organization_id = $1 AND d.created_at = $2 AND d.id = $3")

    static let attempts = PostgresStatement(
        "delivery_attempts",
        """
        SELECT attempt, started_at, duration_ms, status_code, error, request, response, details, next_attempt_at,
            next_attempt_reason
        FROM attempts
        WHERE organization_id = $1 AND delivery_created_at = $2 AND delivery_id = $3
        ORDER BY attempt
        """)

    static let countLive = PostgresStatement(
        "delivery_count_live",
        """
        SELECT kind, status, count(*) FROM deliveries
        WHERE status IN ('ready', 'running', 'scheduled') GROUP BY kind, status
        """)
}

/// What workers and the promoter say to PostgreSQL: the moves of the queue, each one statement.
///
/// Rows that several sessions may want are taken by `FOR UPDATE SKIP LOCKED`: nobody waits, so nobody can wait in a
/// circle. Every duration is counted from the server's clock. Only a running row has a lease token, by a constraint;
/// where a token is compared the status is left out, so that the look-up goes by the key.
enum DeliveryMoves {
    /// From `taken` rows to running ones with all that an attempt needs, the breaker of its endpoint included, which is
    /// mostly no row. The event may be gone, by retention.
    private static func claimTaken(_ bounds: String = "") -> String {
        """
        , claimed AS (
            UPDATE deliveries d SET status = 'running', attempt = d.attempt + 1, started_at = now(),
                lease_token = gen_random_uuid(), lease_until = now() + $1::bigint * interval '1 microsecond'
            FROM taken WHERE d.created_at = taken.created_at AND d.id = taken.id\(bounds)
            RETURNING d.*
        )
        SELECT \(EventRows.columns), \(DeliveryStatements.columns), d.lease_token, b.state,
            CASE WHEN b.state = 'open' AND b.open_until IS NULL THEN NULL
                ELSE greatest(extract(epoch FROM coalesce(b.probe_until, b.open_until) - now()) * 1000000, 0)
            END::bigint,
            greatest(extract(epoch FROM b.watched_until - now()) * 1000000, 0)::bigint
        FROM claimed d
        LEFT JOIN events e ON e.received_at = d.event_received_at AND e.id = d.event_id
        LEFT JOIN circuit_breakers b ON b.organization_id = d.organization_id AND b.endpoint = d.endpoint
        """
    }

    /// The bounds say in which partitions all of them lie, so that the others are neither planned nor opened.
    static let claim = PostgresStatement(
        "delivery_claim",
        """
        WITH wanted AS (
            SELECT * FROM unnest($2::uuid[], $3::timestamptz[]) AS id (id, created_at)
        ), taken AS (
            SELECT d.created_at, d.id FROM wanted
            JOIN deliveries d ON d.created_at = wanted.created_at AND d.id = wanted.id
            WHERE d.status = 'ready' AND d.created_at BETWEEN $4 AND $5
            FOR UPDATE OF d SKIP LOCKED
        )\(claimTaken(" AND d.created_at BETWEEN $4 AND $5"))
        """)

    static let claimAny = PostgresStatement(
        "delivery_claim_any",
        """
        WITH taken AS (
            SELECT created_at, id FROM deliveries
            WHERE status = 'ready' AND kind = $2
            ORDER BY pushed_at LIMIT $3
            FOR UPDATE SKIP LOCKED
        )\(claimTaken())
        """)

    static let heartbeat = PostgresStatement(
        "delivery_heartbeat",
        """
        WITH mine AS (
            SELECT d.created_at, d.id
            FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[]) AS held (id, created_at, token)
            JOIN deliveries d ON d.created_at = held.created_at AND d.id = held.id
            WHERE d.lease_token = held.token
            FOR UPDATE OF d SKIP LOCKED
        )
        UPDATE deliveries d SET lease_until = now() + $1::bigint * interval '1 microsecond'
        FROM mine WHERE d.created_at = mine.created_at AND d.id = mine.id
        RETURNING d.id
        """)

    static let noteParts = PostgresStatement(
        "delivery_note_parts",
        "UPDATE deliveries SET parts_sent = $4 WHERE created_at = $1 AND id = $2 AND lease_token = $3")

    /// Each by its token, and all in one commit, in the partitions between the bounds.
    static let finish = PostgresStatement(
        "delivery_finish",
        """
        WITH finished AS (
            UPDATE deliveries d SET status = ended.status, last_error = ended.reason, lease_token = NULL,
                lease_until = NULL, put_off = NULL,
                run_at = CASE WHEN ended.status = 'scheduled' THEN now() + ended.delay * interval '1 microsecond'
                    ELSE d.run_at END,
                finished_at = CASE WHEN ended.status = 'scheduled' THEN NULL ELSE now() END,
                next_attempt_reason = ended.because
            FROM unnest($3::uuid[], $4::timestamptz[], $5::uuid[], $6::text[], $7::bigint[], $8::text[],
                $9::integer[], $10::integer[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::text[])
                AS ended (id, created_at, token, status, delay, reason, duration, status_code, error, request,
                    response, details, because)
            WHERE d.created_at = ended.created_at AND d.id = ended.id AND d.lease_token = ended.token
                AND d.created_at BETWEEN $1 AND $2
            RETURNING d.id, d.created_at, d.attempt, d.organization_id, ended.duration, ended.status_code,
                ended.error, ended.request, ended.response, ended.details,
                CASE WHEN d.status = 'scheduled' THEN d.run_at END AS next_at, ended.because
        )
        INSERT INTO attempts (delivery_id, delivery_created_at, attempt, organization_id, started_at, duration_ms,
            status_code, error, request, response, details, next_attempt_at, next_attempt_reason)
        SELECT id, created_at, attempt, organization_id, now() - duration * interval '1 millisecond', duration,
            status_code, error, request, response, details, next_at, because
        FROM finished
        RETURNING delivery_id
        """)

    static let putOff = PostgresStatement(
        "delivery_put_off",
        """
        UPDATE deliveries d SET status = 'scheduled', attempt = d.attempt - 1, lease_token = NULL, lease_until = NULL,
            run_at = now() + held.delay * interval '1 microsecond', put_off = held.cause,
            next_attempt_reason = held.reason
        FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::text[], $6::text[])
            AS held (id, created_at, token, delay, cause, reason)
        WHERE d.created_at = held.created_at AND d.id = held.id
            AND d.lease_token = held.token
        """)

    /// Like that, with a reason, for half a minute.
    static let shelve = PostgresStatement(
        "delivery_shelve",
        """
        UPDATE deliveries SET status = 'scheduled', attempt = attempt - 1, lease_token = NULL, lease_until = NULL,
            run_at = now() + interval '30 seconds', last_error = $4, put_off = NULL, next_attempt_reason = $4
        WHERE created_at = $1 AND id = $2 AND lease_token = $3
        """)

    static let disable = PostgresStatement(
        "delivery_disable_action",
        """
        INSERT INTO disabled_actions (trigger_id, trigger_version, action_index, organization_id, reason)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """)

    static let cancelOfAction = PostgresStatement(
        "delivery_cancel_of_action",
        """
        WITH waiting AS (
            SELECT created_at, id FROM deliveries
            WHERE trigger_id = $1 AND trigger_version = $2 AND action_index = $3 AND organization_id = $4
                AND status IN ('ready', 'scheduled')
            FOR UPDATE SKIP LOCKED
        )
        UPDATE deliveries d SET status = 'cancelled', last_error = 'action disabled: ' || $5, finished_at = now(),
            put_off = NULL, next_attempt_reason = NULL
        FROM waiting WHERE d.created_at = waiting.created_at AND d.id = waiting.id
        """)

    static let promote = PostgresStatement(
        "delivery_promote",
        """
        WITH due AS (
            SELECT created_at, id FROM deliveries
            WHERE status = 'scheduled' AND run_at <= now()
            ORDER BY run_at LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE deliveries d SET status = 'ready', pushed_at = now()
        FROM due WHERE d.created_at = due.created_at AND d.id = due.id
        RETURNING d.id, d.kind
        """)

    static let expire = PostgresStatement(
        "delivery_expire",
        """
        WITH expired AS (
            SELECT created_at, id FROM deliveries
            WHERE status = 'running' AND lease_until < now()
            ORDER BY lease_until LIMIT $1
            FOR UPDATE SKIP LOCKED
        ), freed AS (
            UPDATE deliveries d SET lease_token = NULL, lease_until = NULL, pushed_at = now(), last_error = $2,
                put_off = NULL, run_at = CASE WHEN d.attempt < d.max_attempts THEN now() ELSE d.run_at END,
                status = CASE WHEN d.attempt < d.max_attempts THEN 'ready' ELSE 'dead' END,
                finished_at = CASE WHEN d.attempt < d.max_attempts THEN NULL ELSE now() END,
                next_attempt_reason = CASE WHEN d.attempt < d.max_attempts THEN
                    format('attempt %s of %s: at once, because %s', d.attempt + 1, d.max_attempts, $2::text) END
            FROM expired WHERE d.created_at = expired.created_at AND d.id = expired.id
            RETURNING d.*
        ), logged AS (
            INSERT INTO attempts (delivery_id, delivery_created_at, attempt, organization_id, started_at, duration_ms,
                error, next_attempt_at, next_attempt_reason)
            SELECT id, created_at, attempt, organization_id, started_at,
                least(extract(epoch FROM now() - started_at) * 1000, 2147483647)::integer, $2,
                CASE WHEN status = 'ready' THEN run_at END, next_attempt_reason
            FROM freed
        )
        SELECT id, kind FROM freed WHERE status = 'ready'
        """)

    static let orphans = PostgresStatement(
        "delivery_orphans",
        """
        WITH orphans AS (
            SELECT created_at, id FROM deliveries
            WHERE status = 'ready' AND kind = $1 AND pushed_at < now() - $2::bigint * interval '1 microsecond'
            ORDER BY pushed_at LIMIT $3
            FOR UPDATE SKIP LOCKED
        )
        UPDATE deliveries d SET pushed_at = now()
        FROM orphans WHERE d.created_at = orphans.created_at AND d.id = orphans.id
        RETURNING d.id, d.kind
        """)
}
