-- SPDX-License-Identifier: Apache-2.0
-- The views that show how things stand.
BEGIN;
SELECT plan(27);

INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at)
SELECT 'order.created', way, '{}', now() - interval '10 minutes'
FROM unnest(ARRAY['sent', 'sent long ago', 'pending', 'scheduled', 'due', 'retrying', 'deferred', 'parked', 'unparked']) AS way;
INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at)
VALUES ('user.registered', 'pending', '{}', now() - interval '1 hour');

UPDATE outbox.event SET sent_at = now() - interval '590 seconds', message_id = 'm' WHERE aggregate_id = 'sent long ago';
UPDATE outbox.event SET sent_at = now() - interval '30 seconds', message_id = 'm' WHERE aggregate_id = 'sent';
UPDATE outbox.event SET due_at = now() + interval '1 hour' WHERE aggregate_id = 'scheduled';
UPDATE outbox.event SET due_at = now() - interval '1 hour' WHERE aggregate_id = 'due';
UPDATE outbox.event SET due_at = now() + interval '1 hour', attempts = 2, last_error = 'x' WHERE aggregate_id = 'retrying';
UPDATE outbox.event SET due_at = now() + interval '1 hour', last_error = 'paused' WHERE aggregate_id = 'deferred';
UPDATE outbox.event SET parked_at = now(), attempts = 5, last_error = 'x' WHERE aggregate_id = 'parked';
UPDATE outbox.event SET attempts = 5, last_error = 'x' WHERE aggregate_id = 'unparked';

SELECT set_eq($$SELECT aggregate_id, status FROM outbox.event_status WHERE event_type = 'order.created'$$,
    $$VALUES ('sent', 'sent'), ('sent long ago', 'sent'), ('pending', 'pending'), ('scheduled', 'scheduled'),
             ('due', 'pending'), ('retrying', 'retrying'), ('deferred', 'pending'), ('parked', 'parked'), ('unparked', 'pending')$$,
    'status');
SELECT is(age, interval '10 minutes', 'age of an event that waits') FROM outbox.event_status
WHERE (aggregate_id, event_type) = ('pending', 'order.created');
SELECT is(delay, NULL, 'which has no delay yet') FROM outbox.event_status
WHERE (aggregate_id, event_type) = ('pending', 'order.created');
SELECT row_eq($$SELECT age, delay FROM outbox.event_status WHERE aggregate_id = 'sent'$$,
    ROW(NULL::interval, interval '570 seconds'), 'delay of an event that is sent');
SELECT is((SELECT attname::text FROM pg_attribute WHERE attrelid = 'outbox.event_status'::regclass ORDER BY attnum DESC LIMIT 1),
    'data', 'the payload is the last column');

SELECT bag_eq($$SELECT aggregate_id FROM outbox.pending$$,
    ARRAY['pending', 'scheduled', 'due', 'retrying', 'deferred', 'unparked', 'pending'], 'what is pending');
SELECT row_eq($$SELECT * FROM outbox.lag WHERE event_type = 'order.created'$$,
    ROW('order.created'::text, 3::bigint, 1::bigint, 2::bigint, 1::bigint, interval '10 minutes', 1::bigint, interval '570 seconds',
        0::bigint, true), 'lag');
SELECT row_eq($$SELECT * FROM outbox.lag WHERE event_type = 'user.registered'$$,
    ROW('user.registered'::text, 1::bigint, 0::bigint, 0::bigint, 0::bigint, interval '1 hour', 0::bigint, NULL::interval,
        0::bigint, true),
    'lag of another type');

-- What the floor has passed is looked for in the indexes only.
UPDATE outbox.state SET floor = (SELECT max(id) FROM outbox.event);
SELECT bag_eq($$SELECT aggregate_id FROM outbox.pending$$, ARRAY['scheduled', 'due', 'retrying', 'deferred'], 'above the floor');
UPDATE outbox.state SET floor = floor + 10000;
SELECT row_eq($$SELECT pending, scheduled, retrying, parked, sent_last_minute FROM outbox.lag$$,
    ROW(1::bigint, 1::bigint, 2::bigint, 1::bigint, 0::bigint), 'lag does not read history');

