-- Secrets at rest, and deliveries made again.

-- The secrets of actions, encrypted under a key that the database does not hold: an array with an object for each
-- action, from the place within it to the sealed secret. The definition holds masks in their place. NULL in rows of a
-- release that kept them in the definition; `collider secrets reseal` mends those.
ALTER TABLE trigger_versions ADD COLUMN secrets json;

-- A version says for ever what it says. How its secrets are sealed may change, and with it, once, that they are.
DROP TRIGGER trigger_versions_are_immutable ON trigger_versions;
CREATE TRIGGER trigger_versions_are_immutable BEFORE UPDATE ON trigger_versions FOR EACH ROW
    WHEN ((OLD.trigger_id, OLD.version, OLD.organization_id, OLD.created_at, OLD.made_as)
            IS DISTINCT FROM (NEW.trigger_id, NEW.version, NEW.organization_id, NEW.created_at, NEW.made_as)
        OR (OLD.secrets IS NOT NULL AND OLD.definition::text IS DISTINCT FROM NEW.definition::text))
    EXECUTE FUNCTION refuse_change();

CREATE POLICY administration ON trigger_versions TO collider_admin USING (true);
CREATE POLICY administration ON sources TO collider_admin USING (true);
GRANT SELECT, UPDATE (definition, secrets) ON trigger_versions TO collider_admin;
GRANT SELECT, UPDATE (secrets) ON sources TO collider_admin;

-- The keys that secrets may be sealed under now, by their ids. Whoever seals under another notes it here first; a
-- process that lacks one does not start.
CREATE TABLE encryption_keys (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
    since timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON encryption_keys TO collider_gateway;
GRANT SELECT ON encryption_keys TO collider_pipeline;
GRANT SELECT, INSERT, DELETE ON encryption_keys TO collider_admin;

-- replay_of    the delivery that this one repeats
-- replayed_as  the last delivery that repeats this one, so that nothing is repeated twice unasked
-- replay_id    the replay that made it
ALTER TABLE deliveries
    ADD COLUMN replay_of uuid,
    ADD COLUMN replayed_as uuid,
    ADD COLUMN replay_id uuid;
-- Dead letters are few among many, and looked for by themselves.
CREATE INDEX deliveries_dead ON deliveries (organization_id, created_at, id) WHERE status = 'dead';
CREATE INDEX deliveries_replay ON deliveries (replay_id) WHERE replay_id IS NOT NULL;

-- What a tenant may do to its deliveries: bring one back, call one off, forget those that have come to nothing.
CREATE POLICY tenant_moves ON deliveries FOR UPDATE TO collider_gateway
    USING (organization_id = current_organization() AND created_at >= (SELECT retention_floor(current_organization())))
    WITH CHECK (organization_id = current_organization());
CREATE POLICY tenant_purges ON deliveries FOR DELETE TO collider_gateway
    USING (organization_id = current_organization() AND status IN ('dead', 'cancelled'));
CREATE POLICY tenant_notes ON attempts FOR INSERT TO collider_gateway
    WITH CHECK (organization_id = current_organization());
CREATE POLICY tenant_purges ON attempts FOR DELETE TO collider_gateway
    USING (organization_id = current_organization());
GRANT DELETE, UPDATE (status, max_attempts, run_at, pushed_at, lease_token, lease_until, last_error, finished_at, put_off,
    next_attempt_reason) ON deliveries TO collider_gateway;
GRANT INSERT, DELETE ON attempts TO collider_gateway;

-- Replays: what was delivered, or fired, made into new deliveries. The row is the job, as with backtests; but it is not
-- begun anew by whoever takes it next: each step makes its deliveries and moves `reached` in one transaction, so that
-- none is made twice and none left out.
CREATE TABLE replays (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    -- `deliveries`: each that matches is made again. `firings`: those of events that match run their actions again.
    source text NOT NULL CHECK (source IN ('deliveries', 'firings')),
    -- As it was asked for.
    request json NOT NULL,
    -- What is looked at lies in this stretch of created_at, and what is made lies behind it.
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    status_is text,
    trigger_id uuid,
    event_id uuid,
    kind text,
    event_type text,
    event_from timestamptz,
    event_to timestamptz,
    -- By which version's actions: the one that fired, or the one that is current now.
    version text NOT NULL CHECK (version IN ('fired', 'current')),
    -- Whether what was made again before is made again.
    again boolean NOT NULL,
    -- Deliveries in a second.
    rate integer NOT NULL CHECK (rate BETWEEN 1 AND 10000),
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Takers since the last step that was done.
    attempt smallint NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    reached_at timestamptz NOT NULL,
    reached_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    -- How many match; NULL until they are counted, and where that takes too long.
    total bigint,
    found bigint NOT NULL DEFAULT 0,
    made bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT replays_running_has_a_lease
        CHECK ((status = 'running') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
    CONSTRAINT replays_finished_has_a_time
        CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE INDEX replays_list ON replays (organization_id, id);
CREATE INDEX replays_open ON replays (id) WHERE status IN ('queued', 'running');
ALTER TABLE replays ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON replays TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON replays TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE, UPDATE (status, lease_token, lease_until, finished_at) ON replays TO collider_gateway;
GRANT SELECT, UPDATE ON replays TO collider_pipeline;
