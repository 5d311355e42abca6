-- SPDX-License-Identifier: Apache-2.0
-- Who may do what in schema inbox.
BEGIN;
SELECT plan(30);

SELECT inbox.first_time('billing', '11111111-1111-4111-8111-111111111111');

CREATE FUNCTION pg_temp.outcome(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE statement;
    RESET ROLE;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION pg_temp.may(role name, statement text) RETURNS text LANGUAGE sql AS
    $$SELECT is(pg_temp.outcome(role, statement), 'done', role || ' may ' || statement)$$;
CREATE FUNCTION pg_temp.may_not(role name, statement text) RETURNS text LANGUAGE sql AS
    $$SELECT alike(pg_temp.outcome(role, statement), '42501 permission denied%', role || ' may not ' || statement)$$;

SELECT pg_temp.may('inbox_consumer', statement) FROM unnest(ARRAY[
    'SELECT inbox.first_time(''billing'', gen_random_uuid())',
    'SELECT inbox.first_time(''billing'', ''11111111-1111-4111-8111-111111111111'')',
    'INSERT INTO inbox.processed_event (consumer, event_id) VALUES (''billing'', gen_random_uuid()) ON CONFLICT DO NOTHING RETURNING event_id',
    'SELECT * FROM inbox.processed_event', 'SELECT version FROM inbox.migration']) AS statement;
SELECT alike(pg_temp.outcome('inbox_consumer', 'SELECT inbox.first_time('''', gen_random_uuid())'), '23514 consumer "" is refused: %',
    'inbox_consumer is told why not');
SELECT pg_temp.may_not('inbox_consumer', statement) FROM unnest(ARRAY[
    'INSERT INTO inbox.processed_event (consumer, event_id, processed_at) VALUES (''billing'', gen_random_uuid(), now())',
    'UPDATE inbox.processed_event SET consumer = consumer', 'DELETE FROM inbox.processed_event', 'TRUNCATE inbox.processed_event',
    'SELECT inbox.prune()', 'SELECT * FROM inbox.consumer', 'DELETE FROM inbox.migration', 'CREATE TABLE inbox.mine ()']) AS statement;

SELECT pg_temp.may('inbox_operator', statement) FROM unnest(ARRAY[
    'SELECT inbox.prune()', 'SELECT * FROM inbox.consumer', 'SELECT * FROM inbox.processed_event',
    'DELETE FROM inbox.processed_event WHERE consumer = ''gone''', 'SELECT version FROM inbox.migration']) AS statement;
SELECT pg_temp.may_not('inbox_operator', statement) FROM unnest(ARRAY[
    'SELECT inbox.first_time(''billing'', gen_random_uuid())',
    'INSERT INTO inbox.processed_event (consumer, event_id) VALUES (''billing'', gen_random_uuid())',
    'UPDATE inbox.processed_event SET processed_at = now()', 'TRUNCATE inbox.processed_event', 'DELETE FROM inbox.migration']) AS statement;

CREATE ROLE stranger;
SELECT pg_temp.may_not('stranger', 'SELECT inbox.first_time(''billing'', gen_random_uuid())');
GRANT USAGE ON SCHEMA inbox TO stranger;
SELECT pg_temp.may_not('stranger', 'SELECT inbox.first_time(''billing'', gen_random_uuid())');
SELECT pg_temp.may_not('stranger', 'SELECT inbox.prune()');

SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'inbox'::regnamespace
      AND p.proname NOT IN ('refuse', 'check_consumer') AND has_function_privilege('public', p.oid, 'EXECUTE')$$,
    'PUBLIC may call nothing but what checks');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'inbox'::regnamespace
      AND p.proname NOT IN ('check_consumer', 'first_time')
      AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']$$,
    'a search path cannot deceive the other functions');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'inbox'::regnamespace AND p.prosecdef$$,
    'everything runs with the caller''s rights');

SELECT * FROM finish();
ROLLBACK;