-- An occurred_at that is refused now may be there from before: in each state there is one at either end of time.
TRUNCATE outbox.event;
UPDATE outbox.state SET floor = 0;
INSERT INTO outbox.event (event_type, aggregate_id, data)
SELECT 'order.created', way, '{}' FROM unnest(ARRAY['pending', 'due', 'retrying', 'waiting', 'parked', 'sent']) AS way, generate_series(1, 2);
UPDATE outbox.event SET due_at = now() WHERE aggregate_id = 'due';
UPDATE outbox.event SET due_at = now() + interval '1 hour', attempts = 2, last_error = 'x' WHERE aggregate_id = 'retrying';
UPDATE outbox.event SET due_at = 'infinity', last_error = 'paused' WHERE aggregate_id = 'waiting';
UPDATE outbox.event SET parked_at = now(), last_error = 'x' WHERE aggregate_id = 'parked';
UPDATE outbox.event SET sent_at = now(), message_id = 'm' WHERE aggregate_id = 'sent';
UPDATE outbox.event SET occurred_at = CASE WHEN id % 2 = 0 THEN timestamptz '-infinity' ELSE 'infinity' END;
SELECT lives_ok(format('SELECT * FROM outbox.%s', source), source || ' can be read')
FROM unnest(ARRAY['event_status', 'pending', 'parked', 'waiting', 'lag', 'backlog()', 'report()']) AS source;
SELECT is((SELECT count(*) FROM outbox.event_status WHERE num_nulls(age, delay) = 2), 12::bigint, 'without age and delay');
SELECT row_eq('SELECT pending, retrying, waiting, parked, oldest_pending, sent_last_minute, mean_delay FROM outbox.lag',
    ROW(4::bigint, 2::bigint, 2::bigint, 2::bigint, NULL::interval, 2::bigint, NULL::interval), 'all are counted');
SELECT row_eq('SELECT * FROM outbox.waiting', ROW('paused'::text, 2::bigint, NULL::interval, true), 'what waits too');
SELECT is(outbox.report() #>> '{totals,oldest_pending_seconds}', NULL, 'the report knows no age');
UPDATE outbox.event SET occurred_at = now() - interval '1 hour' WHERE id IN (SELECT min(id) FROM outbox.event GROUP BY aggregate_id);
UPDATE outbox.event SET occurred_at = now() - interval '2 hours' WHERE id = (SELECT min(id) FROM outbox.event WHERE aggregate_id = 'due');
SELECT row_eq('SELECT pending, oldest_pending, sent_last_minute, mean_delay FROM outbox.lag',
    ROW(4::bigint, interval '2 hours', 2::bigint, interval '1 hour'), 'nor do they hide that of others');
SELECT is((SELECT oldest FROM outbox.waiting), interval '1 hour', 'that wait');

-- What is far off, though finite: thousands of such add up to more than an interval can hold.
UPDATE outbox.event SET occurred_at = CASE WHEN id % 2 = 0 THEN timestamptz '4714-11-24 00:00:00+00 BC' ELSE '294276-12-31 23:59:59+00' END;
SELECT lives_ok(format('SELECT * FROM outbox.%s', source), source || ' can be read')
FROM unnest(ARRAY['lag', 'report()']) AS source;
INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at, sent_at)
SELECT 'order.far', 'o', '{}', far, now() FROM unnest(ARRAY['9999-12-31 00:00:00+00', '0001-01-01 00:00:00+00']::timestamptz[]) AS far,
     generate_series(1, CASE WHEN far > now() THEN 3000 ELSE 1000 END);
INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at, sent_at)
SELECT 'order.far', 'o', '{}', now() - interval '7 seconds', now() FROM generate_series(1, 10);
SELECT row_eq($$SELECT sent_last_minute, mean_delay FROM outbox.lag WHERE event_type = 'order.far'$$, ROW(4010::bigint, interval '7 seconds'),
    'the mean is of the others');
SELECT lives_ok('SELECT outbox.report()', 'report() can be read');

SELECT * FROM finish();
ROLLBACK;
