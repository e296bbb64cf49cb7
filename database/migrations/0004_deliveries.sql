-- Firings, deliveries, attempts. A firing is "this trigger matched this event"; a delivery is one action of a firing,
-- and is the job itself: Redis only repeats its id (CONTRACT §5).
--
-- All three grow with traffic, so they are partitioned by time and have no foreign keys among them: retention drops
-- whole partitions. created_at is the millisecond inside the row's own version 7 id, so that whoever knows an id
-- knows the partition, and a look-up by (created_at, id) touches one.

CREATE TABLE firings (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    trigger_version integer NOT NULL,
    event_id uuid NOT NULL,
    event_received_at timestamptz NOT NULL,
    part smallint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX firings_trigger ON firings (trigger_id, created_at, id);
ALTER TABLE firings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON firings FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON firings TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON firings TO collider_gateway;
GRANT SELECT, INSERT ON firings TO collider_pipeline;

CREATE TABLE deliveries (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    firing_id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    trigger_version integer NOT NULL,
    event_id uuid NOT NULL,
    event_received_at timestamptz NOT NULL,
    action_index smallint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('rest', 'telegram', 'llm', 'mcp')),
    status text NOT NULL
        CHECK (status IN ('ready', 'running', 'scheduled', 'succeeded', 'dead', 'cancelled')),
    -- Counted when a worker claims the row, not when it fails: a job that kills its worker must end too.
    attempt smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL CHECK (max_attempts >= 1),
    -- When the next attempt is due. Every clock reading of this table is the server's.
    run_at timestamptz NOT NULL,
    -- When the id was last handed to Redis; a ready row that stays is handed over again.
    pushed_at timestamptz NOT NULL,
    -- Start of the running or last attempt.
    started_at timestamptz,
    lease_token uuid,
    lease_until timestamptz,
    last_error text,
    finished_at timestamptz,
    PRIMARY KEY (created_at, id),
    CONSTRAINT deliveries_running_has_a_lease
        CHECK ((status = 'running') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
    CONSTRAINT deliveries_finished_has_a_time
        CHECK ((status IN ('succeeded', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
) PARTITION BY RANGE (created_at);
-- What the queue looks for is small beside what has been delivered: each index holds the live rows of one status.
CREATE INDEX deliveries_ready ON deliveries (kind, pushed_at) WHERE status = 'ready';
CREATE INDEX deliveries_running ON deliveries (lease_until) WHERE status = 'running';
CREATE INDEX deliveries_scheduled ON deliveries (run_at) WHERE status = 'scheduled';
CREATE INDEX deliveries_list ON deliveries (organization_id, created_at, id);
CREATE INDEX deliveries_trigger ON deliveries (trigger_id, created_at, id);
CREATE INDEX deliveries_event ON deliveries (event_id);
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deliveries FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON deliveries TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON deliveries TO collider_gateway;
GRANT SELECT, INSERT, UPDATE ON deliveries TO collider_pipeline;

-- One row for each attempt that ended. It lies in the partition of its delivery's time, so that both are found, and
-- dropped, together.
CREATE TABLE attempts (
    delivery_id uuid NOT NULL,
    delivery_created_at timestamptz NOT NULL,
    attempt smallint NOT NULL,
    organization_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error text,
    -- Excerpts, with secrets already redacted.
    request text,
    response text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (delivery_created_at, delivery_id, attempt)
) PARTITION BY RANGE (delivery_created_at);
ALTER TABLE attempts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON attempts FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON attempts TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON attempts TO collider_gateway;
GRANT SELECT, INSERT ON attempts TO collider_pipeline;

SELECT ensure_partitions('firings', 14), ensure_partitions('deliveries', 14), ensure_partitions('attempts', 14);
