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
