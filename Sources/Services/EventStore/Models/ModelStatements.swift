import PostgresWire

/// What the account of the language model says to PostgreSQL. A day is one of UTC.
enum ModelStatements {
    private static let day = "date_trunc('day', now(), 'UTC')"
    private static let used = "u.prompt_tokens + u.completion_tokens + u.set_aside_tokens"

    /// $1 the organization, $2 tokens, $3 and $4 the bounds of those that have none of their own. Decides and books at
    /// once, under the row's lock, so that questions that come together are not all let through.
    static let reserve = PostgresStatement(
        "model_reserve",
        """
        WITH bounds AS (
            SELECT \(day) AS day, coalesce(b.tokens_per_day, $3::bigint) AS tokens,
                coalesce(b.seconds_per_day, $4::bigint) AS seconds
            FROM (VALUES (1)) AS one LEFT JOIN model_budgets b ON b.organization_id = $1
        ), granted AS (
            INSERT INTO model_usage AS u (organization_id, day, set_aside_tokens)
            SELECT $1, day, $2::bigint FROM bounds
            WHERE (tokens IS NULL OR $2 <= tokens) AND (seconds IS NULL OR seconds > 0)
            ON CONFLICT (organization_id, day) DO UPDATE SET set_aside_tokens = u.set_aside_tokens + $2
            WHERE ((SELECT tokens FROM bounds) IS NULL OR \(used) + $2 <= (SELECT tokens FROM bounds))
                AND ((SELECT seconds FROM bounds) IS NULL
                    OR u.microseconds < (SELECT seconds FROM bounds) * 1000000)
            RETURNING day
        )
        SELECT EXISTS (SELECT FROM granted), bounds.day, bounds.tokens, bounds.seconds,
            coalesce(\(used), 0), coalesce(u.microseconds, 0),
            (extract(epoch FROM bounds.day + interval '1 day' - now()) * 1000000)::bigint
        FROM bounds LEFT JOIN model_usage u ON u.organization_id = $1 AND u.day = bounds.day
        """)

    static let settle = PostgresStatement(
        "model_settle",
        """
        UPDATE model_usage SET requests = requests + $3, prompt_tokens = prompt_tokens + $4,
            completion_tokens = completion_tokens + $5, set_aside_tokens = greatest(0, set_aside_tokens - $6),
            microseconds = microseconds + $7
        WHERE organization_id = $1 AND day = $2
        """)

    static let find = PostgresStatement(
        "model_answer_find",
        """
        WITH found AS (
            SELECT answer, thinking, is_json FROM model_answers
            WHERE organization_id = $1 AND key = $2 AND expires_at > now()
        ), counted AS (
            INSERT INTO model_usage AS u (organization_id, day, cached) SELECT $1, \(day), 1 FROM found
            ON CONFLICT (organization_id, day) DO UPDATE SET cached = u.cached + 1
        )
        SELECT answer, thinking, is_json FROM found
        """)

    /// $6 is the time in microseconds. Each answer that comes takes up to 20 along whose time is over.
    static let keep = PostgresStatement(
        "model_answer_keep",
        """
        WITH old AS (
            SELECT organization_id, key FROM model_answers
            WHERE expires_at < now() AND (organization_id, key) <> ($1, $2)
            ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM model_answers a USING old WHERE a.organization_id = old.organization_id AND a.key = old.key
        )
        INSERT INTO model_answers (organization_id, key, answer, thinking, is_json, expires_at)
        VALUES ($1, $2, $3, $4, $5, now() + $6::bigint * interval '1 microsecond')
        ON CONFLICT (organization_id, key) DO UPDATE SET answer = excluded.answer, thinking = excluded.thinking,
            is_json = excluded.is_json, expires_at = excluded.expires_at
        """)

    static let days = PostgresStatement(
        "model_days",
        """
        SELECT day, requests, cached, prompt_tokens, completion_tokens, set_aside_tokens, microseconds
        FROM model_usage WHERE organization_id = $1 AND ($2::timestamptz IS NULL OR day < $2)
        ORDER BY day DESC LIMIT $3
        """)

    static let budget = PostgresStatement(
        "model_budget",
        """
        SELECT coalesce(b.tokens_per_day, $2::bigint), coalesce(b.seconds_per_day, $3::bigint)
        FROM (VALUES (1)) AS one LEFT JOIN model_budgets b ON b.organization_id = $1
        """)

    static let set = PostgresStatement(
        "model_budget_set",
        """
        INSERT INTO model_budgets (organization_id, tokens_per_day, seconds_per_day)
        SELECT id, $2::bigint, $3::bigint FROM organizations WHERE name = $1
        ON CONFLICT (organization_id) DO UPDATE SET tokens_per_day = excluded.tokens_per_day,
            seconds_per_day = excluded.seconds_per_day, updated_at = now()
        RETURNING organization_id
        """)

    static let unset = PostgresStatement(
        "model_budget_unset",
        """
        WITH known AS (SELECT id FROM organizations WHERE name = $1),
            gone AS (DELETE FROM model_budgets b USING known WHERE b.organization_id = known.id)
        SELECT id FROM known
        """)

    static let today = PostgresStatement(
        "model_today",
        """
        SELECT o.name, coalesce(b.tokens_per_day, $1::bigint), coalesce(b.seconds_per_day, $2::bigint),
            coalesce(u.requests, 0), coalesce(u.prompt_tokens, 0), coalesce(u.completion_tokens, 0),
            coalesce(u.microseconds, 0)
        FROM organizations o LEFT JOIN model_budgets b ON b.organization_id = o.id
        LEFT JOIN model_usage u ON u.organization_id = o.id AND u.day = \(day)
        ORDER BY o.name
        """)
}
