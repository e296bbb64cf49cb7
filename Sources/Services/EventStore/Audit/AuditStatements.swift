import PostgresWire

/// What the audit log says to PostgreSQL.
enum AuditStatements {
    private static let columns = "sequence, at, actor_kind, actor, address, request_id, action, target, details, hash"

    static let makeHead = PostgresStatement(
        "audit_make_head",
        """
        INSERT INTO audit_heads (organization_id, sequence, hash) VALUES ($1, 0, $2)
        ON CONFLICT (organization_id) DO NOTHING
        """)

    static let lockHead = PostgresStatement(
        "audit_lock_head", "SELECT sequence, hash FROM audit_heads WHERE organization_id = $1 FOR UPDATE")

    static let moveHead = PostgresStatement(
        "audit_move_head", "UPDATE audit_heads SET sequence = $2, hash = $3 WHERE organization_id = $1")

    static let add = PostgresStatement(
        "audit_add",
        """
        INSERT INTO audit_log (organization_id, \(columns))
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """)

    /// The newest first.
    static let list = PostgresStatement(
        "audit_list",
        """
        SELECT \(columns) FROM audit_log
        WHERE organization_id = $1 AND ($2::bigint IS NULL OR sequence < $2)
            AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR actor = $4)
        ORDER BY sequence DESC LIMIT $5
        """)

    static let organizations = PostgresStatement(
        "audit_organizations", "SELECT id, name FROM organizations ORDER BY name")

    static let head = PostgresStatement(
        "audit_head", "SELECT sequence, hash FROM audit_heads WHERE organization_id = $1")

    /// A stretch of the log in its order.
    static let stretch = PostgresStatement(
        "audit_stretch",
        """
        SELECT \(columns) FROM audit_log WHERE organization_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
        """)
}
