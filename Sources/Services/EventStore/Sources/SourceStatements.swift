import PostgresWire

/// What the source store says to PostgreSQL.
enum SourceStatements {
    private static let columns = "id, organization_id, hook_key, definition, secrets, created_at, updated_at"

    static let create = PostgresStatement(
        "source_create",
        """
        INSERT INTO sources (id, organization_id, name, hook_key, definition, secrets)
        VALUES ($1, $2, $3, $4, $5::text::json, $6)
        RETURNING created_at, updated_at
        """)

    static let list = PostgresStatement(
        "source_list",
        """
        SELECT \(columns) FROM sources
        WHERE organization_id = $1 AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3
        """)

    static let get = PostgresStatement(
        "source_get", "SELECT \(columns) FROM sources WHERE organization_id = $1 AND id = $2")

    static let lock = PostgresStatement(
        "source_lock", "SELECT \(columns) FROM sources WHERE organization_id = $1 AND id = $2 FOR UPDATE")

    static let replace = PostgresStatement(
        "source_replace",
        """
        UPDATE sources SET name = $3, definition = $4::text::json, secrets = $5, updated_at = now()
        WHERE organization_id = $1 AND id = $2
        RETURNING created_at, updated_at
        """)

    static let delete = PostgresStatement(
        "source_delete", "DELETE FROM sources WHERE organization_id = $1 AND id = $2")

    static let find = PostgresStatement("source_find", "SELECT \(columns) FROM find_source($1)")
}
