import PostgresWire

/// What the trigger store says to PostgreSQL.
enum TriggerStatements {
    /// The columns of a trigger with its current definition.
    static let columns = "t.id, t.organization_id, v.version, v.definition, t.created_at, t.updated_at, v.secrets"

    private static let current = """
        SELECT \(columns)
        FROM triggers t
        JOIN trigger_versions v ON v.trigger_id = t.id AND v.version = t.current_version
        """

    static let create = PostgresStatement(
        "trigger_create",
        """
        WITH made AS (
            INSERT INTO triggers (id, organization_id, name, enabled, current_version)
            VALUES ($1, $2, $3, $4, 1)
            RETURNING created_at, updated_at
        ), version AS (
            INSERT INTO trigger_versions (trigger_id, version, organization_id, definition, secrets)
            VALUES ($1, 1, $2, $5::text::json, $6::text::json)
        )
        SELECT created_at, updated_at FROM made
        """)

    static let list = PostgresStatement(
        "trigger_list",
        """
        \(current)
        WHERE t.organization_id = $1 AND t.deleted_at IS NULL AND ($2::uuid IS NULL OR t.id > $2)
        ORDER BY t.id LIMIT $3
        """)

    static let get = PostgresStatement(
        "trigger_get",
        """
        \(current)
        WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
        """)

    /// Only the trigger's own row: a join would be checked again against the version that was current before the
    /// wait, and find nothing.
    static let lock = PostgresStatement(
        "trigger_lock",
        """
        SELECT current_version FROM triggers
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
        FOR UPDATE
        """)

    /// The next number is one after the newest version, which may be one in shadow and not the current one.
    static let replace = PostgresStatement(
        "trigger_replace",
        """
        WITH version AS (
            INSERT INTO trigger_versions (trigger_id, version, organization_id, definition, secrets)
            SELECT $1, max(version) + 1, $2, $5::text::json, $6::text::json FROM trigger_versions WHERE trigger_id = $1
            RETURNING version
        )
        UPDATE triggers SET current_version = version.version, name = $3, enabled = $4, updated_at = now()
        FROM version WHERE id = $1 AND organization_id = $2
        RETURNING created_at, updated_at, current_version
        """)

    static let delete = PostgresStatement(
        "trigger_delete",
        """
        UPDATE triggers SET deleted_at = now(), updated_at = now()
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
        RETURNING name, current_version, enabled
        """)

    static let notify = PostgresStatement("trigger_notify", "SELECT pg_notify('triggers_changed', '')")

    static let disabledActions = PostgresStatement(
        "trigger_disabled_actions",
        """
        SELECT action_index, reason FROM disabled_actions
        WHERE organization_id = $1 AND trigger_id = $2 AND trigger_version = $3
        """)
}
