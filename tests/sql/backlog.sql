-- SPDX-License-Identifier: Apache-2.0
-- outbox.backlog and the views made of it: exact while little waits, near the truth where much does, and never at the
-- cost of history.
SELECT plan(41);

CREATE FUNCTION fill(number integer, suffix text DEFAULT 'created') RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at)
    SELECT 'order.' || suffix, 'o', '{}', now() - interval '10 minutes' FROM generate_series(1, number) $$;
CREATE FUNCTION near(found numeric, truth numeric) RETURNS boolean LANGUAGE sql AS
    $$SELECT found BETWEEN truth * 0.9 AND truth * 1.1$$;

SELECT is_empty('SELECT * FROM outbox.backlog()', 'nothing waits');
SELECT fill(8) \gset
UPDATE outbox.event SET due_at = now() - interval '1 minute', attempts = 1, last_error = 'x' WHERE id = 2;
UPDATE outbox.event SET due_at = now() + interval '1 minute', attempts = 1, last_error = 'x' WHERE id = 3;
UPDATE outbox.event SET due_at = now() + interval '1 minute', last_error = 'resting' WHERE id = 4;
UPDATE outbox.event SET due_at = now() + interval '1 minute' WHERE id = 5;
UPDATE outbox.event SET due_at = 'infinity', last_error = 'paused' WHERE id = 6;
UPDATE outbox.event SET due_at = 'infinity' WHERE id = 7;
UPDATE outbox.event SET parked_at = now(), last_error = 'x' WHERE id = 8;
BEGIN;
INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at) VALUES ('user.left', 'u', '{}', now() - interval '1 hour');
SELECT results_eq('SELECT * FROM outbox.backlog()',
    $$VALUES ('order.created'::text, 2::bigint, 2::bigint, 1::bigint, 2::bigint, 1::bigint, now() - (SELECT occurred_at FROM outbox.event WHERE id = 1), true),
             ('user.left', 1, 0, 0, 0, 0, interval '1 hour', true)$$, 'an event in each state');
SELECT results_eq('SELECT * FROM outbox.waiting', $$VALUES ('paused'::text, 1::bigint,
    now() - (SELECT occurred_at FROM outbox.event WHERE id = 6), true)$$, 'what waits, and why');
UPDATE outbox.event SET sent_at = now(), due_at = NULL;
SELECT is_empty('SELECT * FROM outbox.backlog()', 'all sent');
SELECT is_empty('SELECT * FROM outbox.waiting', 'nothing waits');
ROLLBACK;

-- What waits is nothing that the relay would wake up for; what is due is.
SELECT is(due_in, 0::bigint, 'an event is due') FROM outbox.look(8, 8);
UPDATE outbox.event SET due_at = 'infinity', last_error = 'x' WHERE due_at < 'infinity';
SELECT is(due_in, NULL, 'all wait') FROM outbox.look(8, 8);

-- Much is pending, of two types, the oldest first.
TRUNCATE outbox.event;
ALTER SEQUENCE outbox.event_id_seq RESTART;
SELECT fill(40000), fill(20000, 'paid') \gset
UPDATE outbox.event SET occurred_at = now() - interval '1 hour' WHERE id = 1;
SELECT ok(near(pending, 40000), 'much is pending: ' || pending) FROM outbox.backlog() WHERE event_type = 'order.created';
SELECT ok(near(pending, 20000), 'of two types: ' || pending) FROM outbox.backlog() WHERE event_type = 'order.paid';
SELECT is((SELECT bool_or(exact) FROM outbox.backlog()), false, 'by estimate');
SELECT is((SELECT date_trunc('hour', oldest_pending) FROM outbox.lag WHERE event_type = 'order.created'), interval '1 hour', 'the oldest is the oldest');
SELECT is((SELECT bool_or(exact) FROM outbox.lag), false, 'lag says it is an estimate');

