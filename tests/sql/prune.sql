-- SPDX-License-Identifier: Apache-2.0
-- outbox.prune and outbox.prune_step: what they delete and what they leave, how a pass goes, and how little it reads.
SELECT plan(46);

SELECT format('host=%s port=%s user=%s dbname=%s', :'HOST', :'PORT', :'USER', :'DBNAME') AS server \gset

-- Events in one state each, named by their aggregates; all happened eight days ago.
CREATE FUNCTION start_anew() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE outbox.event;
    ALTER SEQUENCE outbox.event_id_seq RESTART;
    INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at)
    SELECT 'order.created', way, '{}', now() - interval '8 days'
    FROM unnest(ARRAY['sent', 'sent late', 'pending', 'waiting', 'retrying', 'parked', 'sent too', 'above', 'newest']) AS way;
    UPDATE outbox.event SET sent_at = now() - interval '8 days', message_id = 'm'
    WHERE aggregate_id IN ('sent', 'sent too', 'above', 'newest');
    UPDATE outbox.event SET sent_at = now() - interval '1 day' WHERE aggregate_id = 'sent late';
    UPDATE outbox.event SET due_at = 'infinity', last_error = 'x' WHERE aggregate_id = 'waiting';
    UPDATE outbox.event SET due_at = now() + interval '1 hour', last_error = 'x' WHERE aggregate_id = 'retrying';
    UPDATE outbox.event SET parked_at = now() - interval '8 days' WHERE aggregate_id = 'parked';
    UPDATE outbox.state SET floor = 7;
    UPDATE outbox.pruning SET pruned_to = 0, whole_pass_at = NULL;
END $$;
CREATE FUNCTION there() RETURNS text LANGUAGE sql AS
    $$SELECT string_agg(aggregate_id, ', ' ORDER BY id) FROM outbox.event$$;
SELECT start_anew() \gset

SELECT is(outbox.prune('7 days'), '2 events are deleted', 'sent longer ago');
SELECT is(there(), 'sent late, pending, waiting, retrying, parked, above, newest', 'all others stay, also above the floor');
SELECT is(outbox.prune('7 days'), 'no event is deleted', 'once');
UPDATE outbox.state SET floor = 9;
SELECT is(outbox.prune('7 days'), '1 event is deleted', 'what the floor has passed');
SELECT is(there(), 'sent late, pending, waiting, retrying, parked, newest', 'but not the newest event');
SELECT is((SELECT pruned_to FROM outbox.pruning), 8::bigint, 'the next pass begins there');
SELECT is(outbox.prune('1 hour'), 'no event is deleted', 'and misses what was sent late');
UPDATE outbox.pruning SET whole_pass_at = now() - interval '25 hours';
SELECT is(outbox.prune('1 hour'), '1 event is deleted', 'but one a day begins at 0');
SELECT cmp_ok((SELECT whole_pass_at FROM outbox.pruning), '>', now() - interval '1 minute', 'and says so');
UPDATE outbox.event SET parked_at = NULL, due_at = NULL, sent_at = now();
SELECT is(outbox.prune('0'), 'no event is deleted', 'nothing was sent before now, as far as this pass looks');
UPDATE outbox.pruning SET whole_pass_at = NULL;
SELECT is(outbox.prune('0'), '4 events are deleted', 'and all of it, at once');
SELECT is(there(), 'newest', 'but the newest');
TRUNCATE outbox.event;
SELECT is(outbox.prune('0'), 'no event is deleted', 'an empty table');

-- Steps.
CREATE FUNCTION fill(number integer, age interval) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at, sent_at, message_id)
    SELECT 'order.created', 'o', '{}', now() - age, now() - age, 'm' FROM generate_series(1, number);
    UPDATE outbox.state SET floor = (SELECT max(id) FROM outbox.event) $$;
SELECT start_anew() \gset
TRUNCATE outbox.event;
ALTER SEQUENCE outbox.event_id_seq RESTART;
SELECT fill(25, '8 days'), fill(100, '1 day') \gset
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', 0, 10)$$, ROW(10::bigint, 10::bigint, false), 'the first step');
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', 10, 10)$$, ROW(10::bigint, 20::bigint, false), 'the next');
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', 20, 10)$$, ROW(5::bigint, 30::bigint, false), 'what is old of a range');
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', 30, 10)$$, ROW(0::bigint, 40::bigint, true), 'the end, where events are too young');
SELECT is((SELECT pruned_to FROM outbox.pruning), 20::bigint, 'the range that had young ones will be looked at again');
SELECT is(outbox.prune('7 days', 10), 'no event is deleted', 'a pass that finds nothing');
SELECT is(outbox.prune('1 hour', 50), '45 events are deleted; there may be more: call it again', 'a person''s step');
SELECT is(outbox.prune('1 hour', 50), '50 events are deleted; there may be more: call it again', 'is a step');
SELECT is(outbox.prune('1 hour', 50), '4 events are deleted', 'until it ends');
BEGIN;
SELECT fill(5, '8 days') \gset
SELECT outbox.prune('7 days') \gset
SELECT is((SELECT count(*)::integer FROM outbox.event), 2, 'deleted');
ROLLBACK;
SELECT is((SELECT count(*)::integer FROM outbox.event), 1, 'and rolled back');
-- Ids without events, as after pruning for years.
TRUNCATE outbox.event;
ALTER SEQUENCE outbox.event_id_seq RESTART 5000000;
SELECT fill(10, '8 days') \gset
SELECT is(outbox.prune('7 days', 1000), '9 events are deleted', 'it goes on through empty ranges');
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', 9000000, 10)$$, ROW(0::bigint, 9000000::bigint, true), 'beyond the floor it is over');
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', NULL, 10)$$, ROW(0::bigint, 0::bigint, true), 'NULL is nowhere');

