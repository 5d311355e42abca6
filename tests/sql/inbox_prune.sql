-- SPDX-License-Identifier: Apache-2.0
-- inbox.prune: what it forgets, what it refuses, and how it finds it.
SELECT plan(34);

CREATE FUNCTION remember(consumer text, age interval, count integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO inbox.processed_event (consumer, event_id, processed_at)
    SELECT consumer, gen_random_uuid(), now() - age - n * interval '1 second' FROM generate_series(1, count) AS n
$$;
CREATE FUNCTION remembered() RETURNS integer LANGUAGE sql AS 'SELECT count(*)::integer FROM inbox.processed_event';

SELECT is(inbox.prune(), 0::bigint, 'an empty table');
SELECT remember('old', '31 days', 25), remember('young', '29 days', 10), remember('new', '0', 10);
SELECT is(inbox.prune(most => 10), 10::bigint, 'as many as asked for');
SELECT is((SELECT min(age(now(), processed_at)) > interval '0' AND max(now() - processed_at) < interval '31 days 16 seconds'
           FROM inbox.processed_event), true, 'the oldest ones');
SELECT is(inbox.prune(most => 10), 10::bigint, 'the next ones');
SELECT is(inbox.prune(most => 10), 5::bigint, 'the rest');
SELECT is(inbox.prune(most => 10), 0::bigint, 'then none');
SELECT is(remembered(), 20, 'the younger ones stay');
SELECT is(inbox.prune('15 days'), 10::bigint, 'another age');
SELECT is(inbox.prune('1 hour', force => true), 0::bigint, 'a short one, by force');
SELECT is(inbox.prune('0', force => true), 10::bigint, 'all, by force');
SELECT is(remembered(), 0, 'and none is left');

SELECT is(inbox.first_time('billing', '11111111-1111-4111-8111-111111111111'), true, 'the first time');
SELECT is(inbox.prune('0', force => true), 1::bigint, 'forgotten');
SELECT is(inbox.first_time('billing', '11111111-1111-4111-8111-111111111111'), true, 'the first time again');

BEGIN;
SELECT inbox.prune('0', force => true);
ROLLBACK;
SELECT is(remembered(), 1, 'rolled back, nothing is forgotten');

CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLERRM || ' | ' || hint;
END $$;

SELECT is(pg_temp.outcome($$SELECT inbox.prune('7 days')$$),
    'older_than "7 days" is refused: SQS keeps a message for up to 14 days, and an event that comes when its row is gone takes '
    'effect again, so it must be 15 days at least | Take 30 days: 14 in a queue, 14 in its dead-letter queue. '
    'Where no queue keeps messages for so long, pass force => true, or call outbox-relay prune force --inbox.', 'a short age is refused');
SELECT alike(pg_temp.outcome('SELECT inbox.prune(' || arguments || ')'), pattern || '%', arguments)
FROM (VALUES
    ($$'14 days 23:59:59'$$, 'older_than "14 days 23:59:59" is refused: SQS'),
    ($$'15 days'$$, 'done'),
    ($$'1 month'$$, 'done'),
    ($$'3650 days'$$, 'done'),
    ($$'11 years', force => true$$, 'older_than "11 years" is refused: it must be from 0 to 3650 days'),
    ($$'-1 day'$$, 'older_than "-1 days" is refused: it must be from 0'),
    ($$'-1 day', force => true$$, 'older_than "-1 days" is refused: it must be from 0'),
    ($$NULL$$, 'older_than "NULL" is refused: it must be from 0'),
    ($$'7 days', force => false$$, 'older_than "7 days" is refused: SQS'),
    ($$'7 days', force => NULL$$, 'older_than "7 days" is refused: SQS'),
    ($$most => 0$$, 'most "0" is refused: it must be 1 to 100000'),
    ($$most => 100001$$, 'most "100001" is refused'),
    ($$most => NULL$$, 'most "NULL" is refused')) AS c(arguments, pattern);

-- How much it reads does not depend on how much is there, whatever the statistics say.
SELECT remember('bulk', '1 hour', 60000), remember('old', '40 days', 20);
CREATE FUNCTION rows_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
    reads CONSTANT text := $r$SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
                              WHERE relid = 'inbox.processed_event'::regclass$r$;
BEGIN
    EXECUTE reads INTO before;
    EXECUTE statement;
    EXECUTE reads INTO after;
    RETURN after - before;
END $$;
SELECT cmp_ok(rows_read('SELECT inbox.prune(most => 5)'), '<', 50::bigint, 'it reads what it deletes, without statistics');
ANALYZE inbox.processed_event;
SELECT cmp_ok(rows_read('SELECT inbox.prune(most => 5)'), '<', 50::bigint, 'with statistics');
DELETE FROM inbox.processed_event WHERE consumer = 'bulk';
VACUUM ANALYZE inbox.processed_event;
SELECT remember('bulk', '1 hour', 60000);
SELECT cmp_ok(rows_read('SELECT inbox.prune(most => 5)'), '<', 50::bigint, 'with those of a small table');
SELECT is((SELECT count(*)::integer FROM inbox.processed_event WHERE consumer = 'old'), 5, 'and deletes it');
SELECT cmp_ok(rows_read('SELECT count(*) FROM inbox.processed_event'), '>', 50000::bigint, 'reading all of it would be seen');

SELECT * FROM finish();
