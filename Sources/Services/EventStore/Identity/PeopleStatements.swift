import PostgresWire

/// What the store of people and sessions says to PostgreSQL.
enum PeopleStatements {
    /// For the rest of a transaction.
    ///
    /// Its steps may lie further apart than the second after which the server ends a transaction that is idle, on a
    /// machine that has too much to do: nothing that others wait for all the time is locked meanwhile.
    static let becomeIdentity = PostgresStatement(
        "identity_become",
        """
        SELECT set_config('role', 'collider_identity', true),
            set_config('idle_in_transaction_session_timeout', '10s', true)
        """)

    private static let columns = "id, username, email, created_at"

    static let add = PostgresStatement(
        "person_add",
        """
        INSERT INTO people (id, username, email, username_key, email_key, password_hash)
        VALUES ($1, $2, $3, lower($2), lower($3), $4)
        RETURNING \(columns)
        """)

    static let byEmail = PostgresStatement(
        "person_by_email", "SELECT \(columns), password_hash FROM people WHERE email_key = lower($1)")

    static let byID = PostgresStatement(
        "person_by_id", "SELECT \(columns), password_hash FROM people WHERE id = $1")

    /// Unless somebody else has changed it since it was checked.
    static let changePassword = PostgresStatement(
        "person_change_password",
        "UPDATE people SET password_hash = $2, password_changed_at = now() WHERE id = $1 AND password_hash = $3")

    /// Whether the password that was checked is still the one, and stays it until the end of the transaction.
    static let holdPassword = PostgresStatement(
        "person_hold_password", "SELECT id FROM people WHERE id = $1 AND password_hash = $2 FOR SHARE")

    static let addOrganization = PostgresStatement(
        "person_add_organization",
        "INSERT INTO organizations (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id")

    static let addMember = PostgresStatement(
        "person_add_member",
        """
        INSERT INTO members (organization_id, person_id, role) VALUES ($1, $2, $3)
        ON CONFLICT (organization_id, person_id) DO NOTHING
        """)

    static let memberships = PostgresStatement(
        "person_memberships",
        """
        SELECT o.id, o.name, m.role, m.joined_at
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.person_id = $1 ORDER BY m.joined_at, o.id LIMIT $2
        """)

    static let membership = PostgresStatement(
        "person_membership", "SELECT role FROM members WHERE person_id = $1 AND organization_id = $2")

    static let openSession = PostgresStatement(
        "session_open",
        """
        INSERT INTO sessions (id, person_id, organization_id, address, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')
        """)

    static let addRefreshToken = PostgresStatement(
        "session_add_token",
        """
        INSERT INTO refresh_tokens (hash, session_id, expires_at)
        VALUES ($1, $2, now() + $3 * interval '1 second')
        """)

    /// Locks the session too, so that of two who bring one token one is first.
    static let lockRefreshToken = PostgresStatement(
        "session_lock_token",
        """
        SELECT s.id, s.person_id, s.organization_id, t.used_at IS NOT NULL,
            t.expires_at > now() AND s.expires_at > now() AND s.revoked_at IS NULL
        FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
        WHERE t.hash = $1
        FOR UPDATE
        """)

    static let useRefreshToken = PostgresStatement(
        "session_use_token", "UPDATE refresh_tokens SET used_at = now() WHERE hash = $1")

    static let refresh = PostgresStatement(
        "session_refresh", "UPDATE sessions SET refreshed_at = now(), organization_id = $2 WHERE id = $1")

    static let revoke = PostgresStatement(
        "session_revoke",
        """
        UPDATE sessions SET revoked_at = now(), revoked_because = $2 WHERE id = $1 AND revoked_at IS NULL
        """)

    /// All without a second parameter.
    static let revokeOthers = PostgresStatement(
        "session_revoke_others",
        """
        UPDATE sessions SET revoked_at = now(), revoked_because = $3
        WHERE person_id = $1 AND id IS DISTINCT FROM $2::uuid AND revoked_at IS NULL
        """)