-- Other sessions.
SELECT fill(10, '8 days') \gset
SELECT dblink_connect('other', :'server') AS connected, dblink_exec('other', 'BEGIN') AS begun \gset
SELECT id FROM dblink('other', 'SELECT id FROM outbox.event WHERE id = (SELECT max(id) - 3 FROM outbox.event) FOR KEY SHARE')
    AS t(id bigint) \gset
SELECT is(outbox.prune('7 days'), '9 events are deleted', 'what somebody has locked is passed over');
SELECT is((SELECT string_agg(id::text, ' ' ORDER BY id) FROM outbox.event), (:id || ' ' || :id + 3), 'and stays');
SELECT dblink_exec('other', 'COMMIT') AS committed \gset
SELECT dblink_exec('other', 'BEGIN') AS begun \gset
SELECT locked FROM dblink('other', 'SELECT pg_advisory_xact_lock(1869968482, 5)') AS t(locked text) \gset
SELECT is(outbox.prune('7 days'), 'no event is deleted: another session is pruning; call it again', 'one at a time');
SELECT row_eq($$SELECT * FROM outbox.prune_step('7 days', 0, 10)$$, ROW(0::bigint, 0::bigint, true), 'a step says it is finished');
SELECT dblink_exec('other', 'ROLLBACK') AS ended, dblink_disconnect('other') AS disconnected \gset

-- The relay's role needs no right to delete.
SET ROLE outbox_relay;
SELECT row_eq(format('SELECT * FROM outbox.prune_step(''7 days'', %s, 10)', :id - 5), ROW(1::bigint, :id::bigint + 2, true), 'the relay''s role may call it');
SELECT throws_like('DELETE FROM outbox.event', 'permission denied%', 'and cannot delete');
SELECT throws_like('SELECT outbox.prune_range(0, 100, now())', 'permission denied%', 'nor choose what goes');
RESET ROLE;

SELECT throws_like(format('SELECT outbox.prune(%s)', arguments), refused || '%', arguments)
FROM (VALUES ('NULL', 'older_than "NULL" is refused: it must be from 0 to 3650 days'), ($$'-1 second'$$, 'older_than "-00:00:01" is refused'),
    ($$'3651 days'$$, 'older_than "3651 days" is refused'), ($$'7 days', 0$$, 'most "0" is refused: it must be 1 to 100000'),
    ($$'7 days', 100001$$, 'most "100001" is refused'), ($$'7 days', NULL$$, 'most "NULL" is refused')) AS c(arguments, refused);
SELECT throws_like($$SELECT outbox.prune_step('-1 day', 0, 10)$$, 'older_than "-1 days" is refused%', 'nor may a step');

-- How much it reads does not depend on how much is there, whatever the statistics say.
CREATE FUNCTION rows_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
    reads CONSTANT text := $r$SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
                              WHERE relid = 'outbox.event'::regclass$r$;
BEGIN
    EXECUTE reads INTO before;
    EXECUTE statement;
    EXECUTE reads INTO after;
    RETURN after - before;
END $$;
SELECT fill(100, '8 days'), fill(60000, '1 day') \gset
SELECT cmp_ok(rows_read($$SELECT outbox.prune('7 days', 50)$$), '<', 120::bigint, 'it reads what it deletes, without statistics');
ANALYZE outbox.event;
SELECT cmp_ok(rows_read($$SELECT outbox.prune('7 days', 50)$$), '<', 200::bigint, 'and with them');
SELECT cmp_ok(rows_read($$SELECT outbox.prune('7 days', 1000)$$), '<', 1100::bigint, 'the end of a pass is found soon');
SELECT is(outbox.prune('7 days'), 'no event is deleted', 'all is pruned');
SELECT cmp_ok(rows_read('SELECT count(*) FROM outbox.event'), '>', 50000::bigint, 'reading all of it would be seen');

SELECT * FROM finish();
