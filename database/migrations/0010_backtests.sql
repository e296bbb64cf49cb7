-- Backtests: a trigger, or a draft of one, over the events that are stored. The row is the job: the gateway writes it,
-- the event-processors take one each, and whoever asks reads how far it is.

CREATE TABLE backtests (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    -- NULL: a draft that is stored nowhere else.
    trigger_id uuid,
    trigger_version integer,
    name text NOT NULL,
    -- Without its actions, which hold secrets and are not carried out; json, because a condition is shown as it was
    -- written.
    definition json NOT NULL,
    -- The kind of each action, so that the deliveries can be counted.
    action_kinds text[] NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL CHECK (to_at > from_at),
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Counted when a processor takes the row: one that kills its processor must end too.
    attempt smallint NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    -- Of the present attempt. Positions of the log stand in for events, whose number nobody knows before.
    events_read bigint NOT NULL DEFAULT 0,
    positions_read bigint NOT NULL DEFAULT 0,
    positions_total bigint,
    result jsonb,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT backtests_running_has_a_lease
        CHECK ((status = 'running') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
    CONSTRAINT backtests_finished_has_a_time
        CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE INDEX backtests_list ON backtests (organization_id, id);
CREATE INDEX backtests_open ON backtests (id) WHERE status IN ('queued', 'running');
ALTER TABLE backtests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON backtests TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON backtests TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE, UPDATE (status, lease_token, lease_until, finished_at) ON backtests TO collider_gateway;
GRANT SELECT, UPDATE ON backtests TO collider_pipeline;

-- What a version was made as. Those made live follow each other by their times; one that is made shadow is never live:
-- to promote it makes another that says the same.
ALTER TABLE trigger_versions ADD COLUMN made_as text NOT NULL DEFAULT 'live' CHECK (made_as IN ('live', 'shadow'));

-- Lists of firings, and whether a trigger fired for an event.
CREATE INDEX firings_list ON firings (organization_id, created_at, id);
CREATE INDEX firings_event ON firings (event_id);
