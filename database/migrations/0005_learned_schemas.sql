-- What the processor has learned about the data of each event type: one row a type, replaced as a whole in the same
-- transaction as the log position, so that every event is counted once.

CREATE TABLE learned_schemas (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    event_type text NOT NULL,
    event_count bigint NOT NULL CHECK (event_count >= 0),
    statistics jsonb NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (organization_id, event_type)
);
ALTER TABLE learned_schemas ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON learned_schemas FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY work ON learned_schemas TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON learned_schemas TO collider_gateway;
GRANT SELECT, INSERT, UPDATE ON learned_schemas TO collider_pipeline;