-- A writer holds the floor: what is above it is sent, but for the newest.
UPDATE outbox.event SET sent_at = now() WHERE id <= 59990;
SELECT is((SELECT pending::integer FROM outbox.backlog()), 10, 'what is pending at the upper end is counted, not scaled');
UPDATE outbox.event SET sent_at = NULL WHERE id BETWEEN 100 AND 119;
SELECT is((SELECT sum(pending)::integer FROM outbox.backlog()), 30, 'and at the lower end');
UPDATE outbox.event SET sent_at = now();
SELECT is_empty('SELECT * FROM outbox.backlog()', 'all sent');
SELECT cmp_ok(sent_last_minute, '>', 0::bigint, 'what was sent is seen') FROM outbox.lag WHERE event_type = 'order.paid';
SELECT is((SELECT bool_or(exact) FROM outbox.lag), false, 'and that nothing waits is an estimate');

-- Ids that are few and far between, as rolled-back loads leave them.
CREATE FUNCTION fill_ids(suffix text, first bigint, number integer, step integer DEFAULT 1) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox.event (id, event_type, aggregate_id, data, occurred_at) OVERRIDING SYSTEM VALUE
    SELECT first + n * step, 'order.' || suffix, 'o', '{}', now() - interval '10 minutes' FROM generate_series(0, number - 1) AS n $$;
CREATE FUNCTION pending_of(suffix text) RETURNS bigint LANGUAGE sql AS
    $$SELECT pending FROM outbox.backlog() WHERE event_type = 'order.' || suffix$$;
TRUNCATE outbox.event;
SELECT fill_ids('few', 5000000, 100), fill_ids('last', 10000000, 10) \gset
SELECT is(pending_of('few'), 100::bigint, 'a few amid a million of ids are found');
SELECT is((SELECT bool_and(exact) FROM outbox.backlog()), true, 'and all are counted');
SELECT fill_ids('low', 1, 2000), fill_ids('high', 20000000, 4000) \gset
SELECT is(pending_of('few'), 100::bigint, 'a bunch is not taken for a range as dense as it is');
TRUNCATE outbox.event;
SELECT fill_ids('sparse', 1000, 5000, 1000), fill_ids('dense', 10000000, 50000) \gset
SELECT ok(near(pending_of('sparse'), 5000), 'a sparse range: ' || pending_of('sparse'));
SELECT ok(near(pending_of('dense'), 50000), 'beside a dense one: ' || pending_of('dense'));

-- Much is sent: more than is read is scaled to the minute.
TRUNCATE outbox.event;
SELECT fill(30000) \gset
UPDATE outbox.event SET sent_at = clock_timestamp() - (90000 - id) * interval '3 ms';
UPDATE outbox.state SET floor = 90000;
SELECT ok(near(sent_last_minute, 20000), 'a minute''s part of more: ' || sent_last_minute) FROM outbox.lag;
UPDATE outbox.event SET sent_at = clock_timestamp() - interval '10 s' - (90000 - id) * interval '0.5 ms';
SELECT ok(near(sent_last_minute, 30000), 'what was sent in a burst: ' || sent_last_minute) FROM outbox.lag;
UPDATE outbox.event SET sent_at = CASE WHEN id > 82800 THEN now() - interval '9 s' ELSE now() - interval '1 hour' END;
SELECT ok(near(sent_last_minute, 7200), 'a burst after a long silence: ' || sent_last_minute) FROM outbox.lag;
UPDATE outbox.event SET sent_at = NULL WHERE id <= 85100;
UPDATE outbox.state SET floor = 70000;
SELECT is(sent_last_minute, 4900::bigint, 'a floor that is held: only what was sent counts') FROM outbox.lag;
UPDATE outbox.state SET floor = 0;

