import PostgresWire

/// What is said to PostgreSQL about how secrets are sealed.
enum SecretStatements {
    static let keys = PostgresStatement("secret_keys", "SELECT id FROM encryption_keys ORDER BY since, id")

    static let use = PostgresStatement(
        "secret_key_use", "INSERT INTO encryption_keys (id) VALUES ($1) ON CONFLICT DO NOTHING")

    static let retire = PostgresStatement("secret_key_retire", "DELETE FROM encryption_keys WHERE id = $1")

    static let isOutdated = PostgresStatement(
        "secret_outdated",
        """
        SELECT EXISTS (SELECT FROM encryption_keys WHERE id <> $1)
            OR EXISTS (SELECT FROM trigger_versions WHERE secrets IS NULL)
            OR EXISTS (
                SELECT FROM sources WHERE encode(substring(secrets FOR 17), 'escape') !~ '^[0-9a-f]{16}[.]$')
        """)

    static let versions = PostgresStatement(
        "secret_versions",
        """
        SELECT trigger_id, version, organization_id, definition, secrets FROM trigger_versions
        WHERE (trigger_id, version) > ($1, $2)
        ORDER BY trigger_id, version LIMIT $3
        """)

    /// Guarded by what was read: another that seals anew at the same time may have been faster.
    static let resealVersion = PostgresStatement(
        "secret_reseal_version",
        """
        UPDATE trigger_versions SET definition = $3::text::json, secrets = $4::text::json
        WHERE trigger_id = $1 AND version = $2 AND secrets::text IS NOT DISTINCT FROM $5::text
        """)

    static let sources = PostgresStatement(
        "secret_sources", "SELECT id, organization_id, secrets FROM sources WHERE id > $1 ORDER BY id LIMIT $2")

    static let resealSource = PostgresStatement(
        "secret_reseal_source", "UPDATE sources SET secrets = $2 WHERE id = $1 AND secrets = $3")
}
