-- SPDX-License-Identifier: Apache-2.0
-- The views that show how things stand.
BEGIN;
SELECT plan(10);

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

SELECT * FROM finish();
ROLLBACK;
