-- Counts of events, kept by the follower `rollup`, and partitions that are dropped by age.

-- Who reads what, and why it is exact
--
-- `roll_up` counts each event once: the counts and the follower's position are written by one statement. Counts are by
-- received_at, so that a minute that has been counted does not change any more, and no producer's clock makes rows.
--
--   event_counts_1m  minutes, in daily partitions that are dropped after two whole days
--   event_counts_1h  hours, kept for ever; retention also learns from them who has events on a day
--
-- The names are the users', so each organization has at most 1,000 pairs of type and source in a minute, and as many in
-- an hour. What is beyond goes to one more row, whose type and source are empty: no event's type is.
--
-- The key holds a digest of the pair, because the two texts may be longer than an index entry.

CREATE TABLE event_counts_1m (
    organization_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    pair bytea NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (organization_id, bucket, pair)
) PARTITION BY RANGE (bucket);

CREATE TABLE event_counts_1h (
    organization_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    pair bytea NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (organization_id, bucket, pair)
) WITH (fillfactor = 70);  -- the newest hour is updated every second: room on the page keeps that off the indexes
CREATE INDEX event_counts_1h_presence ON event_counts_1h (bucket, organization_id);

DO $$
DECLARE
    counts text;
BEGIN
    FOREACH counts IN ARRAY ARRAY['event_counts_1m', 'event_counts_1h'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', counts);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO collider_gateway '
            'USING (organization_id = current_organization())', counts);
        EXECUTE format('CREATE POLICY work ON %I TO collider_pipeline USING (true) WITH CHECK (true)', counts);
        EXECUTE format('CREATE POLICY presence ON %I FOR SELECT TO collider_log USING (true)', counts);
        EXECUTE format('GRANT SELECT ON %I TO collider_gateway, collider_log', counts);
        -- Who has events on a day cannot be changed, only counted.
        EXECUTE format('GRANT SELECT, INSERT, UPDATE (count) ON %I TO collider_pipeline', counts);
    END LOOP;
END
$$;

-- When the newest event before the position was received, where a follower notes it.
ALTER TABLE follower_positions ADD COLUMN reached timestamptz;

