-- What lists of events are searched by: for each stretch of the log the terms of the events in it.
--
-- The log itself has no index into the data, which would cost each commit more than the commit. Instead a follower of
-- the log cuts each part into blocks of positions and writes, for every organization and type in a block, the hashes
-- of everything its events hold (TermSpace.swift): one row for dozens of events, in which a value that they share stands
-- once. A search finds the rows that hold its terms, in the order of the log, and reads those events; what a row says
-- is where to look, never what is there.

CREATE TABLE event_blocks (
    organization_id uuid NOT NULL,
    part smallint NOT NULL,
    -- The positions of the block, both included; they lie between those of other organizations.
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    -- NULL: the organization's events of all types, without their terms.
    type text,
    events integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    -- The newest received_at of the organization up to this block. Unlike last_at, which the clocks of several gateways
    -- make, it never falls from one block to the next, so that the partitions follow each other as the blocks do.
    reached_at timestamptz NOT NULL,
    -- An event here has more terms than are kept, so the row is found by any.
    is_truncated boolean NOT NULL DEFAULT false,
    terms bigint[] NOT NULL
) PARTITION BY RANGE (reached_at);
-- Hashes do not compress, and statistics about them would say nothing that holds tomorrow.
ALTER TABLE event_blocks ALTER COLUMN terms SET STORAGE EXTERNAL, ALTER COLUMN terms SET STATISTICS 0;
CREATE INDEX event_blocks_walk ON event_blocks (organization_id, first_position) WHERE type IS NULL;
CREATE INDEX event_blocks_truncated ON event_blocks (organization_id, first_position) WHERE is_truncated;
CREATE INDEX event_blocks_terms ON event_blocks USING gin (terms);
ALTER TABLE event_blocks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event_blocks FOR SELECT TO collider_gateway USING (organization_id = current_organization());
CREATE POLICY follow ON event_blocks TO collider_pipeline USING (true) WITH CHECK (true);
CREATE POLICY search ON event_blocks FOR SELECT TO collider_log USING (true);
GRANT SELECT ON event_blocks TO collider_gateway, collider_log;
GRANT SELECT, INSERT ON event_blocks TO collider_pipeline;

-- The rows of the transaction's organization that hold all of some terms and, of each of two further lists, at least
-- one; NULL asks for nothing. Their blocks begin from `low` to `high`. They come in the order of the log or its reverse;
-- when there are `most` or more, the last block may lack rows.
--
-- It is a function of its own because row-level security would keep the gateway from the index of terms: the operators
-- of arrays are not known to tell nothing about the rows that they are shown. And it goes back through the partitions in
-- steps, so that what is found often does not have to be looked up to the beginning of time.
CREATE FUNCTION find_event_blocks(
    required bigint[], either bigint[], either_too bigint[], low bigint, high bigint, since timestamptz,
    until timestamptz, newest_first boolean, most integer
) RETURNS TABLE (
    first_position bigint, last_position bigint, type text, events integer, first_at timestamptz, last_at timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
-- The planner takes a row for small, and not for the kilobytes of terms that reading through all of them would cost.
SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    organization uuid := current_organization();
    oldest timestamptz;
    newest timestamptz;
    step interval := interval '1 day';
    lower timestamptz;
    upper timestamptz;
    found_now integer;
    found_all integer := 0;
    statement text := 'true';
BEGIN
    SELECT b.reached_at INTO oldest FROM event_blocks b
    WHERE b.organization_id = organization AND b.type IS NULL AND b.first_position >= low
    ORDER BY b.first_position LIMIT 1;
    SELECT b.reached_at INTO newest FROM event_blocks b
    WHERE b.organization_id = organization AND b.type IS NULL AND b.first_position <= high
    ORDER BY b.first_position DESC LIMIT 1;
    IF oldest IS NULL OR newest IS NULL THEN
        RETURN;
    END IF;
    -- An event is not newer than what its block has reached.
    oldest := greatest(oldest, since);

    IF required IS NOT NULL THEN statement := statement || ' AND b.terms @> $1'; END IF;
    IF either IS NOT NULL THEN statement := statement || ' AND b.terms && $2'; END IF;
    IF either_too IS NOT NULL THEN statement := statement || ' AND b.terms && $3'; END IF;
    -- Materialized: the terms alone decide which index is taken.
    statement := format(
        'WITH hit AS MATERIALIZED (
            SELECT b.organization_id, b.first_position, b.last_position, b.type, b.events, b.first_at, b.last_at
            FROM event_blocks b
            WHERE %s AND NOT b.is_truncated AND b.type IS NOT NULL AND b.reached_at >= $5 AND b.reached_at < $6
            UNION ALL
            SELECT b.organization_id, b.first_position, b.last_position, b.type, b.events, b.first_at, b.last_at
            FROM event_blocks b
            WHERE b.is_truncated AND b.organization_id = $4 AND b.reached_at >= $5 AND b.reached_at < $6
        )
        SELECT h.first_position, h.last_position, h.type, h.events, h.first_at, h.last_at FROM hit h
        WHERE h.organization_id = $4 AND h.first_position >= $7 AND h.first_position <= $8
            AND ($9 IS NULL OR h.last_at >= $9) AND ($10 IS NULL OR h.first_at < $10)
        ORDER BY h.first_position %s LIMIT $11', statement, CASE WHEN newest_first THEN 'DESC' ELSE 'ASC' END);

    lower := CASE WHEN newest_first THEN newest - step ELSE oldest END;
    upper := CASE WHEN newest_first THEN 'infinity' ELSE oldest + step END;
    LOOP
        RETURN QUERY EXECUTE statement
        USING required, either, either_too, organization, lower, upper, low, high, since, until, most;
        GET DIAGNOSTICS found_now = ROW_COUNT;
        found_all := found_all + found_now;
        EXIT WHEN found_all >= most;
        step := step * 2;
        IF newest_first THEN
            EXIT WHEN lower <= oldest;
            upper := lower;
            lower := upper - step;
        ELSE
            EXIT WHEN upper > newest;
            lower := upper;
            upper := lower + step;
        END IF;
    END LOOP;
END
$$;
GRANT CREATE ON SCHEMA public TO collider_log;
ALTER FUNCTION find_event_blocks OWNER TO collider_log;
REVOKE CREATE ON SCHEMA public FROM collider_log;
REVOKE ALL ON FUNCTION find_event_blocks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_event_blocks TO collider_gateway;

SELECT ensure_partitions('event_blocks', 14);
