-- What triggers remember: windows, averages, sequences under way, waiting absences with their timers, cooldowns.

-- A row is one state: of one stateful leaf, or of the cooldown, of one trigger, for one group. The processor that holds
-- a part's row of follower_positions is the only one that writes the part's states, and does so in the transaction that
-- moves the position (or, for timers, the revision). So the states are at any moment those of all events up to the
-- position, and of no other, whoever is killed.
--
--   due_at      when the state's timer fires, on the clock of received times
--   expires_at  from when on the state means nothing. It has no index, because it moves with every event of a window:
--               the processor walks through a part's rows in small steps and removes those
CREATE TABLE trigger_states (
    part smallint NOT NULL,
    trigger_id uuid NOT NULL,
    -- Which of the trigger's states: a digest of all that it depends on.
    slot bigint NOT NULL,
    -- The values of `group_by` as a JSON array, which the engine keeps short; empty without groups.
    group_key bytea NOT NULL CHECK (octet_length(group_key) <= 2048),
    organization_id uuid NOT NULL,
    state bytea NOT NULL,
    due_at timestamptz,
    expires_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (part, trigger_id, slot, group_key)
) WITH (
    -- Few rows are updated all the time: room on the page keeps that off the indexes, and what is dead is soon gone.
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2, toast.autovacuum_vacuum_scale_factor = 0.05
);
-- States are binary and change as a whole; what PostgreSQL would save by compressing them it would spend on updates.
ALTER TABLE trigger_states ALTER COLUMN state SET STORAGE EXTERNAL, ALTER COLUMN state SET STATISTICS 0;
CREATE INDEX trigger_states_due ON trigger_states (part, due_at) WHERE due_at IS NOT NULL;
ALTER TABLE trigger_states ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trigger_states FOR SELECT TO collider_gateway
    USING (organization_id = current_organization());
CREATE POLICY work ON trigger_states TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON trigger_states TO collider_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON trigger_states TO collider_pipeline;

-- Counts what has been written under the row's lock, also without moving the position: fired timers. What a process
-- remembers of a part holds only as long as both are what it wrote itself.
ALTER TABLE follower_positions ADD COLUMN revision bigint NOT NULL DEFAULT 0;

-- The version that runs in shadow beside the current one.
ALTER TABLE triggers ADD COLUMN shadow_version integer CHECK (shadow_version >= 1);

-- By which transaction a trigger was changed last: whoever knows all that had ended at one moment asks for the rest,
-- and gets the few rows that changed since. A time or a counter would miss what commits late.
ALTER TABLE triggers ADD COLUMN changed_by bigint NOT NULL DEFAULT 0;
CREATE INDEX triggers_changed ON triggers (changed_by, id);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.changed_by := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;
CREATE TRIGGER triggers_note_changes BEFORE INSERT OR UPDATE ON triggers
    FOR EACH ROW EXECUTE FUNCTION note_change();

-- at           when the condition came true on the clock of received times; NULL of older firings: event_received_at
-- role         what a version in shadow would have done is written down, and nothing follows from it
-- explanation  the truth value of each node of the condition, with the values compared
-- emits        what became of each action `emit`: [{"action": 0, "event_id": …} or {"action": 0, "error": …}]
ALTER TABLE firings
    ADD COLUMN at timestamptz,
    ADD COLUMN role text NOT NULL DEFAULT 'live',
    ADD COLUMN explanation jsonb,
    ADD COLUMN emits jsonb;
-- Not held against what is there, which has the default: that would read all firings under an exclusive lock.
ALTER TABLE firings ADD CONSTRAINT firings_role CHECK (role IN ('live', 'shadow')) NOT VALID;

-- Events that follow from firings are appended by the processor, in the transaction of the firing. Their organization's
-- part is the one whose position it holds, and the head is locked last and released by the commit that follows, so that
-- processors and gateways never wait for each other in a circle.
GRANT EXECUTE ON FUNCTION append_events TO collider_pipeline;
