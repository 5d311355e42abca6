-- SPDX-License-Identifier: Apache-2.0
-- outbox.blockers, outbox.relays and outbox.report: each thing that holds back something is provoked by another session.
SELECT plan(35);

SELECT format('host=%s port=%s user=%s dbname=%s', :'HOST', :'PORT', :'USER', :'DBNAME') AS server \gset

-- The view, with what must be 10 seconds, 5 minutes, a gigabyte or so many transactions old as soon as it is there.
SELECT set_config('test.view', replace(replace(replace(replace(pg_get_viewdef('outbox.blockers'::regclass),
    '''00:00:10''', '''0'''), '> 10000)', '> -1)'), '''00:05:00''', '''1 hour'''), '1073741824', '-1'), false) AS set \gset
DO $$ BEGIN EXECUTE 'CREATE VIEW seen AS ' || current_setting('test.view'); END $$;
GRANT SELECT ON seen TO outbox_reader;

SELECT is_empty('SELECT * FROM outbox.blockers', 'nothing is held back');
SELECT is_empty('SELECT * FROM seen WHERE kind <> ''unknown''', 'however young');

-- Transactions.
SELECT dblink_connect('other', :'server' || ' application_name=shop') AS connected, dblink_exec('other', 'BEGIN ISOLATION LEVEL REPEATABLE READ') AS begun \gset
SELECT pid FROM dblink('other', 'SELECT pg_backend_pid()') AS t(pid integer) \gset
SELECT row_eq('SELECT kind, pid, name, holds_back, query, remedy FROM seen', ROW('transaction'::text, :pid, :'USER' || ', shop, idle in transaction',
    'vacuum'::text, 'SELECT pg_backend_pid()'::text, format('it does nothing: end it where it was begun, or: SELECT pg_terminate_backend(%s);', :pid)),
    'a snapshot holds back vacuum');
