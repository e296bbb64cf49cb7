import PostgresWire

/// What the trigger store says to PostgreSQL about versions.
enum TriggerVersionStatements {
    /// Those of a trigger, each as of its own time, and the numbers of the versions that are live and in shadow.
    private static let versions = """
        SELECT t.id, t.organization_id, v.version, v.definition, t.created_at, v.created_at, v.secrets,
            t.current_version, t.shadow_version
        FROM triggers t JOIN trigger_versions v ON v.trigger_id = t.id
        WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL
        """

    static let list = PostgresStatement(
        "trigger_version_list",
        "\(versions) AND ($3::integer IS NULL OR v.version < $3) ORDER BY v.version DESC LIMIT $4")

    static let get = PostgresStatement("trigger_version_get", "\(versions) AND v.version = $3")

    static let shadow = PostgresStatement("trigger_version_shadow", "\(versions) AND v.version = t.shadow_version")

    /// The version that was live at a moment, as far as times tell: the processor may have evaluated by the one before.
    static let at = PostgresStatement(
        "trigger_version_at",
        "\(versions) AND v.created_at <= $3 AND v.made_as = 'live' ORDER BY v.version DESC LIMIT 1")

    static let setShadow = PostgresStatement(
        "trigger_shadow_set",
        """
        WITH version AS (
            INSERT INTO trigger_versions (trigger_id, version, organization_id, definition, secrets, made_as)
            SELECT $2, max(version) + 1, $1, $3::text::json, $4::text::json, 'shadow' FROM trigger_versions
            WHERE trigger_id = $2
            RETURNING version
        )
        UPDATE triggers SET shadow_version = version.version FROM version WHERE id = $2 AND organization_id = $1
        """)

    static let clearShadow = PostgresStatement(
        "trigger_shadow_clear",
        """
        UPDATE triggers SET shadow_version = NULL
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND shadow_version IS NOT NULL
        """)
}
