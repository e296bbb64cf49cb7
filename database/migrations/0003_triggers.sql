-- Triggers. A trigger is a name and a number: the number of its current version. What it does stands in
-- trigger_versions, whose rows never change, so that a delivery always finds the very definition that fired it.

CREATE TABLE triggers (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL CHECK (name <> ''),
    enabled boolean NOT NULL,
    current_version integer NOT NULL CHECK (current_version >= 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
-- A name is taken only as long as its trigger lives.
CREATE UNIQUE INDEX triggers_name ON triggers (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX triggers_live ON triggers (organization_id, id) WHERE deleted_at IS NULL;
ALTER TABLE triggers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON triggers TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY follow ON triggers FOR SELECT TO collider_pipeline USING (true);
GRANT SELECT, INSERT, UPDATE ON triggers TO collider_gateway;
GRANT SELECT ON triggers TO collider_pipeline;

CREATE TABLE trigger_versions (
    trigger_id uuid NOT NULL REFERENCES triggers (id),
    version integer NOT NULL CHECK (version >= 1),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    -- Holds the secrets of its actions in plain text: workers need them. Nothing that answers a request writes
    -- this column out; it is parsed, and written anew with masked secrets.
    -- json and not jsonb, because a condition is shown as it was written.
    definition json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trigger_id, version)
);
ALTER TABLE trigger_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trigger_versions TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY follow ON trigger_versions FOR SELECT TO collider_pipeline USING (true);
GRANT SELECT, INSERT ON trigger_versions TO collider_gateway;
GRANT SELECT ON trigger_versions TO collider_pipeline;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER trigger_versions_are_immutable BEFORE UPDATE ON trigger_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Actions whose receiver answered 410 Gone. A new version of the trigger starts with none: its numbers are its own.
CREATE TABLE disabled_actions (
    trigger_id uuid NOT NULL,
    trigger_version integer NOT NULL,
    action_index smallint NOT NULL CHECK (action_index >= 0),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    reason text NOT NULL,
    disabled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trigger_id, trigger_version, action_index),
    FOREIGN KEY (trigger_id, trigger_version) REFERENCES trigger_versions (trigger_id, version)
);
ALTER TABLE disabled_actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON disabled_actions FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON disabled_actions TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON disabled_actions TO collider_gateway;
GRANT SELECT, INSERT ON disabled_actions TO collider_pipeline;