-- Much waits, is put off and is parked: the floor has passed it, and it lies between what is sent.
TRUNCATE outbox.event;
ALTER SEQUENCE outbox.event_id_seq RESTART;
SELECT fill(80000) \gset
UPDATE outbox.event SET sent_at = now() WHERE id % 2 = 0;
UPDATE outbox.event SET due_at = 'infinity', last_error = CASE WHEN id % 3 = 0 THEN 'paused' ELSE 'no topic' END WHERE sent_at IS NULL AND id < 40000;
UPDATE outbox.event SET due_at = now() + interval '1 hour', last_error = 'x', attempts = 1 WHERE sent_at IS NULL AND id BETWEEN 40000 AND 60000;
UPDATE outbox.event SET parked_at = now() WHERE sent_at IS NULL AND id > 60000;
UPDATE outbox.state SET floor = 80000;
SELECT ok(near(waiting, 20000), 'much waits: ' || waiting) FROM outbox.backlog();
SELECT ok(near(retrying, 10000), 'much is put off: ' || retrying) FROM outbox.backlog();
SELECT ok(near(parked, 10000), 'much is parked: ' || parked) FROM outbox.backlog();
SELECT is((SELECT exact FROM outbox.backlog()), false, 'by estimate');
SELECT is((SELECT array_agg(reason) FROM outbox.waiting), ARRAY['no topic', 'paused'], 'the reasons, the commonest first');
SELECT ok(near(events, 20000 / 3), 'how many: ' || events) FROM outbox.waiting WHERE reason = 'paused';

-- Some wait at one end of a large table, and some are parked at the other.
TRUNCATE outbox.event;
INSERT INTO outbox.event (event_type, aggregate_id, data, due_at, last_error)
SELECT 'order.created', 'o', '{}', 'infinity', 'paused' FROM generate_series(1, 5500);
INSERT INTO outbox.event (event_type, aggregate_id, data, sent_at)
SELECT 'order.created', 'o', to_json(repeat('x', 1700)), now() FROM generate_series(1, 20000); -- a page each
INSERT INTO outbox.event (event_type, aggregate_id, data, parked_at)
SELECT 'order.created', 'o', '{}', now() FROM generate_series(1, 6500);
UPDATE outbox.state SET floor = 100000;
SELECT ok(near(waiting, 5500), 'what waits: ' || waiting) FROM outbox.backlog();
SELECT ok(near(parked, 6500), 'what is parked: ' || parked) FROM outbox.backlog();

-- Rows read, with statistics of a table that was empty, with none, and with those of now.
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
TRUNCATE outbox.event;
ANALYZE outbox.event;
ALTER SEQUENCE outbox.event_id_seq RESTART;
SELECT fill(80000) \gset
UPDATE outbox.state SET floor = 0;
SELECT cmp_ok(rows_read('SELECT * FROM outbox.lag'), '<', 25000::bigint, 'lag, statistics of an empty table');
DELETE FROM pg_statistic WHERE starelid = 'outbox.event'::regclass;
UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'outbox.event'::regclass;
SELECT cmp_ok(rows_read('SELECT * FROM outbox.lag'), '<', 25000::bigint, 'lag, no statistics');
UPDATE outbox.event SET due_at = 'infinity', last_error = 'x';
UPDATE outbox.state SET floor = 80000;
VACUUM ANALYZE outbox.event;
SELECT cmp_ok(rows_read('SELECT * FROM outbox.lag'), '<', 25000::bigint, 'lag, all waits');
SELECT cmp_ok(rows_read('SELECT * FROM outbox.waiting'), '<', 15000::bigint, 'waiting, all waits');
UPDATE outbox.event SET due_at = NULL, sent_at = now();
UPDATE outbox.state SET floor = 0;
VACUUM ANALYZE outbox.event;
SELECT cmp_ok(rows_read('SELECT * FROM outbox.lag'), '<', 25000::bigint, 'lag, all sent above the floor');
SELECT cmp_ok(rows_read('SELECT outbox.report()'), '<', 30000::bigint, 'and the report');
SELECT cmp_ok(rows_read('SELECT count(event_type) FROM outbox.event'), '>=', 80000::bigint, 'reading all of it would be seen');

SELECT * FROM finish();
