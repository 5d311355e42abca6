-- SPDX-License-Identifier: Apache-2.0
-- The plans of what runs all the time must not depend on statistics: taken on an empty table and then a burst came,
-- never taken, or taken on a large table of which all is sent.
SELECT plan(38);

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
    ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED;
PREPARE claim_due AS
    SELECT id, data FROM outbox.event WHERE due_at <= statement_timestamp() AND sent_at IS NULL AND parked_at IS NULL
    ORDER BY due_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED;
PREPARE mark(bigint[], text[]) AS
    UPDATE outbox.event AS e SET sent_at = statement_timestamp(), message_id = m.message_id, due_at = NULL
    FROM unnest($1, $2) AS m(id, message_id) WHERE e.id = m.id;

-- What the relay sets for its transactions.
CREATE FUNCTION as_relay(mode text, statement text) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', mode, true);
    RETURN plan_of(statement);
END $$;

CREATE FUNCTION check_plans(statistics text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    mode text;
BEGIN
    FOREACH mode IN ARRAY ARRAY['force_custom_plan', 'force_generic_plan'] LOOP
        RETURN NEXT matches(as_relay(mode, 'EXECUTE claim(50000)'),
            '^Limit\n  ->  LockRows\n        ->  Index Scan using event_pkey on event\n              Index Cond: [^\n]*id >[^\n]*\n'
            '              Filter: [^\n]*\n$', format('claim, %s, %s', statistics, mode));
        RETURN NEXT matches(as_relay(mode, 'EXECUTE claim_due'),
            '^Limit\n  ->  LockRows\n        ->  Index Scan using event_due_at_idx on event\n              Index Cond: ',
            format('claim what is due, %s, %s', statistics, mode));
        RETURN NEXT matches(as_relay(mode, 'EXECUTE mark(ARRAY[1, 2, 3], ARRAY[''a'', ''b'', ''c''])'),
            '^Update on event e\n  ->  Nested Loop\n        ->  Function Scan on (unnest )?m\n'
            '        ->  Index Scan using event_pkey on event e\n              Index Cond: [^\n]*id = m.id',
            format('mark, %s, %s', statistics, mode));
    END LOOP;
    RETURN NEXT doesnt_match(plan_of('SELECT * FROM outbox.pending'), 'Seq Scan on event', 'view pending, ' || statistics);
    RETURN NEXT doesnt_match(plan_of('SELECT * FROM outbox.parked'), 'Seq Scan on event', 'view parked, ' || statistics);
    RETURN NEXT doesnt_match(plan_of('SELECT * FROM outbox.lag'), 'Seq Scan on event', 'view lag, ' || statistics);
END $$;

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
