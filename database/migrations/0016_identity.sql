-- People, the organizations that they belong to, API keys as tenants manage them, and who changed what.
--
--   collider_identity  what happens before it is known for which organization: registering, logging in, refreshing,
--                      accepting an invitation. The gateway takes it on for single transactions; in all others it sees of
--                      people no more than the names of its organization's members.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'collider_identity') THEN
        BEGIN
            CREATE ROLE collider_identity NOLOGIN NOINHERIT;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'collider_identity', 'MEMBER') THEN
        EXECUTE format('GRANT collider_identity TO %I', current_user);
    END IF;
    GRANT USAGE ON SCHEMA public TO collider_identity;
END
$$;

-- People. They belong to no organization, so that no tenant's transaction may read more than names.
CREATE TABLE people (
    id uuid PRIMARY KEY,
    username text NOT NULL,
    email text NOT NULL,
    -- As they are compared: in lower case.
    username_key text NOT NULL UNIQUE,
    email_key text NOT NULL UNIQUE,
    -- A slow hash with its salt and its costs, `$scrypt$ln=…,r=…,p=…$salt$hash`.
    password_hash text NOT NULL,
    password_changed_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- An organization has at most one owner; one that the command line made has none until somebody is made it.
CREATE TABLE members (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    person_id uuid NOT NULL REFERENCES people (id),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    joined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, person_id)
);
CREATE UNIQUE INDEX members_owner ON members (organization_id) WHERE role = 'owner';
CREATE INDEX members_person ON members (person_id);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    email text NOT NULL,
    email_key text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'member', 'viewer')),
    -- HMAC-SHA-256 of the token, which is shown once.
    token_hash bytea NOT NULL UNIQUE,
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (organization_id, email_key)
);

-- What a login opens. Its access tokens name it, so that they end with it.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people (id),
    -- For which its newest access token speaks.
    organization_id uuid NOT NULL REFERENCES organizations (id),
    address text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because text,
    CONSTRAINT sessions_revoked_has_a_reason CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX sessions_person ON sessions (person_id, created_at);

-- Refresh tokens, as HMAC-SHA-256. A used one stays until its session ends: who brings it again is not its owner, or
-- its owner is not the only one who has it.
CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Attempts that count against whoever made them: one address on one account, and one address on all of them. Never an
-- account by itself, which would let anybody lock its owner out. The subject is an HMAC, and tells nothing.
CREATE TABLE login_failures (
    subject bytea PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz,
    -- Whether the last attempt came while the subject was blocked.
    refused boolean NOT NULL
);
CREATE INDEX login_failures_old ON login_failures (last_at);

-- Where a person has logged in from; what others do from there is not held against them.
CREATE TABLE login_places (
    person_id uuid NOT NULL REFERENCES people (id),
    place bytea NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, place)
);

