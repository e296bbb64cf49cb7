import PostgresWire

/// What the key store says to PostgreSQL.
enum KeyStatements {
    static let columns = """
        k.id, k.name, k.scopes, k.created_at, k.revoked_at, k.expires_at, k.last_used_at, k.allowed_addresses,
        k.created_by, k.replaced_by
        """

    static let find = PostgresStatement(
        "key_find",
        "SELECT organization_id, hash, scopes, allowed_addresses, seconds_left FROM find_api_key($1)")

    static let noteUse = PostgresStatement("key_note_use", "SELECT note_key_use($1)")

    static let addOrganization = PostgresStatement(
        "organization_add", "INSERT INTO organizations (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")

    static let organizationNamed = PostgresStatement(
        "organization_named", "SELECT id FROM organizations WHERE name = $1")

    static let add = PostgresStatement(
        "key_add",
        """
        INSERT INTO api_keys (
            id, organization_id, name, hash, scopes, expires_at, allowed_addresses, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """)

    static let listAll = PostgresStatement(
        "key_list_all",
        """
        SELECT \(columns), o.name
        FROM api_keys k JOIN organizations o ON o.id = k.organization_id ORDER BY k.created_at, k.id
        """)

    static let revokeAny = PostgresStatement(
        "key_revoke_any",
        "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING organization_id")

    static let list = PostgresStatement(
        "key_list",
        """
        SELECT \(columns), o.name
        FROM api_keys k JOIN organizations o ON o.id = k.organization_id
        WHERE k.organization_id = $1 AND ($2::text IS NULL OR k.id > $2)
        ORDER BY k.id LIMIT $3
        """)

    static let get = PostgresStatement(
        "key_get",
        """
        SELECT \(columns), o.name
        FROM api_keys k JOIN organizations o ON o.id = k.organization_id
        WHERE k.organization_id = $1 AND k.id = $2
        """)

    /// Locks a key that is good now.
    static let lock = PostgresStatement(
        "key_lock",
        """
        SELECT \(columns), ''::text
        FROM api_keys k
        WHERE k.organization_id = $1 AND k.id = $2 AND k.revoked_at IS NULL
            AND (k.expires_at IS NULL OR k.expires_at > now())
        FOR UPDATE
        """)

    static let countActive = PostgresStatement(
        "key_count_active",
        """
        SELECT count(*) FROM api_keys
        WHERE organization_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        """)

    static let replace = PostgresStatement(
        "key_replace",
        """
        UPDATE api_keys
        SET replaced_by = $3, expires_at = least(expires_at, now() + $4 * interval '1 second')
        WHERE organization_id = $1 AND id = $2
        """)

    static let revoke = PostgresStatement(
        "key_revoke",
        """
        UPDATE api_keys SET revoked_at = now()
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL
        RETURNING scopes
        """)
}
