-- SPDX-License-Identifier: Apache-2.0
-- inbox.first_time and its rules. (What two transactions do to each other: tests/system/inbox_test.sh.)
SELECT plan(39);

SELECT '11111111-1111-4111-8111-111111111111'::uuid AS one, '22222222-2222-4222-8222-222222222222'::uuid AS two \gset

SELECT is(inbox.first_time('billing', :'one'), true, 'the first time');
SELECT is(inbox.first_time('billing', :'one'), false, 'not the second');
SELECT is(inbox.first_time('billing', :'one'), false, 'nor the third');
SELECT is(inbox.first_time('shipping', :'one'), true, 'another consumer has its own first time');
SELECT is(inbox.first_time('Billing', :'one'), true, 'names differ by case too');
SELECT is(inbox.first_time('billing', :'two'), true, 'another event');
SELECT is((SELECT count(*)::integer FROM inbox.processed_event), 4, 'a row for each');
SELECT is((SELECT count(*)::integer FROM inbox.processed_event
           WHERE processed_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp()), 4, 'with the time');

-- In the caller's transaction.
BEGIN;
SELECT is(inbox.first_time('rolled back', :'one'), true, 'the first time, in a transaction');
SELECT is(inbox.first_time('rolled back', :'one'), false, 'not again in the same');
ROLLBACK;
SELECT is(inbox.first_time('rolled back', :'one'), true, 'rolled back, it is the first time again');

BEGIN;
SAVEPOINT s;
SELECT is(inbox.first_time('savepoint', :'one'), true, 'the first time, in a subtransaction');
ROLLBACK TO s;
SELECT is(inbox.first_time('savepoint', :'one'), true, 'rolled back to the savepoint, it is the first time again');
COMMIT;
SELECT is(inbox.first_time('savepoint', :'one'), false, 'committed, it is not');

BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is(inbox.first_time('serializable', :'one'), true, 'serializable: the first time');
SELECT is(inbox.first_time('serializable', :'one'), false, 'serializable: not again');
COMMIT;

BEGIN READ ONLY;
SELECT throws_ok($$SELECT inbox.first_time('reader', gen_random_uuid())$$, '25006', NULL, 'a read-only transaction is told so');
ROLLBACK;

-- As the whole of a condition.
CREATE TABLE effect (n integer);
INSERT INTO effect SELECT 1 WHERE inbox.first_time('condition', :'one');
INSERT INTO effect SELECT 1 WHERE inbox.first_time('condition', :'one');
SELECT is((SELECT count(*)::integer FROM effect), 1, 'as a condition, the effect happens once');

-- What is wrong is said.
CREATE FUNCTION pg_temp.outcome(consumer text, event_id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    RETURN inbox.first_time(consumer, event_id)::text;
EXCEPTION WHEN not_null_violation OR check_violation THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLERRM || ' | ' || hint;
END $$;

SELECT is(pg_temp.outcome(NULL, :'one'), 'inbox.first_time: consumer is NULL | consumer is a name of your choice for what '
    'processes the event; event_id is "eventId" in the message, "event-id" in its attributes.', 'no consumer');
SELECT alike(pg_temp.outcome('billing', NULL), 'inbox.first_time: event_id is NULL | %', 'no event');
SELECT alike(pg_temp.outcome(NULL, NULL), 'inbox.first_time: consumer is NULL | %', 'neither');
SELECT is(pg_temp.outcome('', :'one'), 'consumer "" is refused: it must be 1 to 128 characters without control characters | '
    'Name what the effect belongs to, like billing; all instances of a service use one name.', 'an empty name');
SELECT alike(pg_temp.outcome(repeat('x', 129), :'one'), 'consumer "xxx%' || repeat('x', 120) || '" is refused: %', 'a long name');
SELECT alike(pg_temp.outcome(E'billing\n', :'one'), 'consumer "billing\\n" is refused: %', 'a line break');
SELECT alike(pg_temp.outcome(E'\x01', :'one'), 'consumer "\\u0001" is refused: %', 'a control character');
SELECT alike(pg_temp.outcome(E'a\x7f', :'one'), 'consumer "a%" is refused: %', 'and another');
SELECT is(pg_temp.outcome(name, :'one'), 'true', 'a name like ' || left(name, 20))
FROM unnest(ARRAY[repeat('x', 128), repeat(chr(8364), 128), 'arn:aws:sqs:eu-central-1:123456789012:orders.fifo', 'b', 'a b', '%_\''"$$']) AS name;
SELECT throws_ok($$SELECT inbox.first_time('billing', 'order-1')$$, '22P02', NULL, 'an id that is no UUID');
SELECT throws_like($$INSERT INTO inbox.processed_event (consumer, event_id) VALUES ('', gen_random_uuid())$$, 'consumer "" is refused: %',
    'the table has the same rule');
SELECT is((SELECT count(*)::integer FROM pg_stat_user_indexes WHERE relid = 'inbox.processed_event'::regclass), 2, 'two indexes');

-- The view for whoever looks.
BEGIN;
DELETE FROM inbox.processed_event;
INSERT INTO inbox.processed_event (consumer, event_id, processed_at)
SELECT c.consumer, gen_random_uuid(), now() - c.age
FROM (VALUES ('billing', interval '30 seconds'), ('billing', interval '10 minutes'), ('billing', interval '2 days'),
             ('shipping', interval '5 minutes')) AS c(consumer, age);
SELECT results_eq('SELECT consumer, events, now() - first, now() - last, last_minute, last_hour FROM inbox.consumer',
    $$VALUES ('billing', 3::bigint, interval '2 days', interval '30 seconds', 1::bigint, 2::bigint),
             ('shipping', 1, interval '5 minutes', interval '5 minutes', 0, 1)$$, 'the view counts per consumer');
DELETE FROM inbox.processed_event;
SELECT is_empty('SELECT * FROM inbox.consumer', 'it is empty when nothing is remembered');
ROLLBACK;

-- The caller's search path does not matter, and cannot deceive.
CREATE SCHEMA evil;
CREATE FUNCTION evil.char_length(text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION evil.smaller(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.<= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.smaller);
CREATE TABLE evil.processed_event (consumer text, event_id uuid);
SET search_path = evil, pg_catalog, public;
SELECT public.is(inbox.first_time('billing', :'one'), false, 'another search path does not matter');
SELECT public.throws_like(format('SELECT inbox.first_time(%L, %L)', repeat('x', 129), :'one'), 'consumer "x%', 'nor for the rule');
RESET search_path;

SELECT * FROM finish();
