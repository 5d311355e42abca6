-- SPDX-License-Identifier: Apache-2.0
-- How much waits, at a cost that depends neither on how much is sent nor on how much waits: up to some 10,000 it is
-- counted, beyond that a sample is. Functions, so that their plans can be pinned; see outbox.look. An infinite
-- occurred_at, which only events from before outbox.check_event refused it can have, has no age.

-- Above the floor. A backlog makes that range wide, and so does a writer that stays open: then most of it is sent, and
-- what waits lies at its ends, which are counted exactly. What is between them is cut into 80 slices, and the first
-- rows of each are read and scaled to it. Rows and not ids, for a rolled-back load leaves ids without events.
CREATE OR REPLACE FUNCTION outbox.backlog_new(OUT event_type text, OUT events numeric, OUT oldest timestamptz,
                                              OUT exact boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET row_security = off -- an error is better than events that a policy hides
SET jit = off
AS $$
    WITH first AS MATERIALIZED (
        SELECT e.id, e.event_type, e.occurred_at, coalesce(e.sent_at, e.parked_at, e.due_at) IS NULL AS is_new
        FROM outbox.event AS e WHERE e.id > (SELECT s.floor FROM outbox.state AS s)
        ORDER BY e.id LIMIT 2000
    ), last AS MATERIALIZED (
        SELECT e.id, e.event_type, e.occurred_at, coalesce(e.sent_at, e.parked_at, e.due_at) IS NULL AS is_new
        FROM outbox.event AS e WHERE e.id > (SELECT max(f.id) FROM first AS f)
        ORDER BY e.id DESC LIMIT 4000
    ), inner_part(low, width) AS (
        SELECT f.id, (min(l.id) - 1 - f.id) / 80.0
        FROM last AS l, (SELECT max(first.id) AS id FROM first) AS f GROUP BY f.id HAVING count(*) = 4000
    ), slice(after, upto) AS (
        SELECT i.low + (i.width * n)::bigint, i.low + (i.width * (n + 1))::bigint
        FROM inner_part AS i, generate_series(0, 79) AS n
    ), sample AS (
        SELECT r.event_type, r.occurred_at, r.is_new, r.number,
               CASE WHEN r.number < 50 THEN 1
                    ELSE (slice_end.id - r.first_id + 1.0) / (r.last_id - r.first_id + 1) END AS weight
        FROM slice CROSS JOIN LATERAL (
            SELECT e.id FROM outbox.event AS e WHERE e.id > slice.after AND e.id <= slice.upto
            ORDER BY e.id DESC LIMIT 1
        ) AS slice_end CROSS JOIN LATERAL (
            SELECT w.*, count(*) OVER () AS number, min(w.id) OVER () AS first_id, max(w.id) OVER () AS last_id
            FROM (SELECT e.id, e.event_type, e.occurred_at,
                         coalesce(e.sent_at, e.parked_at, e.due_at) IS NULL AS is_new
                  FROM outbox.event AS e WHERE e.id > slice.after AND e.id <= slice_end.id
                  ORDER BY e.id LIMIT 50) AS w) AS r
    ), row_of AS (
        SELECT f.event_type, f.occurred_at, f.is_new, 1.0 AS weight FROM first AS f
        UNION ALL SELECT l.event_type, l.occurred_at, l.is_new, 1 FROM last AS l
        UNION ALL SELECT s.event_type, s.occurred_at, s.is_new, s.weight FROM sample AS s
    )
    SELECT r.event_type, ceil(sum(r.weight)), min(r.occurred_at) FILTER (WHERE isfinite(r.occurred_at)),
           NOT EXISTS (SELECT FROM sample AS s WHERE s.number = 50)
    FROM row_of AS r
    WHERE r.is_new
    GROUP BY r.event_type
$$;

COMMENT ON FUNCTION outbox.backlog_new() IS
    'For outbox.backlog: the unsent events above the floor, per type. The first 2,000 rows and the last 4,000 are '
    'counted; of those between 4,000 at most are read. Where they are more, exact is false, and the sample is scaled.';

-- What the indexes on due_at and parked_at hold. An index tells nothing of how much more there is than was read. But
-- those rows lie in the table between two blocks that it does tell, and of these a hundred are read. (What is let go
-- leaves dead entries there: while an old snapshot keeps them from being forgotten, a million takes half a second.)
CREATE OR REPLACE FUNCTION outbox.sample_blocks(first bigint, last bigint, OUT event_type text,
                                                OUT occurred_at timestamptz, OUT due_at timestamptz,
                                                OUT parked_at timestamptz, OUT last_error text, OUT weight numeric)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET row_security = off
SET jit = off
AS $$
DECLARE
    number CONSTANT bigint := least(100, last - first + 1);
    block bigint;
BEGIN
    FOR n IN 0 .. coalesce(number, 0) - 1 LOOP
        block := first + (last - first + 1) * n / number;
        RETURN QUERY
        SELECT e.event_type, e.occurred_at, e.due_at, e.parked_at, e.last_error, (last - first + 1)::numeric / number
        FROM outbox.event AS e
        WHERE e.ctid >= format('(%s,0)', block)::tid AND e.ctid < format('(%s,0)', block + 1)::tid
          AND e.sent_at IS NULL AND coalesce(e.due_at, e.parked_at) IS NOT NULL;
    END LOOP;
END
$$;

COMMENT ON FUNCTION outbox.sample_blocks(bigint, bigint) IS
    'For outbox.held: the events with due_at or parked_at in a hundred blocks of the table from first to last, and how '
    'many each stands for.';

CREATE OR REPLACE FUNCTION outbox.held(OUT event_type text, OUT state text, OUT reason text, OUT events numeric,
                                       OUT oldest timestamptz, OUT exact boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET row_security = off
SET jit = off
AS $$
    WITH finite AS (
        (SELECT e.ctid, e.event_type, e.occurred_at, e.due_at, e.parked_at, e.last_error FROM outbox.event AS e
         WHERE e.due_at >= '-infinity' AND e.due_at < 'infinity' AND e.sent_at IS NULL AND e.parked_at IS NULL
         ORDER BY e.due_at LIMIT 5000)
    ), infinite AS (
        (SELECT e.ctid, e.event_type, e.occurred_at, e.due_at, e.parked_at, e.last_error FROM outbox.event AS e
         WHERE e.due_at = 'infinity' AND e.sent_at IS NULL AND e.parked_at IS NULL LIMIT 5000)
    ), parked AS (
        (SELECT e.ctid, e.event_type, e.occurred_at, e.due_at, e.parked_at, e.last_error FROM outbox.event AS e
         WHERE e.parked_at BETWEEN '-infinity' AND 'infinity' AND e.sent_at IS NULL
         ORDER BY e.parked_at LIMIT 5000)
    ), seen AS (
        SELECT 'finite' AS part, * FROM finite UNION ALL SELECT 'infinite', * FROM infinite
        UNION ALL SELECT 'parked', * FROM parked
    ), many AS (
        SELECT s.part FROM seen AS s GROUP BY s.part HAVING count(*) = 5000
    ), place AS ( -- equal keys of an index are in the order of their places in the table
        SELECT s.part, s.ctid FROM seen AS s WHERE s.part IN (SELECT m.part FROM many AS m)
        UNION ALL
        (SELECT 'finite', e.ctid FROM outbox.event AS e WHERE e.due_at >= '-infinity' AND e.due_at < 'infinity'
         AND e.sent_at IS NULL AND e.parked_at IS NULL AND EXISTS (SELECT FROM many AS m WHERE m.part = 'finite')
         ORDER BY e.due_at DESC LIMIT 500)
        UNION ALL
        (SELECT 'infinite', e.ctid FROM outbox.event AS e WHERE e.due_at BETWEEN 'infinity' AND 'infinity'
         AND e.sent_at IS NULL AND e.parked_at IS NULL AND EXISTS (SELECT FROM many AS m WHERE m.part = 'infinite')
         ORDER BY e.due_at DESC LIMIT 1)
        UNION ALL
        (SELECT 'parked', e.ctid FROM outbox.event AS e WHERE e.parked_at BETWEEN '-infinity' AND 'infinity'
         AND e.sent_at IS NULL AND EXISTS (SELECT FROM many AS m WHERE m.part = 'parked')
         ORDER BY e.parked_at DESC LIMIT 500)
    ), sample AS ( -- of each part by itself: where one lies tells nothing of the others
        SELECT block.part, s.*
        FROM (SELECT p.part, min((p.ctid::text::point)[0]::bigint) AS first,
                     max((p.ctid::text::point)[0]::bigint) AS last
              FROM place AS p GROUP BY p.part) AS block
        CROSS JOIN LATERAL outbox.sample_blocks(block.first, block.last) AS s
        WHERE block.part = CASE WHEN s.parked_at IS NOT NULL THEN 'parked' WHEN s.due_at = 'infinity' THEN 'infinite'
                                ELSE 'finite' END
    ), row_of AS (
        SELECT s.part, s.event_type, s.occurred_at, s.due_at, s.parked_at, s.last_error, 1.0 AS weight, false AS sampled
        FROM seen AS s
        UNION ALL
        SELECT s.part, s.event_type, s.occurred_at, s.due_at, s.parked_at, s.last_error, s.weight, true
        FROM sample AS s
    ), counted AS (
        SELECT r.part, r.sampled, r.event_type,
               CASE WHEN r.part = 'parked' THEN 'parked'
                    WHEN r.due_at <= now() THEN 'pending'
                    WHEN r.last_error IS NULL THEN 'scheduled'
                    WHEN r.part = 'infinite' THEN 'waiting'
                    ELSE 'retrying' END AS state,
               CASE WHEN r.part = 'infinite' THEN r.last_error END AS reason,
               sum(r.weight) AS events, min(r.occurred_at) FILTER (WHERE isfinite(r.occurred_at)) AS oldest
        FROM row_of AS r
        GROUP BY 1, 2, 3, 4, 5
    )
    SELECT c.event_type, c.state, c.reason, ceil(max(c.events)), min(c.oldest),
           c.part NOT IN (SELECT m.part FROM many AS m)
    FROM counted AS c
    GROUP BY c.part, c.event_type, c.state, c.reason
$$;

COMMENT ON FUNCTION outbox.held() IS
    'For outbox.backlog and the view outbox.waiting: the unsent events with due_at or parked_at, per type, state '
    '(pending, retrying, waiting, scheduled, parked) and, of those that wait, reason. Of those that are due at a time, of '
    'those that wait and of those that are parked, 5,000 each are counted; where there are more, exact is false, and a '
    'sample is scaled.';

CREATE OR REPLACE FUNCTION outbox.backlog()
RETURNS TABLE (event_type text, pending bigint, retrying bigint, waiting bigint, scheduled bigint, parked bigint,
               oldest_pending interval, exact boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT u.event_type,
           coalesce(sum(u.events) FILTER (WHERE u.state = 'pending'), 0)::bigint,
           coalesce(sum(u.events) FILTER (WHERE u.state = 'retrying'), 0)::bigint,
           coalesce(sum(u.events) FILTER (WHERE u.state = 'waiting'), 0)::bigint,
           coalesce(sum(u.events) FILTER (WHERE u.state = 'scheduled'), 0)::bigint,
           coalesce(sum(u.events) FILTER (WHERE u.state = 'parked'), 0)::bigint,
           now() - min(u.oldest) FILTER (WHERE u.state = 'pending'),
           bool_and(bool_and(u.exact)) OVER ()
    FROM (SELECT n.event_type, 'pending' AS state, n.events, n.oldest, n.exact FROM outbox.backlog_new() AS n
          UNION ALL
          SELECT h.event_type, h.state, h.events, h.oldest, h.exact FROM outbox.held() AS h) AS u
    GROUP BY u.event_type
    ORDER BY u.event_type
$$;

COMMENT ON FUNCTION outbox.backlog() IS
    'Per event type, how many events are to be published now (pending: also those whose time has come), have failed and '
    'are due later (retrying), wait for what their last_error says (waiting), were set for later by their writers '
    '(scheduled), and are parked; and the age of the oldest pending one. Takes some milliseconds, however much is sent '
    'and however much waits: beyond some 10,000 the numbers are estimates (exact is false), the oldest is the oldest '
    'seen, and a rare type may be missing.';

REVOKE EXECUTE ON FUNCTION outbox.backlog_new(), outbox.sample_blocks(bigint, bigint), outbox.held(), outbox.backlog()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.backlog_new(), outbox.sample_blocks(bigint, bigint), outbox.held(), outbox.backlog()
    TO outbox_relay, outbox_reader;
