import PostgresWire

/// What the store of states says to PostgreSQL.
enum StateStatements {
    static let load = PostgresStatement(
        "state_load",
        """
        SELECT w.n::integer, s.state
        FROM unnest($2::uuid[], $3::bigint[], $4::bytea[]) WITH ORDINALITY AS w (trigger_id, slot, group_key, n)
        JOIN trigger_states s ON s.part = $1 AND s.trigger_id = w.trigger_id AND s.slot = w.slot
            AND s.group_key = w.group_key
        """)

    static let save = PostgresStatement(
        "state_save",
        """
        INSERT INTO trigger_states (part, trigger_id, slot, group_key, organization_id, state, due_at, expires_at)
        SELECT $1, w.trigger_id, w.slot, w.group_key, w.organization_id, w.state, w.due_at, w.expires_at
        FROM unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::uuid[], $6::bytea[], $7::timestamptz[],
            $8::timestamptz[]) AS w (trigger_id, slot, group_key, organization_id, state, due_at, expires_at)
        ON CONFLICT (part, trigger_id, slot, group_key) DO UPDATE SET
            state = excluded.state, due_at = excluded.due_at, expires_at = excluded.expires_at, updated_at = now()
        """)

    static let delete = PostgresStatement(
        "state_delete",
        """
        DELETE FROM trigger_states s
        USING unnest($2::uuid[], $3::bigint[], $4::bytea[]) AS w (trigger_id, slot, group_key)
        WHERE s.part = $1 AND s.trigger_id = w.trigger_id AND s.slot = w.slot AND s.group_key = w.group_key
        """)

    /// One look into the index for each part.
    static let dueParts = PostgresStatement(
        "state_due_parts",
        """
        SELECT p.part FROM log_parts p WHERE EXISTS (
            SELECT FROM trigger_states s WHERE s.part = p.part AND s.due_at <= now() - make_interval(secs => $1))
        """)

    static let dueOrganizations = PostgresStatement(
        "state_due_organizations",
        "SELECT DISTINCT organization_id FROM trigger_states WHERE part = $1 AND due_at <= $2")

    static let due = PostgresStatement(
        "state_due",
        """
        SELECT trigger_id, slot, group_key, state, due_at FROM trigger_states
        WHERE part = $1 AND due_at <= $2 AND organization_id = $3
        ORDER BY due_at, trigger_id, slot, group_key LIMIT $4
        """)

    static let look = PostgresStatement(
        "state_look",
        """
        SELECT s.trigger_id, s.slot, s.group_key,
            coalesce(s.expires_at < $5, false) OR t.id IS NULL OR t.deleted_at IS NOT NULL,
            s.updated_at < now() - interval '1 day', s.organization_id
        FROM (
            SELECT trigger_id, slot, group_key, organization_id, expires_at, updated_at FROM trigger_states
            WHERE part = $1 AND (trigger_id, slot, group_key) > ($2, $3, $4)
            ORDER BY trigger_id, slot, group_key LIMIT $6
        ) s LEFT JOIN triggers t ON t.id = s.trigger_id
        ORDER BY s.trigger_id, s.slot, s.group_key
        """)
}