-- Who changed what, from where. Each entry carries an HMAC over itself and the one before it, under a key that the
-- database does not hold; the head says where the log ends, so that a cut-off end is missed.
CREATE TABLE audit_log (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    sequence bigint NOT NULL CHECK (sequence > 0),
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('person', 'key', 'operator')),
    actor text NOT NULL,
    address text NOT NULL,
    request_id text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    -- A JSON object, as text: what was hashed is kept to the byte.
    details text NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (organization_id, sequence)
);
CREATE TABLE audit_heads (
    organization_id uuid PRIMARY KEY REFERENCES organizations (id),
    sequence bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_is_never_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Keys that expire, that are bound to addresses, and that replace each other.
ALTER TABLE api_keys
    ADD COLUMN expires_at timestamptz,
    -- To the minute.
    ADD COLUMN last_used_at timestamptz,
    -- Blocks of addresses; empty lets every address in.
    ADD COLUMN allowed_addresses text[] NOT NULL DEFAULT '{}',
    ADD COLUMN created_by text,
    ADD COLUMN replaced_by text;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY[
        'people', 'members', 'invitations', 'sessions', 'refresh_tokens', 'login_failures', 'login_places', 'audit_log',
        'audit_heads'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY identity ON %I TO collider_identity USING (true) WITH CHECK (true)', table_name);
    END LOOP;
    FOREACH table_name IN ARRAY ARRAY['members', 'invitations', 'audit_log', 'audit_heads'] LOOP
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO collider_gateway USING (organization_id = current_organization())', table_name);
    END LOOP;
    FOREACH table_name IN ARRAY ARRAY['audit_log', 'audit_heads'] LOOP
        EXECUTE format('CREATE POLICY administration ON %I TO collider_admin USING (true) WITH CHECK (true)', table_name);
    END LOOP;
END
$$;

CREATE POLICY identity ON organizations TO collider_identity USING (true) WITH CHECK (true);
CREATE POLICY fellow_members ON people FOR SELECT TO collider_gateway USING (EXISTS (
    SELECT FROM members m WHERE m.person_id = people.id AND m.organization_id = current_organization()));
CREATE POLICY lookup ON sessions FOR SELECT TO collider_log USING (true);
CREATE POLICY lookup ON members FOR SELECT TO collider_log USING (true);
CREATE POLICY use ON api_keys FOR UPDATE TO collider_log USING (true);

GRANT SELECT, INSERT ON organizations, members TO collider_identity;
GRANT SELECT, INSERT, UPDATE ON people, sessions, refresh_tokens, login_failures, login_places TO collider_identity;
GRANT DELETE ON sessions, login_failures, login_places TO collider_identity;
GRANT SELECT, DELETE ON invitations TO collider_identity;
GRANT UPDATE (name) ON organizations TO collider_gateway;
GRANT SELECT (id, username, email) ON people TO collider_gateway;
GRANT SELECT, DELETE, UPDATE (role) ON members TO collider_gateway;
GRANT SELECT, INSERT, DELETE ON invitations TO collider_gateway;
GRANT INSERT, SELECT (id, organization_id, name, scopes, created_at, revoked_at, expires_at, last_used_at,
    allowed_addresses, created_by, replaced_by), UPDATE (name, revoked_at, expires_at, allowed_addresses, replaced_by)
    ON api_keys TO collider_gateway;
GRANT UPDATE (last_used_at) ON api_keys TO collider_log;
GRANT SELECT ON sessions, members TO collider_log;
GRANT SELECT, INSERT ON audit_log TO collider_gateway, collider_identity, collider_admin;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO collider_gateway, collider_identity, collider_admin;

-- A request names its key, or its session, before anybody knows its organization.
DROP FUNCTION find_api_key(text);
CREATE FUNCTION find_api_key(key_id text)
RETURNS TABLE (
    organization_id uuid, hash bytea, scopes text[], allowed_addresses text[], seconds_left double precision
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.organization_id, k.hash, k.scopes, k.allowed_addresses, extract(epoch FROM k.expires_at - now())::float8
    FROM api_keys k
    WHERE k.id = key_id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
$$;
CREATE FUNCTION note_key_use(key_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE api_keys SET last_used_at = now()
    WHERE id = key_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
CREATE FUNCTION find_session(session_id uuid, person uuid, organization uuid) RETURNS TABLE (role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT m.role FROM sessions s
    JOIN members m ON m.person_id = s.person_id AND m.organization_id = organization
    WHERE s.id = session_id AND s.person_id = person AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

GRANT CREATE ON SCHEMA public TO collider_log;
ALTER FUNCTION find_api_key(text) OWNER TO collider_log;
ALTER FUNCTION note_key_use(text) OWNER TO collider_log;
ALTER FUNCTION find_session(uuid, uuid, uuid) OWNER TO collider_log;
REVOKE CREATE ON SCHEMA public FROM collider_log;
REVOKE ALL ON FUNCTION find_api_key(text), note_key_use(text), find_session(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_api_key(text), note_key_use(text), find_session(uuid, uuid, uuid) TO collider_gateway;
