-- Sources: other systems whose webhooks become events.

CREATE TABLE sources (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL CHECK (name <> ''),
    -- The end of the path that takes its deliveries: 128 random bits, for it is all that a source without verification
    -- has, and all that a stranger would have to guess of any other.
    hook_key text NOT NULL UNIQUE,
    -- With masks in place of secrets.
    definition json NOT NULL,
    -- The secrets, encrypted under a key that the database does not hold. Only the gateway needs them.
    secrets bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, name)
);
ALTER TABLE sources ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sources TO collider_gateway
    USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
CREATE POLICY lookup ON sources FOR SELECT TO collider_log USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON sources TO collider_gateway;
GRANT SELECT ON sources TO collider_log;

-- A delivery names its source before anybody knows its organization.
CREATE FUNCTION find_source(key text)
RETURNS TABLE (
    id uuid, organization_id uuid, hook_key text, definition json, secrets bytea, created_at timestamptz,
    updated_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT s.id, s.organization_id, s.hook_key, s.definition, s.secrets, s.created_at, s.updated_at
    FROM sources s WHERE s.hook_key = key
$$;

GRANT CREATE ON SCHEMA public TO collider_log;
ALTER FUNCTION find_source(text) OWNER TO collider_log;
REVOKE CREATE ON SCHEMA public FROM collider_log;
REVOKE ALL ON FUNCTION find_source(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_source(text) TO collider_gateway;
