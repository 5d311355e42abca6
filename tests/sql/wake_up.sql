-- SPDX-License-Identifier: Apache-2.0
-- The wake-up: a relay that sleeps is notified, one that is awake is not. Two more sessions play relay and writer.
SELECT plan(27);

SELECT format('host=%s port=%s user=%s dbname=%s', :'HOST', :'PORT', :'USER', :'DBNAME') AS server \gset
CREATE TEMP TABLE session AS SELECT dblink_connect('relay', :'server') AS relay, dblink_connect('writer', :'server') AS writer;

CREATE FUNCTION pg_temp.asks(session text, question text) RETURNS text LANGUAGE sql AS
    $$SELECT answer FROM dblink(session, question) AS t(answer text)$$;
-- What the relay has heard. The statement makes its session deliver what came in before.
CREATE FUNCTION pg_temp.heard() RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.asks('relay', 'SELECT 1');
    RETURN ARRAY(SELECT extra FROM dblink_get_notify('relay') WHERE notify_name = 'outbox_relay');
END $$;
CREATE TEMP TABLE listening AS SELECT dblink_exec('relay', 'LISTEN outbox_relay');

\set add 'INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES (\'a\', \'b\', \'{}\')'
\set try_to_sleep 'SELECT pg_try_advisory_lock(1869968482, 1)::text'

:add;
SELECT is(pg_temp.heard(), '{}', 'a relay that is awake is not notified');

SELECT is(dblink_exec('writer', 'BEGIN'), 'BEGIN', 'a transaction');
SELECT is(dblink_exec('writer', :'add'), 'INSERT 0 1', 'that has inserted an event');
SELECT is(pg_temp.asks('relay', :'try_to_sleep'), 'false', 'keeps the relay awake');
SELECT is(dblink_exec('writer', 'COMMIT'), 'COMMIT', 'until it ends');
SELECT is(pg_temp.asks('relay', :'try_to_sleep'), 'true', 'then the relay can sleep');

:add;
SELECT is(pg_temp.heard(), '{event}', 'a relay that sleeps is notified');
BEGIN;
:add;
:add;
COMMIT;
SELECT is(pg_temp.heard(), '{event}', 'once a transaction');
BEGIN;
:add;
ROLLBACK;
SELECT is(pg_temp.heard(), '{}', 'not of what is rolled back');
COPY outbox.event (event_type, aggregate_id, data) FROM STDIN;
a	b	{}
\.
SELECT is(pg_temp.heard(), '{event}', 'of COPY too');

DO $$ BEGIN PERFORM outbox.route('**', 'arn:aws:sns:eu-central-1:123456789012:t'); END $$;
SELECT is(pg_temp.heard(), '{routes}', 'of a new route');
DO $$ BEGIN PERFORM outbox.unroute('**'); END $$;
SELECT is(pg_temp.heard(), '{routes}', 'of a removed route');

-- Two-phase commit.
SELECT is(dblink_exec('writer', 'BEGIN'), 'BEGIN', 'a transaction');
SELECT is(dblink_exec('writer', :'add'), 'INSERT 0 1', 'that has notified');
SELECT throws_ok($$SELECT dblink_exec('writer', 'PREPARE TRANSACTION ''outbox''')$$, '0A000', NULL, 'cannot be prepared');
SELECT is(outbox.set_wake_up(false), 'the wake-up is off: relays find events by polling (OUTBOX_POLL_INTERVAL)',
    'so the wake-up can be switched off');
BEGIN;
:add;
PREPARE TRANSACTION 'outbox';
COMMIT PREPARED 'outbox';
SELECT is(pg_temp.heard(), '{wake_up}', 'and a transaction be prepared, which notifies nobody; the switch itself does');
SELECT is(outbox.set_wake_up(true), 'the wake-up is on: writers notify a relay that sleeps', 'and on again');
:add;
SELECT is(pg_temp.heard(), '{wake_up,event}', 'and then the relay is notified, of the switch and of the event');

-- A transaction that stays open does not stop the others that insert: the switch gives up.
SELECT is(dblink_exec('writer', 'BEGIN'), 'BEGIN', 'a transaction');
SELECT is(dblink_exec('writer', :'add'), 'INSERT 0 1', 'that has inserted an event and stays open');
SELECT clock_timestamp() AS began \gset
SELECT throws_ok('SELECT outbox.set_wake_up(false)', '55P03', 'nothing is changed: transactions that insert events, or others '
    'that use outbox.event, have not ended within 2 seconds', 'is not waited for without limit');
SELECT cmp_ok(clock_timestamp() - :'began'::timestamptz, '<', interval '20 seconds', 'but for a short time');
SELECT is((SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = 'outbox.event'::regclass AND tgname = 'wake_up'), 'A',
    'nothing is changed');
SELECT is(dblink_exec('writer', 'COMMIT'), 'COMMIT', 'when it has ended');
SELECT is(outbox.set_wake_up(false), 'the wake-up is off: relays find events by polling (OUTBOX_POLL_INTERVAL)', 'it can be switched');
SELECT throws_ok('SELECT outbox.set_wake_up(NULL)', '22004', 'outbox.set_wake_up: enabled is NULL', 'on or off');

SELECT dblink_disconnect('relay') AS relay, dblink_disconnect('writer') AS writer \gset
SELECT * FROM finish();
