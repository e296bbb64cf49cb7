-- Roles, organizations and API keys.
--
-- Roles belong to the whole cluster, and several databases of one cluster may be migrated at the same time, so each is
-- made only when it is missing and a lost race is no error. None of them can log in: an account that can is granted the
-- roles of its job (`collider migrate --service-login`), takes one on at the start of each session, and owns nothing.
--
--   collider_gateway   serves tenants: sees the rows of the organization that its transaction has set, and no others
--   collider_pipeline  processor, workers and writer: follow the log of all organizations
--   collider_admin     the command line: organizations and keys
--   collider_log       owns the functions that work across organizations; nobody takes it on

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['collider_gateway', 'collider_pipeline', 'collider_admin', 'collider_log'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF NOT pg_has_role(current_user, role_name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
    END LOOP;
END
$$;

-- The organization that the transaction works for, or NULL, which equals nothing.
CREATE FUNCTION current_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('collider.organization_id', true), '')::uuid
$$;

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations TO collider_gateway USING (id = current_organization());
CREATE POLICY administration ON organizations TO collider_admin USING (true) WITH CHECK (true);
GRANT SELECT ON organizations TO collider_gateway;
GRANT SELECT, INSERT ON organizations TO collider_admin;

CREATE TABLE api_keys (
    -- The public half, which stands in the key itself: ck_<id>_<secret>.
    id text PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    -- HMAC-SHA-256 of the whole key; the key itself is stored nowhere.
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX api_keys_organization ON api_keys (organization_id);
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_keys TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY administration ON api_keys TO collider_admin USING (true) WITH CHECK (true);
CREATE POLICY lookup ON api_keys FOR SELECT TO collider_log USING (true);
GRANT SELECT, INSERT, UPDATE ON api_keys TO collider_admin;
GRANT SELECT ON api_keys TO collider_log;

-- A request names its key before anybody knows its organization.
CREATE FUNCTION find_api_key(key_id text)
RETURNS TABLE (organization_id uuid, hash bytea, scopes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.organization_id, k.hash, k.scopes FROM api_keys k WHERE k.id = key_id AND k.revoked_at IS NULL
$$;

-- A function may be handed only to a role that could have made it.
GRANT CREATE ON SCHEMA public TO collider_log;
ALTER FUNCTION find_api_key(text) OWNER TO collider_log;
REVOKE CREATE ON SCHEMA public FROM collider_log;
REVOKE ALL ON FUNCTION find_api_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_api_key(text) TO collider_gateway;
