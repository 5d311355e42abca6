-- SPDX-License-Identifier: Apache-2.0
-- The mark is a HOT update of every row and leaves every index as it is, also when no old version can be pruned
-- meanwhile, as here, where everything is marked in one transaction.
SELECT plan(9);

CREATE FUNCTION fill(bytes integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox.event (event_type, aggregate_id, data, metadata)
    SELECT 'order.created', 'order-' || n, to_json(repeat('x', bytes)), json_build_object('correlationId', gen_random_uuid())
    FROM generate_series(1, 10000) AS n $$;

-- All updates of this session that the statistics have not been told of yet, and those of them that were not HOT.
CREATE FUNCTION counted(OUT updates bigint, OUT not_hot bigint) LANGUAGE sql AS $$
    SELECT n_tup_upd, n_tup_upd - n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relid = 'outbox.event'::regclass $$;

-- The relay's statement. Returns updates and those of them that were not HOT.
CREATE FUNCTION mark_all(OUT updates bigint, OUT not_hot bigint) LANGUAGE plpgsql AS $$
DECLARE
    before record := counted();
BEGIN
    UPDATE outbox.event AS e SET sent_at = statement_timestamp(), message_id = m.message_id, due_at = NULL
    FROM unnest(ARRAY(SELECT id FROM outbox.event ORDER BY id),
                ARRAY(SELECT gen_random_uuid()::text FROM outbox.event)) AS m(id, message_id)
    WHERE e.id = m.id;
    SELECT c.updates - before.updates, c.not_hot - before.not_hot INTO updates, not_hot FROM counted() AS c;
END $$;

CREATE FUNCTION sizes() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(indexrelid::regclass || ' ' || pg_relation_size(indexrelid), ', ' ORDER BY indexrelid)
    FROM pg_index WHERE indrelid = 'outbox.event'::regclass $$;

\set mark 'SELECT row_eq(\'SELECT * FROM mark_all()\', ROW(10000::bigint, 0::bigint), \'every mark is HOT, \' || :bytes || \' bytes of data\')'
\set bytes 60
SELECT fill(:bytes) \gset
SELECT sizes() AS before \gset
:mark;
SELECT is(sizes(), :'before', 'no index has grown');
TRUNCATE outbox.event;
\set bytes 250
SELECT fill(:bytes) \gset
:mark;
TRUNCATE outbox.event;
\set bytes 500
SELECT fill(:bytes) \gset
:mark;
TRUNCATE outbox.event;
\set bytes 1000
SELECT fill(:bytes) \gset
:mark;
TRUNCATE outbox.event;
\set bytes 5000
SELECT fill(:bytes) \gset
:mark;

-- A retry is not: it comes into the index on due_at. So this test can tell.
UPDATE outbox.event SET sent_at = NULL;
CREATE FUNCTION retry_all(OUT not_hot bigint) LANGUAGE plpgsql AS $$
DECLARE
    before record := counted();
BEGIN
    UPDATE outbox.event SET due_at = now(), attempts = attempts + 1, last_error = 'Throttled';
    SELECT c.not_hot - before.not_hot INTO not_hot FROM counted() AS c;
END $$;
SELECT cmp_ok(not_hot, '=', 10000::bigint, 'a retry is not HOT') FROM retry_all();

-- The bytes of log a mark: measured after all pages have been logged in full.
TRUNCATE outbox.event;
SELECT fill(500) \gset
CHECKPOINT;
SELECT count(*) FROM (SELECT id FROM outbox.event FOR NO KEY UPDATE) AS locked \gset
SELECT pg_current_wal_insert_lsn() AS before \gset
SELECT updates FROM mark_all() \gset
SELECT cmp_ok((pg_current_wal_insert_lsn() - :'before'::pg_lsn) / 10000, '<', 150::numeric, 'a mark logs less than 150 bytes');
SELECT cmp_ok((pg_current_wal_insert_lsn() - :'before'::pg_lsn) / 10000, '>', 50::numeric, 'and it is logged');

SELECT * FROM finish();