-- Adds counts of minutes to a table, in buckets of `step`. Rows are locked in the order of their key, so that two
-- callers never wait for each other in a circle.
CREATE FUNCTION add_event_counts(
    target regclass, step interval, organizations uuid[], minutes timestamptz[], types text[], sources text[],
    counts bigint[]
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    EXECUTE format($statement$
        WITH fresh AS (
            SELECT i.organization_id, date_bin($1, i.minute, '2001-01-01 00:00:00+00') AS bucket,
                substring(sha256(convert_to(length(i.type) || ':' || i.type || i.source, 'UTF8')) FOR 16) AS pair,
                i.type, i.source, sum(i.count)::bigint AS count
            FROM unnest($2, $3, $4, $5, $6) AS i (organization_id, minute, type, source, count)
            -- Minutes whose partition has been dropped are counted by the hour only.
            WHERE NOT %2$L
                OR to_regclass('public.' || %3$L || to_char(i.minute AT TIME ZONE 'UTC', '_YYYYMMDD')) IS NOT NULL
            GROUP BY 1, 2, 3, 4, 5
        ), place AS (
            SELECT b.*, (SELECT count(*) FROM %1$s t WHERE t.organization_id = b.organization_id
                AND t.bucket = b.bucket AND t.type <> '') AS held
            FROM (SELECT DISTINCT organization_id, bucket FROM fresh) b
        ), known AS (
            SELECT f.*, p.held, t.pair IS NOT NULL AS is_known
            FROM fresh f JOIN place p USING (organization_id, bucket)
            LEFT JOIN %1$s t USING (organization_id, bucket, pair)
        ), placed AS (
            SELECT k.*, k.is_known OR k.held + row_number() OVER (
                PARTITION BY k.organization_id, k.bucket, k.is_known ORDER BY k.type, k.source) <= 1000 AS is_named
            FROM known k
        )
        INSERT INTO %1$s AS t (organization_id, bucket, pair, type, source, count)
        SELECT organization_id, bucket, CASE WHEN is_named THEN pair ELSE '' END,
            CASE WHEN is_named THEN type ELSE '' END, CASE WHEN is_named THEN source ELSE '' END, sum(count)
        FROM placed GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3
        ON CONFLICT (organization_id, bucket, pair) DO UPDATE SET count = t.count + excluded.count
        $statement$, target, (SELECT relkind = 'p' FROM pg_class WHERE oid = target), target::text)
    USING step, organizations, minutes, types, sources, counts;
END
$$;
REVOKE ALL ON FUNCTION add_event_counts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION add_event_counts TO collider_pipeline;

-- Counts the next events of one part that has some and that nobody else counts now, and moves the follower's position,
-- as one statement; returns how many they were, and NULL when there is no such part.
CREATE FUNCTION roll_up(batch integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    place record;
    found_counts record;
BEGIN
    SELECT f.part, f.position, p.head INTO place
    FROM follower_positions f JOIN log_parts p USING (part)
    WHERE f.follower = 'rollup' AND p.head > f.position
    ORDER BY (f.part + (random() * 63)::integer) % 64 LIMIT 1 FOR UPDATE OF f SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    SELECT array_agg(g.organization_id) AS organizations, array_agg(g.minute) AS minutes, array_agg(g.type) AS types,
        array_agg(g.source) AS sources, array_agg(g.count) AS counts, max(g.newest) AS newest,
        max(g.reached) AS reached, coalesce(sum(g.count), 0)::integer AS total
    INTO found_counts
    FROM (
        SELECT e.organization_id, date_bin('1 minute', e.received_at, '2001-01-01 00:00:00+00') AS minute, e.type,
            e.source, count(*) AS count, max(e.position) AS newest, max(e.received_at) AS reached
        FROM (
            SELECT organization_id, received_at, type, source, position FROM events
            WHERE part = place.part AND position > place.position ORDER BY position LIMIT batch
        ) e
        GROUP BY 1, 2, 3, 4
    ) g;

    IF found_counts.newest IS NOT NULL THEN
        PERFORM add_event_counts('event_counts_1m', '1 minute', found_counts.organizations, found_counts.minutes,
            found_counts.types, found_counts.sources, found_counts.counts);
        PERFORM add_event_counts('event_counts_1h', '1 hour', found_counts.organizations, found_counts.minutes,
            found_counts.types, found_counts.sources, found_counts.counts);
    END IF;
    -- The head was read before the events: when there are none up to it, retention has dropped what was there.
    UPDATE follower_positions f
    SET position = coalesce(found_counts.newest, place.head), updated_at = now(),
        reached = coalesce(found_counts.reached, f.reached)
    WHERE f.follower = 'rollup' AND f.part = place.part;
    RETURN found_counts.total;
END
$$;
REVOKE ALL ON FUNCTION roll_up FROM PUBLIC;
GRANT EXECUTE ON FUNCTION roll_up TO collider_pipeline;

-- Partitions are made beside their parent and then attached: CREATE TABLE … PARTITION OF would wait for every append
-- that is under way, and hold up all that come after.
CREATE FUNCTION make_partition(parent regclass, day date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    partition_name text := parent::text || to_char(day, '_YYYYMMDD');
BEGIN
    EXECUTE format('CREATE TABLE public.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)',
        partition_name, parent);
    -- Reached through its parent, whose policies count; by its own name it shows nobody anything.
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition_name);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', parent, partition_name,
        day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
END
$$;
REVOKE ALL ON FUNCTION make_partition FROM PUBLIC;

CREATE OR REPLACE FUNCTION ensure_partitions(parent regclass, days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    made integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = parent) THEN
        RAISE EXCEPTION '% is not partitioned', parent;
    END IF;
    -- One at a time: two keepers would both find the same partition missing.
    PERFORM pg_advisory_xact_lock(hashtext('collider.ensure_partitions'));
    FOR day IN SELECT generate_series(today - 1, today + least(days, 60), interval '1 day')::date LOOP
        IF to_regclass('public.' || parent::text || to_char(day, '_YYYYMMDD')) IS NULL THEN
            PERFORM make_partition(parent, day);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

SELECT ensure_partitions('event_counts_1m', 14);
-- What was received the day before yesterday may still be asked for by the minute.
SELECT make_partition('event_counts_1m', (now() AT TIME ZONE 'UTC')::date - 2);
-- Blocks lie on the days of their events, also of those that were stored before there were blocks.
SELECT make_partition('event_blocks', to_date(right(c.relname, 8), 'YYYYMMDD'))
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass
    AND to_regclass('public.event_blocks' || right(c.relname, 9)) IS NULL;

-- Retention. An organization keeps its events, and what came of them, for so many days; NULL is for ever.
--
-- A partition holds one day of all organizations, so it is dropped when the last of those that have rows in it lets it
-- go. What an organization may read ends at its own policy at once.

ALTER TABLE organizations ADD COLUMN retention_days integer CHECK (retention_days BETWEEN 1 AND 36500);
GRANT UPDATE (retention_days) ON organizations TO collider_admin;

-- Since when the organization's events may be read.
CREATE FUNCTION retention_floor(organization uuid) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET timezone = 'UTC' AS $$
    SELECT coalesce(
        (SELECT now() - make_interval(days => o.retention_days) FROM public.organizations o WHERE o.id = organization),
        '-infinity')
$$;

-- In a subquery, so that it is worked out once in a query and not for each row.
ALTER POLICY tenant ON events USING (
    organization_id = current_organization() AND received_at >= (SELECT retention_floor(current_organization())));
ALTER POLICY tenant ON firings USING (
    organization_id = current_organization() AND created_at >= (SELECT retention_floor(current_organization())));
ALTER POLICY tenant ON deliveries USING (
    organization_id = current_organization() AND created_at >= (SELECT retention_floor(current_organization())));
ALTER POLICY tenant ON attempts USING (
    organization_id = current_organization()
    AND delivery_created_at >= (SELECT retention_floor(current_organization())));

-- What the functions below look at, which work across organizations.
GRANT SELECT ON organizations, follower_positions, firings, deliveries, attempts TO collider_log;
CREATE POLICY retention ON organizations FOR SELECT TO collider_log USING (true);
CREATE POLICY retention ON firings FOR SELECT TO collider_log USING (true);
CREATE POLICY retention ON deliveries FOR SELECT TO collider_log USING (true);
CREATE POLICY retention ON attempts FOR SELECT TO collider_log USING (true);

-- When the policies let a day of a table go: `infinity` when some organization in it keeps it for ever. A day on which
-- there is nothing goes after a week.
--
-- It is what the counts say, or for firings and attempts the deliveries of that day: a matter of a moment. Whether a
-- partition may really go is for retention_hold to find in the partition itself.
CREATE FUNCTION retention_expiry(parent text, day date) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    starts timestamptz := day::timestamptz;
    ends timestamptz := (day + 1)::timestamptz;
    expiry timestamptz;
BEGIN
    IF parent = 'event_counts_1m' THEN
        RETURN ends + interval '2 days';
    ELSIF parent IN ('events', 'event_blocks') THEN
        SELECT max(coalesce(ends + make_interval(days => o.retention_days), 'infinity')) INTO expiry
        FROM (
            SELECT DISTINCT c.organization_id FROM event_counts_1h c WHERE c.bucket >= starts AND c.bucket < ends
        ) present LEFT JOIN organizations o ON o.id = present.organization_id;
    ELSE
        SELECT max(coalesce(ends + make_interval(days => o.retention_days), 'infinity')) INTO expiry
        FROM organizations o
        WHERE EXISTS (
            SELECT FROM deliveries d
            WHERE d.organization_id = o.id AND d.created_at >= starts AND d.created_at < ends);
    END IF;
    RETURN coalesce(expiry, ends + interval '7 days');
END
$$;

-- Why a day of a table may not be dropped now; NULL when it may.
CREATE FUNCTION retention_hold(parent text, day date) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    starts timestamptz := day::timestamptz;
    ends timestamptz := (day + 1)::timestamptz;
    expiry timestamptz := retention_expiry(parent, day);
    present uuid;
    late record;
BEGIN
    IF expiry = 'infinity' THEN
        RETURN 'an organization with rows in it keeps them for ever';
    ELSIF expiry > now() THEN
        RETURN 'an organization with rows in it keeps them until ' || to_char(expiry, 'YYYY-MM-DD');
    END IF;
    IF parent = 'events' THEN
        -- Its newest event of each part, against every follower. Those two must have been there at all: the processor
        -- evaluates, and without the counts nobody knows whose events these are. The index of searches is the
        -- exception: it takes whole blocks, so that the last events of a quiet part never get into it, and it needs
        -- none that are gone.
        EXECUTE format($statement$
            SELECT w.follower, g.part, n.position AS newest, coalesce(f.position, 0) AS position, f.updated_at
            FROM generate_series(0, 63) AS g (part)
            CROSS JOIN LATERAL (
                SELECT e.position FROM events e
                WHERE e.part = g.part::smallint AND e.received_at >= %L AND e.received_at < %L
                ORDER BY e.position DESC LIMIT 1
            ) n
            CROSS JOIN (
                SELECT follower FROM follower_positions WHERE follower <> 'search'
                UNION VALUES ('event-processor'), ('rollup')
            ) w
            LEFT JOIN follower_positions f ON f.follower = w.follower AND f.part = g.part::smallint
            WHERE coalesce(f.position, 0) < n.position ORDER BY n.position - coalesce(f.position, 0) DESC LIMIT 1
            $statement$, starts, ends) INTO late;
        IF late.follower IS NOT NULL THEN
            RETURN format('follower %s is at position %s of part %s, the newest event in it is %s; it last moved %s',
                late.follower, late.position, late.part, late.newest,
                coalesce('at ' || to_char(late.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'never'));
        END IF;
        -- One look for each status, because each has an index of its own.
        IF EXISTS (
            SELECT FROM deliveries d
            WHERE d.status = 'ready' AND d.event_received_at >= starts AND d.event_received_at < ends
        ) OR EXISTS (
            SELECT FROM deliveries d
            WHERE d.status = 'running' AND d.event_received_at >= starts AND d.event_received_at < ends
        ) OR EXISTS (
            SELECT FROM deliveries d
            WHERE d.status = 'scheduled' AND d.event_received_at >= starts AND d.event_received_at < ends
        ) THEN
            RETURN 'a delivery of an event in it has not finished';
        END IF;
    ELSIF parent = 'event_blocks' AND to_regclass('public.events' || to_char(day, '_YYYYMMDD')) IS NOT NULL THEN
        RETURN 'events of that day are still there';
    ELSIF parent IN ('firings', 'deliveries', 'attempts') THEN
        IF EXISTS (
            SELECT FROM deliveries d
            WHERE d.status IN ('ready', 'running', 'scheduled') AND d.created_at >= starts AND d.created_at < ends
        ) THEN
            RETURN 'a delivery of that day has not finished';
        END IF;
        -- Firings of triggers without actions have no deliveries to go by.
        IF parent = 'firings' AND EXISTS (
            SELECT FROM firings WHERE created_at >= starts AND created_at < ends AND organization_id <> ALL (ARRAY(
                SELECT o.id FROM organizations o WHERE ends + make_interval(days => o.retention_days) <= now())))
        THEN
            RETURN 'an organization with rows in it keeps them';
        END IF;
        -- The others' days go by the deliveries', so these go last.
        IF parent = 'deliveries' AND (to_regclass('public.attempts' || to_char(day, '_YYYYMMDD')) IS NOT NULL
            OR to_regclass('public.firings' || to_char(day, '_YYYYMMDD')) IS NOT NULL)
        THEN
            RETURN 'firings or attempts of that day are still there';
        END IF;
    END IF;
    -- From one organization to the next, along an index: a step for each, however many rows they have.
    WHILE parent IN ('events', 'event_blocks') LOOP
        EXECUTE format(
            'SELECT organization_id FROM public.%I WHERE %I >= %L AND %I < %L AND ($1 IS NULL OR organization_id > $1) '
            'ORDER BY organization_id LIMIT 1',
            parent, CASE parent WHEN 'events' THEN 'received_at' ELSE 'reached_at' END, starts,
            CASE parent WHEN 'events' THEN 'received_at' ELSE 'reached_at' END, ends)
        INTO present USING present;
        EXIT WHEN present IS NULL;
        IF NOT EXISTS (
            SELECT FROM organizations o
            WHERE o.id = present AND ends + make_interval(days => o.retention_days) <= now())
        THEN
            RETURN 'an organization with rows in it keeps them';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Every partition, in an order in which they can be dropped; of days that are over, when the policies let it go and,
-- from then on, what still holds it.
CREATE FUNCTION retention_partitions()
RETURNS TABLE (parent text, day date, estimated_rows bigint, bytes bigint, expiry timestamptz, hold text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.parent, p.day, p.estimated_rows, p.bytes, p.expiry,
        CASE WHEN p.expiry <= now() THEN retention_hold(p.parent, p.day) END
    FROM (
        SELECT t.name AS parent, t.place, d.day,
            greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0) AS estimated_rows,
            pg_total_relation_size(c.oid) AS bytes,
            CASE WHEN d.day < now()::date THEN retention_expiry(t.name, d.day) END AS expiry
        FROM unnest(ARRAY['events', 'event_blocks', 'firings', 'attempts', 'deliveries', 'event_counts_1m'])
            WITH ORDINALITY AS t (name, place)
        JOIN pg_inherits i ON i.inhparent = to_regclass('public.' || t.name)
        JOIN pg_class c ON c.oid = i.inhrelid AND c.relname ~ '_[0-9]{8}$'
        CROSS JOIN LATERAL (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day) d
    ) p
    ORDER BY p.place, p.day;
END
$$;

GRANT CREATE ON SCHEMA public TO collider_log;
ALTER FUNCTION retention_expiry OWNER TO collider_log;
ALTER FUNCTION retention_hold OWNER TO collider_log;
ALTER FUNCTION retention_partitions OWNER TO collider_log;
REVOKE CREATE ON SCHEMA public FROM collider_log;
REVOKE ALL ON FUNCTION retention_expiry, retention_hold, retention_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_hold TO CURRENT_USER;
GRANT EXECUTE ON FUNCTION retention_partitions TO collider_pipeline, collider_admin;

-- Drops one day of a table, if nothing holds it; else says what does. Neither, when there is no such partition.
--
-- The services own nothing; this function is all that they can do, so it believes nobody: only these tables, only a
-- partition whose name and range say the same day, only when the policies and all followers have let go of it. The day
-- is locked against writers while that is checked. Its parent is locked for the moment of the drop alone, and the wait
-- for that lock is short, because appends wait behind it: whoever calls tries again later (SQLSTATE 55P03).
CREATE FUNCTION drop_partition(parent text, day date, OUT dropped boolean, OUT hold text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET timezone = 'UTC' SET lock_timeout = '100ms' AS $$
DECLARE
    partition_name text := parent || to_char(day, '_YYYYMMDD');
BEGIN
    dropped := false;
    IF parent IS NULL OR day IS NULL
        OR parent <> ALL (ARRAY['events', 'event_blocks', 'firings', 'deliveries', 'attempts', 'event_counts_1m'])
    THEN
        RAISE EXCEPTION 'retention does not reach %', coalesce(parent, 'NULL') USING ERRCODE = 'insufficient_privilege';
    ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a transaction that sees the past drops nothing' USING ERRCODE = 'insufficient_privilege';
    ELSIF day >= now()::date THEN
        hold := 'its day is not over';
        RETURN;
    ELSIF NOT EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('public.' || parent) AND c.oid = to_regclass('public.' || partition_name)
            AND pg_get_expr(c.relpartbound, c.oid) = format(
                'FOR VALUES FROM (%L) TO (%L)', day || ' 00:00:00+00', day + 1 || ' 00:00:00+00'))
    THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE ONLY public.%I IN SHARE ROW EXCLUSIVE MODE', partition_name);
    hold := retention_hold(parent, day);
    IF hold IS NULL THEN
        EXECUTE format('LOCK TABLE ONLY public.%I IN ACCESS EXCLUSIVE MODE', parent);
        EXECUTE format('DROP TABLE public.%I', partition_name);
        dropped := true;
    END IF;
EXCEPTION WHEN undefined_table THEN
    -- Somebody else dropped it meanwhile.
    dropped := false;
    hold := NULL;
END
$$;
REVOKE ALL ON FUNCTION drop_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_partition TO collider_pipeline, collider_admin;

-- An operator can give up a follower that will not come back.
GRANT SELECT, DELETE ON follower_positions TO collider_admin;
