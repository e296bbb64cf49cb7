-- What guards receivers: circuit breakers, and why a delivery waits; and all that an attempt was.

ALTER TABLE deliveries DROP CONSTRAINT deliveries_kind_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_kind_check
    CHECK (kind IN ('rest', 'telegram', 'llm', 'mcp', 'slack', 'email'));

-- Where it goes: scheme, host and port for a URL, else the name of what is called. With the organization the key of a
-- breaker, so that a claim reads the breaker along. NULL in rows from before, which no breaker stops.
ALTER TABLE deliveries ADD COLUMN endpoint text;
-- Why it was last given back unattempted; NULL again after an attempt.
ALTER TABLE deliveries ADD COLUMN put_off text
    CHECK (put_off IN ('breaker', 'endpoint_busy', 'rate_limit', 'receiver_limit', 'shutdown'));
-- Those that wait for a breaker, which come back when it has closed.
CREATE INDEX deliveries_behind_breaker ON deliveries (organization_id, endpoint)
    WHERE status = 'scheduled' AND put_off = 'breaker';
-- Why run_at is when it is, in words; NULL when nothing follows.
ALTER TABLE deliveries ADD COLUMN next_attempt_reason text;

-- Method, URL, headers, address and timings, without secrets: {"method", "url", "request_headers", "response_headers",
-- "address", "timings"}.
ALTER TABLE attempts ADD COLUMN details jsonb;
ALTER TABLE attempts ADD COLUMN next_attempt_at timestamptz;
ALTER TABLE attempts ADD COLUMN next_attempt_reason text;

-- One row for each endpoint of an organization that has failed lately; without a row a breaker is closed. The row is
-- the lock under which its state changes, so that all workers see one state, and only one of them sends a probe.
CREATE TABLE circuit_breakers (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    endpoint text NOT NULL CHECK (endpoint <> ''),
    state text NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
    -- NULL while open: held open by a person.
    open_until timestamptz,
    -- Since it was last closed: the next time open lasts longer.
    openings integer NOT NULL CHECK (openings >= 0),
    failures_in_a_row integer NOT NULL CHECK (failures_in_a_row >= 0),
    -- Outcomes of the last minute, as triples: number of the step of five seconds, successes, failures.
    outcomes bigint[] NOT NULL CHECK (cardinality(outcomes) % 3 = 0),
    -- Until when successes count too: a minute after the last failure.
    watched_until timestamptz,
    probe_id uuid,
    probe_until timestamptz,
    reason text,
    changed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (organization_id, endpoint),
    CONSTRAINT circuit_breakers_half_open_has_a_probe
        CHECK ((state = 'half_open') = (probe_id IS NOT NULL AND probe_until IS NOT NULL))
) WITH (fillfactor = 50);  -- updated often while an endpoint fails
CREATE INDEX circuit_breakers_list ON circuit_breakers (organization_id, id);
ALTER TABLE circuit_breakers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON circuit_breakers TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON circuit_breakers TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON circuit_breakers TO collider_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON circuit_breakers TO collider_pipeline;

-- A message that is too long for its receiver goes in parts. How many have arrived is noted after each, so that an attempt
-- goes on where the one before it stopped.
ALTER TABLE deliveries ADD COLUMN parts_sent smallint NOT NULL DEFAULT 0 CHECK (parts_sent >= 0);