SELECT cmp_ok((SELECT age FROM seen), '<', interval '1 minute', 'it is young');
SELECT is_empty('SELECT * FROM outbox.blockers', 'so the view does not name it yet');
SELECT is(event_id, event_id, 'it writes') FROM dblink('other', $$SELECT outbox.publish('order.created', 'o', '{}') || repeat('', 300)$$) AS t(event_id text);
SELECT is((SELECT holds_back FROM seen), 'the floor, vacuum', 'a writer holds the floor too');
SELECT dblink_exec('other', 'ROLLBACK') AS ended \gset
SELECT is_empty('SELECT * FROM seen', 'a session without transaction holds nothing');
SELECT dblink_send_query('other', 'SELECT ' || repeat(' ', 300) || 'pg_sleep(60)') AS sent \gset
CREATE FUNCTION wait_until(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    met boolean := false;
BEGIN
    FOR n IN 1 .. 1000 LOOP
        PERFORM pg_stat_clear_snapshot();
        EXECUTE 'SELECT ' || condition INTO met;
        EXIT WHEN met;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN met;
END $$;
SELECT ok(wait_until('EXISTS (SELECT FROM seen WHERE name LIKE ''%, shop, active'')'), 'one that runs');
SELECT row_eq('SELECT length(query), remedy FROM seen', ROW(200, format('wait for it, or: SELECT pg_terminate_backend(%s);', :pid)), 'may be waited for');

-- What another role may not see.
CREATE ROLE onlooker IN ROLE outbox_reader;
SET ROLE onlooker;
SELECT row_eq('SELECT kind, pid, name, age, query, remedy FROM seen', ROW('unknown'::text, NULL::integer, '1 sessions of other roles'::text,
    NULL::interval, NULL::text, 'to see them: GRANT pg_read_all_stats TO onlooker;'::text), 'sessions of other roles are hidden, and that is told');
RESET ROLE;
GRANT pg_read_all_stats TO onlooker;
SET ROLE onlooker;
SELECT is((SELECT kind FROM seen), 'transaction', 'the remedy helps');
RESET ROLE;
SELECT dblink_cancel_query('other') AS cancelled, dblink_disconnect('other') AS disconnected \gset
SELECT ok(wait_until('NOT EXISTS (SELECT FROM seen)'), 'it is gone');

-- A relay's own are younger than five minutes as a rule.
SELECT dblink_connect('relay', :'server' || ' application_name=outbox-relay') AS connected, dblink_exec('relay', 'BEGIN ISOLATION LEVEL REPEATABLE READ') AS begun \gset
SELECT pid FROM dblink('relay', 'SELECT pg_backend_pid()') AS t(pid integer) \gset
SELECT is_empty('SELECT * FROM seen', 'a relay''s own transaction');
SELECT row_eq('SELECT pid, application, leads FROM outbox.relays', ROW(:pid, 'outbox-relay'::text, false), 'a relay is seen');
SELECT ok(since <= clock_timestamp(), 'and since when') FROM outbox.relays;
SELECT locked FROM dblink('relay', 'SELECT pg_advisory_lock(1869968482, 2)') AS t(locked text) \gset
SELECT is((SELECT leads FROM outbox.relays), true, 'the one with the waker lock leads');
SELECT dblink_exec('relay', 'COMMIT') AS committed, dblink_exec('relay', 'SET application_name = renamed') AS renamed \gset
SELECT is((SELECT application FROM outbox.relays), 'renamed', 'whatever it calls itself');
SELECT dblink_disconnect('relay') AS disconnected \gset

-- Prepared transactions, where the server allows them.
SELECT current_setting('max_prepared_transactions') > '0' AS prepares \gset
\if :prepares
BEGIN;
SELECT pg_current_xact_id() AS xid \gset
PREPARE TRANSACTION 'order''s';
SELECT row_eq('SELECT kind, pid, name, holds_back, query FROM seen', ROW('prepared'::text, NULL::integer, 'order''s'::text, 'the floor, vacuum'::text, NULL::text), 'a prepared transaction');
SELECT alike((SELECT remedy FROM seen), '%, in database ' || :'DBNAME' || ': ROLLBACK PREPARED ''order''''s''; (or COMMIT PREPARED)', 'and its remedy');
SELECT is_empty('SELECT * FROM outbox.blockers', 'which is young');
ROLLBACK PREPARED 'order''s';
\else
SELECT skip('max_prepared_transactions is 0', 3);
\endif

-- Slots.
SELECT slot_name FROM pg_create_physical_replication_slot('standby_1', true) \gset
SELECT row_eq('SELECT kind, name FROM outbox.blockers', ROW('slot'::text, 'standby_1'::text), 'a slot that nobody reads');
SELECT matches((SELECT holds_back FROM outbox.blockers), '^[0-9]+ .* of WAL$', 'holds back the log');
SELECT is((SELECT remedy FROM outbox.blockers),
    'start what reads it, or, if it is gone for good: SELECT pg_drop_replication_slot(''standby_1'');', 'and its remedy');
SELECT is((SELECT json_array_length(outbox.report() -> 'blockers')), 1, 'the report has it');
SELECT pg_drop_replication_slot('standby_1') AS dropped \gset
SELECT is_empty('SELECT * FROM outbox.blockers', 'dropped');

-- The report.
TRUNCATE outbox.event;
ALTER SEQUENCE outbox.event_id_seq RESTART;
SELECT is((SELECT array_agg(key) FROM json_object_keys(outbox.report()) AS key),
    ARRAY['read_at', 'database', 'exact', 'totals', 'by_type', 'floor', 'relays', 'waiting', 'parked', 'paused_topics', 'blockers', 'table'], 'the parts of the report');
SELECT is(outbox.report() -> 'totals' #>> '{}', '{"pending" : 0, "retrying" : 0, "waiting" : 0, "scheduled" : 0, "parked" : 0, "oldest_pending_seconds" : null}', 'nothing waits');
SELECT is(outbox.report() ->> part, '[]', 'no ' || part) FROM unnest(ARRAY['by_type', 'relays', 'waiting', 'blockers']) AS part;
INSERT INTO outbox.event (event_type, aggregate_id, data) SELECT 'order.created', n, '{}' FROM generate_series(1, 60) AS n;
UPDATE outbox.event SET parked_at = now() + id * interval '1 second', last_error = E'a "quoted"\nreason' WHERE id <= 50;
SELECT outbox.route('order.*', 'arn:aws:sns:eu-central-1:123456789012:orders') AS route, outbox.pause('arn:aws:sns:eu-central-1:123456789012:orders', 'moving') AS pause \gset
CREATE TABLE report AS SELECT outbox.report()::jsonb AS r;
SELECT is((SELECT jsonb_path_query_array(r, '$.parked[*].id')::text FROM report), (SELECT jsonb_agg(n ORDER BY n DESC)::text FROM generate_series(31, 50) AS n), 'the newest 20 parked ones');
SELECT is((SELECT r #- '{by_type,0,oldest_pending_seconds}' #>> '{by_type,0}' FROM report), '{"parked": 50, "pending": 10, "waiting": 0, "retrying": 0, "scheduled": 0, '
    '"topic_arn": "arn:aws:sns:eu-central-1:123456789012:orders", "event_type": "order.created", "sent_last_minute": 0, "mean_delay_seconds": null}', 'an event type');
SELECT is((SELECT concat_ws(' ', r #>> '{paused_topics,0,reason}', r #>> '{parked,0,last_error}') FROM report), E'moving a "quoted"\nreason', 'texts as they are');

DROP VIEW seen;
DROP ROLE onlooker;
SELECT * FROM finish();
