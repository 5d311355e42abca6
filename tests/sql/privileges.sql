-- SPDX-License-Identifier: Apache-2.0
-- Who may do what.
BEGIN;
SELECT plan(82);

INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('order.created', 'order-1', '{}');

-- may(ROLE, STATEMENT): the role can do it. may_not: PostgreSQL refuses it for want of a privilege.
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
    $$SELECT is(pg_temp.outcome(role, statement), 'done', role || ' may ' || regexp_replace(statement, '\s+', ' ', 'g'))$$;
CREATE FUNCTION pg_temp.may_not(role name, statement text) RETURNS text LANGUAGE sql AS
    $$SELECT alike(pg_temp.outcome(role, statement), '42501 permission denied%', role || ' may not ' || regexp_replace(statement, '\s+', ' ', 'g'))$$;

SELECT pg_temp.may('outbox_writer', statement) FROM unnest(ARRAY[
    $$INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}') RETURNING id, event_id$$,
    $$INSERT INTO outbox.event (event_id, event_type, event_version, aggregate_id, data, metadata, occurred_at, due_at)
      VALUES (gen_random_uuid(), 'a', '1', 'b', '{}', '{}', now(), now())$$,
    $$SELECT outbox.publish('a', 'b', '{}')$$]) AS statement;
SELECT pg_temp.may_not('outbox_writer', statement) FROM unnest(ARRAY[
    $$INSERT INTO outbox.event (event_type, aggregate_id, data, sent_at) VALUES ('a', 'b', '{}', now())$$,
    $$INSERT INTO outbox.event (id, event_type, aggregate_id, data) OVERRIDING SYSTEM VALUE VALUES (7, 'a', 'b', '{}')$$,
    'SELECT data FROM outbox.event', 'UPDATE outbox.event SET data = data', 'UPDATE outbox.event SET sent_at = NULL',
    'DELETE FROM outbox.event', 'TRUNCATE outbox.event', $$SELECT nextval('outbox.event_id_seq')$$,
    'SELECT floor FROM outbox.state', 'SELECT outbox.unroute(''**'')', 'SELECT outbox.retry(1)', 'SELECT outbox.retry(''**'')',
    'SELECT outbox.park(1)', 'SELECT outbox.pause(''t'')', 'SELECT outbox.resume(''t'')', 'SELECT outbox.report()',
    'SELECT * FROM outbox.lag', 'SELECT * FROM outbox.blockers', 'SELECT outbox.prune(''7 days'')']) AS statement;

SELECT pg_temp.may('outbox_relay', statement) FROM unnest(ARRAY[
    'SELECT * FROM outbox.event WHERE id > 0 ORDER BY id LIMIT 10 FOR NO KEY UPDATE SKIP LOCKED',
    $$UPDATE outbox.event SET due_at = NULL, attempts = 1, last_error = 'x', parked_at = NULL, sent_at = now(), message_id = 'm'$$,
    'UPDATE outbox.state SET floor = 1, floor_moved_at = now()', 'SELECT floor FROM outbox.state FOR UPDATE',
    'SELECT pattern FROM outbox.topic_route', 'SELECT version FROM outbox.migration', 'SELECT last_value FROM outbox.event_id_seq',
    'SELECT * FROM outbox.pending', 'SELECT * FROM outbox.parked', 'SELECT outbox.topic_of(''a'')',
    'SELECT outbox.retry(1)', 'SELECT outbox.retry(''**'')', 'SELECT outbox.park(1, ''x'')', 'SELECT outbox.park(ARRAY[1::bigint])',
    'SELECT outbox.pause(''arn:aws:sns:eu-central-1:123456789012:t'', ''x'')',
    'SELECT outbox.pause(''arn:aws:sns:eu-central-1:123456789012:t'')',
    'SELECT outbox.resume(''arn:aws:sns:eu-central-1:123456789012:t'')', 'SELECT * FROM outbox.backlog()', 'SELECT * FROM outbox.lag',
    'SELECT * FROM outbox.waiting', 'SELECT * FROM outbox.relays', 'SELECT * FROM outbox.blockers', 'SELECT outbox.report()',
    'SELECT outbox.prune(''7 days'')', 'SELECT outbox.prune_step(''7 days'', 0, 10)', 'SELECT * FROM outbox.pruning']) AS statement;
SELECT pg_temp.may_not('outbox_relay', statement) FROM unnest(ARRAY[
    'UPDATE outbox.event SET data = data', 'UPDATE outbox.event SET event_id = event_id', 'DELETE FROM outbox.event',
    $$INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}')$$,
    'UPDATE outbox.state SET id = true', 'DELETE FROM outbox.state', 'SELECT outbox.unroute(''**'')',
    'UPDATE outbox.paused_topic SET reason = NULL', 'TRUNCATE outbox.paused_topic', 'UPDATE outbox.pruning SET pruned_to = 0',
    'SELECT outbox.prune_range(0, 1, now())']) AS statement;

SELECT pg_temp.may('outbox_reader', statement) FROM unnest(ARRAY[
    'SELECT * FROM outbox.event_status', 'SELECT * FROM outbox.lag', 'SELECT * FROM outbox.parked', 'SELECT * FROM outbox.paused_topic',
    'SELECT outbox.topic_of(''a'')', 'SELECT * FROM outbox.backlog()', 'SELECT * FROM outbox.waiting', 'SELECT * FROM outbox.relays',
    'SELECT * FROM outbox.blockers', 'SELECT outbox.report()']) AS statement;
SELECT pg_temp.may_not('outbox_reader', statement) FROM unnest(ARRAY[
    'SELECT * FROM outbox.event FOR UPDATE', 'UPDATE outbox.event SET sent_at = NULL',
    $$SELECT outbox.publish('a', 'b', '{}')$$, 'SELECT outbox.retry(1)', 'SELECT outbox.retry(''**'')', 'SELECT outbox.park(1)',
    'SELECT outbox.pause(''t'')', 'SELECT outbox.resume(''t'')', 'SELECT outbox.prune(''7 days'')',
    'SELECT outbox.prune_step(''7 days'', 0, 10)']) AS statement;

SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'outbox'::regnamespace
      AND p.proname NOT IN ('refuse', 'check_pattern', 'check_topic_arn')
      AND has_function_privilege('public', p.oid, 'EXECUTE')$$, 'PUBLIC may call nothing but what checks');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'outbox'::regnamespace
      AND p.proname NOT IN ('check_event', 'wake_up', 'publish')
      AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']$$,
    'a search path cannot deceive the other functions');
SELECT is_empty(
    $$SELECT c.oid::regclass FROM pg_class AS c, aclexplode(c.relacl) AS granted
      WHERE c.relnamespace = 'outbox'::regnamespace AND granted.grantee = 0$$, 'PUBLIC may do nothing with the tables');

SELECT * FROM finish();
ROLLBACK;