    /// Those that are over, and the oldest beyond the limit; their tokens go with them.
    static let prune = PostgresStatement(
        "session_prune",
        """
        DELETE FROM sessions WHERE id IN (
            SELECT id FROM (
                SELECT id, expires_at, revoked_at, row_number() OVER (ORDER BY created_at DESC) AS place
                FROM sessions WHERE person_id = $1
            ) AS own
            WHERE expires_at <= now() OR revoked_at < now() - interval '1 day' OR place > $2)
        """)

    static let find = PostgresStatement("session_find", "SELECT role FROM find_session($1, $2, $3)")

    // MARK: Failed logins

    /// Counts an attempt before it is made, and says whether it may be. Failures are forgotten after an hour without.
    static let countAttempt = PostgresStatement(
        "login_count",
        """
        INSERT INTO login_failures AS f (subject, failures, last_at, refused) VALUES ($1, 1, now(), false)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE
                WHEN f.blocked_until > now() THEN f.failures
                WHEN f.last_at < now() - interval '1 hour' THEN 1
                ELSE f.failures + 1 END,
            last_at = CASE WHEN f.blocked_until > now() THEN f.last_at ELSE now() END,
            blocked_until = CASE
                WHEN f.blocked_until > now() THEN f.blocked_until
                WHEN f.last_at < now() - interval '1 hour' OR f.failures + 1 < $2 THEN NULL
                ELSE now() + least(900, 30 * power(2, least(f.failures + 1 - $2, 10))) * interval '1 second' END,
            refused = coalesce(f.blocked_until > now(), false)
        RETURNING refused, ceil(coalesce(extract(epoch FROM blocked_until - now()), 0))::bigint, blocked_until
        """)

    /// Takes one attempt back that was counted, with the end of the block that it began, if it began one.
    static let uncountAttempt = PostgresStatement(
        "login_uncount",
        """
        UPDATE login_failures
        SET failures = greatest(failures - 1, 0),
            blocked_until = CASE WHEN blocked_until = $2 THEN NULL ELSE blocked_until END
        WHERE subject = $1
        """)

    static let forgetAttempts = PostgresStatement(
        "login_forget", "DELETE FROM login_failures WHERE subject = $1")

    static let pruneAttempts = PostgresStatement(
        "login_prune",
        """
        DELETE FROM login_failures WHERE subject IN (
            SELECT subject FROM login_failures WHERE last_at < now() - interval '1 hour' ORDER BY last_at LIMIT 20
            FOR UPDATE SKIP LOCKED)
        """)

    /// The address as accounts are told apart: what counts as one account here must be one there.
    static let emailKey = PostgresStatement("login_email_key", "SELECT lower($1::text)")

    static let isKnownPlace = PostgresStatement(
        "login_is_known_place",
        """
        SELECT EXISTS (
            SELECT FROM login_places l JOIN people p ON p.id = l.person_id
            WHERE p.email_key = lower($1) AND l.place = $2 AND l.seen_at > now() - interval '90 days')
        """)

    static let notePlace = PostgresStatement(
        "login_note_place",
        """
        INSERT INTO login_places (person_id, place) VALUES ($1, $2)
        ON CONFLICT (person_id, place) DO UPDATE SET seen_at = now()
        """)

    static let prunePlaces = PostgresStatement(
        "login_prune_places",
        """
        DELETE FROM login_places WHERE person_id = $1 AND place IN (
            SELECT place FROM login_places WHERE person_id = $1 ORDER BY seen_at DESC OFFSET 50)
        """)

    // MARK: Invitations

    static let takeInvitation = PostgresStatement(
        "invitation_take",
        """
        DELETE FROM invitations WHERE token_hash = $1 AND email_key = lower($2) AND expires_at > now()
        RETURNING id, organization_id, role
        """)
}
