-- SPDX-License-Identifier: Apache-2.0
-- The plans of what runs all the time must not depend on statistics: made for a single event or on an empty table, and
-- then a burst came, never taken, or taken on a large table of which all is sent.
SELECT plan(168);

CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    lines text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END $$;

PREPARE claim(bigint) AS
    SELECT id, event_id, attempts, occurred_at, event_type, event_version, aggregate_id, metadata, data FROM outbox.event
    WHERE id > $1 AND sent_at IS NULL AND parked_at IS NULL AND due_at IS NULL
      AND (xideq(xmax, '0') OR NOT (age(xmax) > -65536 AND age(xmax) <= (SELECT age(pg_snapshot_xmax(pg_current_snapshot())::xid))
           OR xmax = ANY (ARRAY(SELECT x::xid FROM pg_snapshot_xip(pg_current_snapshot()) AS x))))
    ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED;
PREPARE claim_due AS
    SELECT id, data FROM outbox.event WHERE due_at <= statement_timestamp() AND sent_at IS NULL AND parked_at IS NULL
    ORDER BY due_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED;
PREPARE claim_ordered(bigint) AS
    SELECT id, data, coalesce(max(held) OVER (PARTITION BY aggregate_id) < id, false) OR place > 100, due_at IS NOT NULL
    FROM (SELECT e.*, CASE WHEN place = 1 THEN (SELECT b.id FROM outbox.event AS b
            WHERE (b.aggregate_id, b.id) > (e.aggregate_id, 0) AND (b.aggregate_id, b.id) < (e.aggregate_id, e.last)
            AND coalesce(b.due_at, b.parked_at) IS NOT NULL AND b.sent_at IS NULL
            AND CASE WHEN b.parked_at IS NOT NULL THEN true ELSE b.last_error IS NOT NULL AND b.due_at > now() END
            AND (CASE WHEN event_type = 'order.created' THEN true ELSE false END) ORDER BY b.aggregate_id, b.id LIMIT 1) END AS held
        FROM (SELECT u.*, row_number() OVER w AS place, last_value(id) OVER w AS last FROM (SELECT * FROM (
            (SELECT id, data, aggregate_id, due_at FROM outbox.event WHERE id > $1
                AND sent_at IS NULL AND parked_at IS NULL AND due_at IS NULL
                AND (CASE WHEN event_type = 'order.created' THEN true ELSE false END) ORDER BY id LIMIT 1000)
            UNION ALL (SELECT id, data, aggregate_id, due_at FROM outbox.event WHERE due_at <= now()
                AND sent_at IS NULL AND parked_at IS NULL
                AND (CASE WHEN event_type = 'order.created' THEN true ELSE false END) ORDER BY id + 0 LIMIT 1000)
            ) AS a ORDER BY id LIMIT 1000) AS u
            WINDOW w AS (PARTITION BY aggregate_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        ) AS e) AS h ORDER BY id;
PREPARE followers(text[]) AS
    UPDATE outbox.event AS e SET due_at = clock_timestamp()
    FROM (SELECT DISTINCT unnest($1)) AS a(id)
    CROSS JOIN LATERAL (SELECT f.id FROM outbox.event AS f
        WHERE f.aggregate_id = a.id AND coalesce(f.due_at, f.parked_at) = 'infinity'
        AND f.sent_at IS NULL AND f.parked_at IS NULL AND f.last_error IS NOT NULL ORDER BY f.id LIMIT 100) AS f
    WHERE e.id = f.id;
PREPARE walk(text, bigint) AS
    SELECT id, aggregate_id, event_type FROM outbox.event AS e
    WHERE coalesce(due_at, parked_at) = 'infinity' AND sent_at IS NULL AND parked_at IS NULL
    AND last_error IS NOT NULL AND (aggregate_id, id) > ($1, $2) ORDER BY aggregate_id, id LIMIT 1000;
PREPARE mark(bigint[], text[], tid[]) AS
    UPDATE outbox.event AS e SET sent_at = statement_timestamp(), message_id = m.message_id, due_at = NULL
    FROM ROWS FROM (unnest($1), unnest($2), unnest($3)) AS m(id, message_id, place) WHERE e.ctid = m.place AND e.id = m.id;
PREPARE mark_ordered(bigint[], text[], uuid[]) AS
    UPDATE outbox.event AS e SET sent_at = statement_timestamp(), message_id = m.message_id, due_at = NULL
    FROM ROWS FROM (unnest($1), unnest($2), unnest($3)) AS m(id, message_id, event_id)
    CROSS JOIN LATERAL (SELECT l.ctid AS place FROM outbox.event AS l WHERE l.id = m.id AND l.event_id = m.event_id
        FOR NO KEY UPDATE SKIP LOCKED) AS l
    WHERE e.ctid = l.place RETURNING e.id;

-- What the relay sets for its transactions.
CREATE FUNCTION as_relay(mode text, statement text) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET cpu_index_tuple_cost = 1 SET random_page_cost = 0 SET max_parallel_workers_per_gather = 0 AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', mode, true);
    RETURN plan_of(statement);
END $$;

CREATE FUNCTION check_plans(statistics text, views boolean DEFAULT true) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    mode text;
    plan text;
    before bigint;
BEGIN
    FOREACH mode IN ARRAY ARRAY['force_custom_plan', 'force_generic_plan'] LOOP
        RETURN NEXT matches(as_relay(mode, 'EXECUTE claim(50000)'),
            '^Limit\n(  InitPlan [^\n]*\n    ->  [^\n]*\n){2}  ->  LockRows\n'
            '        ->  Index Scan using event_pkey on event\n              Index Cond: [^\n]*id >[^\n]*\n'
            '              Filter: [^\n]*\n$', format('claim, %s, %s', statistics, mode));
        RETURN NEXT matches(as_relay(mode, 'EXECUTE claim_due'),
            '^Limit\n  ->  LockRows\n        ->  Index Scan using event_due_at_idx on event\n              Index Cond: ',
            format('claim what is due, %s, %s', statistics, mode));
        plan := as_relay(mode, 'EXECUTE claim_ordered(50000)');
        RETURN NEXT matches(plan, 'Index Scan using event_pkey on event\n *Index Cond: [^\n]*id > [^\n]*\n',
            format('ordered claim, what is new, %s, %s', statistics, mode));
        RETURN NEXT matches(plan, 'Index Scan using event_due_at_idx on event[^\n]*\n *Index Cond: \(due_at <= now\(\)\)',
            format('ordered claim, what is due, %s, %s', statistics, mode));
        RETURN NEXT matches(plan, 'Index Scan using event_held_idx on event b\n *Index Cond: [^\n]*aggregate_id[^\n]*',
            format('ordered claim, what is in the way, %s, %s', statistics, mode));
        RETURN NEXT matches(as_relay(mode, 'EXECUTE followers(ARRAY[''a'', ''b''])'),
            'Index Scan using event_held_idx on event f(_1)?\n *Index Cond: \(aggregate_id = ',
            format('what waits behind ordered events, %s, %s', statistics, mode));
        RETURN NEXT doesnt_match(plan, 'Gather', format('ordered claim, no parallel workers, %s, %s', statistics, mode));
        RETURN NEXT matches(as_relay(mode, 'EXECUTE walk(''a'', 1)'), 'Index Scan using event_held_idx on event e\n *Index Cond: ',
            format('walk, %s, %s', statistics, mode));
        RETURN NEXT matches(as_relay(mode, 'EXECUTE mark(ARRAY[1, 2], ARRAY[''a'', ''b''], ARRAY[''(0,1)'', ''(0,2)'']::tid[])'),
            '^Update on event e\n  ->  Nested Loop\n        ->  Function Scan on m\n'
            '        ->  Tid Scan on event e\n              TID Cond: [^\n]*m.place',
            format('mark, %s, %s', statistics, mode));
        plan := as_relay(mode, 'EXECUTE mark_ordered(ARRAY[1, 2], ARRAY[''a'', ''b''], ARRAY[gen_random_uuid()])');
        RETURN NEXT matches(plan, 'Index Scan using event_pkey on event l(_1)?\n *Index Cond: \(id = m.id\)',
            format('mark what is ordered, by its id, %s, %s', statistics, mode));
        RETURN NEXT matches(plan, 'Tid Scan on event e\n *TID Cond: [^\n]*l.(place|ctid)',
            format('mark what is ordered, in its place, %s, %s', statistics, mode));
    END LOOP;
    IF NOT views THEN
        RETURN;
    END IF;
    RETURN NEXT doesnt_match(plan_of('SELECT * FROM outbox.pending'), 'Seq Scan on event', 'view pending, ' || statistics);
    RETURN NEXT doesnt_match(plan_of('SELECT * FROM outbox.parked'), 'Seq Scan on event', 'view parked, ' || statistics);
    -- The plans of functions are not shown: what the views made of them read is counted.
    before := (SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'outbox.event'::regclass);
    PERFORM FROM outbox.lag;
    PERFORM FROM outbox.waiting;
    PERFORM outbox.report();
    PERFORM outbox.prune_step('7 days', 0, 1000);
    RETURN NEXT is((SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'outbox.event'::regclass) - before, 0::bigint,
        'lag, waiting, report and prune_step scan no table sequentially, ' || statistics);
END $$;

INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('order.created', 'order-1', '{}');
ANALYZE outbox.event;
SELECT check_plans('a single event', views => false); -- which people may scan

TRUNCATE outbox.event;
ANALYZE outbox.event;
INSERT INTO outbox.event (event_type, aggregate_id, data)
SELECT 'order.created', 'order-' || n, '{}' FROM generate_series(1, 60000) AS n;
SELECT check_plans('statistics of an empty table');

DELETE FROM pg_statistic WHERE starelid = 'outbox.event'::regclass;
UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'outbox.event'::regclass;
SELECT check_plans('no statistics');

UPDATE outbox.event SET sent_at = now(), message_id = 'm';
UPDATE outbox.state SET floor = 59000;
VACUUM ANALYZE outbox.event;
SELECT check_plans('statistics of a large table, all sent');

TRUNCATE outbox.event;
INSERT INTO outbox.event (id, event_type, aggregate_id, data, sent_at) OVERRIDING SYSTEM VALUE
SELECT n, 'order.created', 'order-' || n, '{}', now() FROM generate_series(1, 60000) AS n ORDER BY sha256(n::text::bytea);
VACUUM ANALYZE outbox.event;
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT check_plans('pages used again after pruning, parallel scans cheap');
RESET parallel_setup_cost;
RESET min_parallel_table_scan_size;

UPDATE outbox.event SET sent_at = NULL, due_at = now() - interval '1 minute', last_error = 'SNS: HTTP 503';
VACUUM ANALYZE outbox.event;
UPDATE outbox.event SET sent_at = now(), due_at = NULL;
SELECT check_plans('statistics of an outage that is over', views => false); -- people may wait for ANALYZE
UPDATE outbox.event SET aggregate_id = 'one', sent_at = CASE WHEN id <= 24000 THEN now() END,
    due_at = CASE WHEN id > 24000 THEN 'infinity'::timestamptz END, last_error = CASE WHEN id > 24000 THEN 'waits' END;
VACUUM ANALYZE outbox.event;
SELECT check_plans('one aggregate, and most of it waits', views => false);
UPDATE outbox.event SET sent_at = now(), due_at = NULL, last_error = NULL;
VACUUM ANALYZE outbox.event;

SELECT matches(plan_of('SELECT * FROM outbox.event'), 'Seq Scan on event', 'a sequential scan would be seen');
-- Rows are what counts in the end: above the floor nothing waits, and nothing below was read.
CREATE FUNCTION rows_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tree jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) ' || statement INTO tree;
    RETURN (SELECT sum(((node ->> 'Actual Rows')::numeric + coalesce((node ->> 'Rows Removed by Filter')::numeric, 0)))
            FROM jsonb_path_query(tree, 'strict $.** ? (@."Relation Name" == "event" && @."Node Type" != "Bitmap Index Scan")') AS node);
END $$;
SELECT is(rows_read('SELECT * FROM outbox.pending'), 1000::bigint, 'the view pending reads what is above the floor');

SELECT * FROM finish();
