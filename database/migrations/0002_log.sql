-- The event log: parts with gapless positions, events, the positions of followers, numbers of event types.

CREATE TABLE log_parts (
    part smallint PRIMARY KEY CHECK (part BETWEEN 0 AND 63),
    -- Position of the newest event; 0 before the first.
    head bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);  -- updated by every commit: room on the page keeps those updates off the index
INSERT INTO log_parts (part) SELECT generate_series(0, 63);
GRANT SELECT ON log_parts TO collider_gateway, collider_pipeline;
GRANT SELECT, UPDATE ON log_parts TO collider_log;

CREATE TABLE events (
    -- A version 7 UUID whose milliseconds are those of received_at, so that an id names its partition.
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    part smallint NOT NULL,
    position bigint NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    subject text,
    time timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    producer_id text,
    traceparent text,
    data jsonb NOT NULL,
    -- What came with the event and is not the producer's data: headers that were asked for, extension attributes, the
    -- mark of an event that is to be classified.
    metadata jsonb,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
CREATE INDEX events_log ON events (part, position);
CREATE INDEX events_type ON events (organization_id, type, position);
CREATE INDEX events_producer ON events (organization_id, source, producer_id) WHERE producer_id IS NOT NULL;
ALTER TABLE events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY follow ON events FOR SELECT TO collider_pipeline USING (true);
CREATE POLICY append ON events TO collider_log USING (true) WITH CHECK (true);
GRANT SELECT ON events TO collider_gateway, collider_pipeline;
GRANT SELECT, INSERT ON events TO collider_log;

-- Makes the daily partitions of a table from yesterday to so many days ahead. There is no default partition: rows that
-- ended up there would keep the right one from ever being made. A missing partition refuses inserts instead, which the
-- gateway answers with 503; so they are made two weeks ahead, at each migration and by the running processor.
CREATE FUNCTION ensure_partitions(parent regclass, days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    partition_name text;
    made integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = parent) THEN
        RAISE EXCEPTION '% is not partitioned', parent;
    END IF;
    -- One at a time: two keepers would both find the same partition missing.
    PERFORM pg_advisory_xact_lock(hashtext('collider.ensure_partitions'));
    FOR day IN SELECT generate_series(today - 1, today + least(days, 60), interval '1 day')::date LOOP
        partition_name := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
        IF to_regclass('public.' || partition_name) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE public.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', partition_name, parent,
                day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
            -- Reached through its parent, whose policies count; by its own name it shows nobody anything.
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition_name);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION ensure_partitions(regclass, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(regclass, integer) TO collider_pipeline;

-- Appends a batch, all or nothing, and says of which items it did not become a new row: `item` counts them from 1. Those
-- that it does not name are stored under the ids and times that they came with.
--
-- It locks the heads of the parts that it touches, in ascending order so that two batches never wait for each other in a
-- circle, and holds them until it has committed. So the positions of a part have no gaps and become visible in order:
-- whoever has read up to a position has read everything before it. The statements after the lock see all that the
-- previous holder committed, which makes the search for repeats exact without a unique index over all partitions.
--
--   outcome 1  a repeat: the producer's id is known and the content is the same; id and time are the first one's
--           2  a conflict: the producer's id is known with other content
--
-- `again` is set when an earlier try ended without an answer, so that its outcome is unknown: what it stored is found by
-- its id, and is no repeat.
CREATE FUNCTION append_events(
    ids uuid[], organizations uuid[], parts smallint[], types text[], sources text[], subjects text[],
    times timestamptz[], received timestamptz[], producer_ids text[], traceparents text[], contents jsonb[],
    extras jsonb[], again boolean
) RETURNS TABLE (item integer, outcome smallint, stored_id uuid, stored_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    base bigint;
BEGIN
    -- The common case: a first try, of one organization, with nothing to compare. Two plain statements take 180 µs less
    -- than the general one below, which under load is most of what a commit costs beside its rows.
    IF NOT again AND parts[1] = ALL (parts) AND cardinality(array_remove(producer_ids, NULL)) = 0 THEN
        UPDATE log_parts SET head = head + cardinality(ids) WHERE part = parts[1]
            RETURNING head - cardinality(ids) INTO base;
        INSERT INTO events (id, organization_id, part, position, type, source, subject, time, received_at,
            traceparent, data, metadata)
        SELECT i.id, i.organization_id, i.part, base + i.n, i.type, i.source, i.subject,
            coalesce(i.time, i.received_at), i.received_at, i.traceparent, i.data, i.metadata
        FROM unnest(ids, organizations, parts, types, sources, subjects, times, received, traceparents, contents,
            extras) WITH ORDINALITY AS i (id, organization_id, part, type, source, subject, time, received_at,
                traceparent, data, metadata, n);
        RETURN;
    END IF;

    PERFORM FROM log_parts WHERE part = ANY (parts) ORDER BY part FOR UPDATE;
    RETURN QUERY
    WITH item AS (
        SELECT i.*,
            CASE WHEN i.producer_id IS NULL THEN i.n ELSE
                first_value(i.n) OVER (PARTITION BY i.organization_id, i.source, i.producer_id ORDER BY i.n)
            END AS leader
        FROM unnest(ids, organizations, parts, types, sources, subjects, times, received, producer_ids, traceparents,
            contents, extras) WITH ORDINALITY AS i (id, organization_id, part, type, source, subject, time,
                received_at, producer_id, traceparent, data, metadata, n)
    ), known AS (
        -- What the log holds already: of an earlier try of this batch, or under the same producer's id.
        SELECT i.n, e.id, e.received_at, e.type, e.subject, e.time, e.data
        FROM item i CROSS JOIN LATERAL (
            SELECT e.* FROM events e WHERE again AND e.id = i.id AND e.received_at = i.received_at
            UNION ALL
            SELECT e.* FROM events e WHERE i.producer_id IS NOT NULL AND e.organization_id = i.organization_id
                AND e.source = i.source AND e.producer_id = i.producer_id
            LIMIT 1
        ) e
        WHERE i.leader = i.n
    ), fresh AS (
        SELECT i.*, row_number() OVER (PARTITION BY i.part ORDER BY i.n) AS step
        FROM item i WHERE i.leader = i.n AND NOT EXISTS (SELECT FROM known k WHERE k.n = i.n)
    ), inserted AS (
        INSERT INTO events (id, organization_id, part, position, type, source, subject, time, received_at,
            producer_id, traceparent, data, metadata)
        SELECT i.id, i.organization_id, i.part, p.head + i.step, i.type, i.source, i.subject,
            coalesce(i.time, i.received_at), i.received_at, i.producer_id, i.traceparent, i.data, i.metadata
        FROM fresh i JOIN log_parts p USING (part)
    ), advanced AS (
        UPDATE log_parts p SET head = p.head + c.steps
        FROM (SELECT part, max(step) AS steps FROM fresh GROUP BY part) c WHERE p.part = c.part
    ), first AS (
        -- What each leader stands for: the row in the log, or else itself.
        SELECT n, id, received_at, type, subject, time, data FROM known
        UNION ALL
        SELECT n, id, received_at, type, subject, coalesce(time, received_at), data FROM fresh
    )
    SELECT
        i.n::integer,
        CASE
            WHEN f.type = i.type AND f.data = i.data AND f.subject IS NOT DISTINCT FROM i.subject
                AND (i.time IS NULL OR f.time = i.time) THEN 1
            ELSE 2
        END::smallint,
        f.id, f.received_at
    FROM item i JOIN first f ON f.n = i.leader WHERE f.id <> i.id;
END
$$;
GRANT CREATE ON SCHEMA public TO collider_log;
ALTER FUNCTION append_events OWNER TO collider_log;
REVOKE CREATE ON SCHEMA public FROM collider_log;
REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events TO collider_gateway;

-- How far each follower has come in each part. The row is the lock under which a follower works.
CREATE TABLE follower_positions (
    follower text NOT NULL,
    part smallint NOT NULL REFERENCES log_parts (part),
    position bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (follower, part)
) WITH (fillfactor = 50);
GRANT SELECT ON follower_positions TO collider_gateway;
GRANT SELECT, INSERT, UPDATE ON follower_positions TO collider_pipeline;

-- A stable number for each event type of an organization, for frames: it is given when the type is first seen.
CREATE TABLE event_types (
    organization_id uuid NOT NULL,
    type text NOT NULL,
    number integer GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (organization_id, type)
);
ALTER TABLE event_types ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event_types FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY follow ON event_types TO collider_pipeline USING (true) WITH CHECK (true);
GRANT SELECT ON event_types TO collider_gateway;
GRANT SELECT, INSERT ON event_types TO collider_pipeline;

SELECT ensure_partitions('events', 14);
