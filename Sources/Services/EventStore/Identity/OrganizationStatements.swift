import PostgresWire

/// What the store of organizations says to PostgreSQL.
enum OrganizationStatements {
    static let get = PostgresStatement(
        "organization_get",
        """
        SELECT o.id, o.name, o.created_at, (SELECT count(*) FROM members m WHERE m.organization_id = o.id)
        FROM organizations o WHERE o.id = $1
        """)

    static let rename = PostgresStatement(
        "organization_rename", "UPDATE organizations SET name = $2 WHERE id = $1")

    private static let memberColumns = "p.id, p.username, p.email, m.role, m.joined_at"

    static let members = PostgresStatement(
        "member_list",
        """
        SELECT \(memberColumns) FROM members m JOIN people p ON p.id = m.person_id
        WHERE m.organization_id = $1 AND ($2::uuid IS NULL OR m.person_id > $2)
        ORDER BY m.person_id LIMIT $3
        """)

    static let lockMember = PostgresStatement(
        "member_lock",
        """
        SELECT \(memberColumns) FROM members m JOIN people p ON p.id = m.person_id
        WHERE m.organization_id = $1 AND m.person_id = $2
        FOR UPDATE OF m
        """)

    static let setRole = PostgresStatement(
        "member_set_role", "UPDATE members SET role = $3 WHERE organization_id = $1 AND person_id = $2")

    static let demoteOwner = PostgresStatement(
        "member_demote_owner",
        "UPDATE members SET role = 'admin' WHERE organization_id = $1 AND role = 'owner' AND person_id = $2")

    static let remove = PostgresStatement(
        "member_remove", "DELETE FROM members WHERE organization_id = $1 AND person_id = $2")

    static let isMember = PostgresStatement(
        "member_is_one",
        """
        SELECT EXISTS (
            SELECT FROM members m JOIN people p ON p.id = m.person_id
            WHERE m.organization_id = $1 AND lower(p.email) = lower($2))
        """)

    private static let invitationColumns = "id, email, role, invited_by, created_at, expires_at"

    /// One address has one invitation: a new one takes the place of what was there.
    static let dropInvitation = PostgresStatement(
        "invitation_drop", "DELETE FROM invitations WHERE organization_id = $1 AND email_key = lower($2)")

    static let countInvitations = PostgresStatement(
        "invitation_count", "SELECT count(*) FROM invitations WHERE organization_id = $1 AND expires_at > now()")

    static let pruneInvitations = PostgresStatement(
        "invitation_prune", "DELETE FROM invitations WHERE organization_id = $1 AND expires_at <= now()")

    static let invite = PostgresStatement(
        "invitation_add",
        """
        INSERT INTO invitations (id, organization_id, email, email_key, role, token_hash, invited_by, expires_at)
        VALUES ($1, $2, $3, lower($3), $4, $5, $6, now() + $7 * interval '1 second')
        RETURNING \(invitationColumns)
        """)

    static let invitations = PostgresStatement(
        "invitation_list",
        """
        SELECT \(invitationColumns) FROM invitations
        WHERE organization_id = $1 AND expires_at > now() AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id LIMIT $3
        """)

    /// Those that somebody gave who may do so no longer.
    static let dropInvitationsOf = PostgresStatement(
        "invitation_drop_of", "DELETE FROM invitations WHERE organization_id = $1 AND invited_by = $2")

    static let removeInvitation = PostgresStatement(
        "invitation_remove", "DELETE FROM invitations WHERE organization_id = $1 AND id = $2")
}
