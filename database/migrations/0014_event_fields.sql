-- Which fields the events of each type have had, and which event was the first to have each: for the fill rates of
-- frames, which are of what was known when an event came. The number is a function of the log, so that it does not
-- matter which writer of frames notes it, or how often.

CREATE TABLE event_fields (
    organization_id uuid NOT NULL,
    event_type text NOT NULL,
    part smallint NOT NULL,
    path text NOT NULL,
    -- The position of the first event that had it.
    born bigint NOT NULL,
    PRIMARY KEY (organization_id, event_type, part, path)
);
ALTER TABLE event_fields ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY follow ON event_fields TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON event_fields TO collider_pipeline;
