-- SPDX-License-Identifier: Apache-2.0
-- What people do by hand: retry, park, pause, resume, and the view that shows what is parked. Another session is the
-- relay that publishes meanwhile, and hears of it.
SELECT plan(66);

SELECT format('host=%s port=%s user=%s dbname=%s', :'HOST', :'PORT', :'USER', :'DBNAME') AS server \gset
SELECT dblink_connect('relay', :'server') AS relay, dblink_connect('person', :'server') AS person \gset
CREATE TEMP TABLE listening AS SELECT dblink_exec('relay', 'LISTEN outbox_relay');
CREATE FUNCTION pg_temp.heard() RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM answer FROM dblink('relay', 'SELECT 1') AS t(answer text);
    RETURN ARRAY(SELECT extra FROM dblink_get_notify('relay') WHERE notify_name = 'outbox_relay');
END $$;

-- One event in each state, named by its aggregate. What is as it was then, untouched() tells.
CREATE TABLE before AS SELECT * FROM outbox.event;
CREATE FUNCTION pg_temp.start_anew() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE outbox.event;
    ALTER SEQUENCE outbox.event_id_seq RESTART;
    INSERT INTO outbox.event (event_type, aggregate_id, data)
    SELECT 'order.created', way, '{}'
    FROM unnest(ARRAY['sent', 'pending', 'scheduled', 'due', 'put off', 'waiting', 'waiting after failure', 'parked']) AS way;
    UPDATE outbox.event SET sent_at = now(), message_id = 'm' WHERE aggregate_id = 'sent';
    UPDATE outbox.event SET due_at = now() + interval '1 hour' WHERE aggregate_id = 'scheduled';
    UPDATE outbox.event SET due_at = now() - interval '1 hour', attempts = 1, last_error = 'x' WHERE aggregate_id = 'due';
    UPDATE outbox.event SET due_at = now() + interval '1 hour', attempts = 2, last_error = 'x' WHERE aggregate_id = 'put off';
    UPDATE outbox.event SET due_at = 'infinity', last_error = 'no topic' WHERE aggregate_id = 'waiting';
    UPDATE outbox.event SET due_at = 'infinity', attempts = 3, last_error = 'paused' WHERE aggregate_id = 'waiting after failure';
    UPDATE outbox.event SET parked_at = now() - interval '1 day', attempts = 9, last_error = 'x' WHERE aggregate_id = 'parked';
    TRUNCATE before;
    INSERT INTO before SELECT * FROM outbox.event;
END $$;
CREATE FUNCTION pg_temp.id_of(way text) RETURNS bigint LANGUAGE sql AS
    $$SELECT id FROM outbox.event WHERE aggregate_id = way$$;
CREATE FUNCTION pg_temp.untouched() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(aggregate_id, ', ' ORDER BY id) FROM outbox.event
    WHERE (attempts, coalesce(due_at, '-infinity'), coalesce(parked_at, '-infinity'), coalesce(last_error, ''))
        = (SELECT b.attempts, coalesce(b.due_at, '-infinity'), coalesce(b.parked_at, '-infinity'), coalesce(b.last_error, '')
           FROM before AS b WHERE b.id = event.id) $$;
SELECT pg_temp.start_anew() \gset

-- The view.
SELECT row_eq($$SELECT aggregate_id, status, attempts, date_trunc('hour', parked_for) FROM outbox.parked$$,
    ROW('parked'::text, 'parked'::text, 9::smallint, interval '1 day'), 'the view parked has what is parked, and for how long');
SELECT is((SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'outbox.parked'::regclass AND attnum > 0),
    'parked_for'::text || (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
                     WHERE attrelid = 'outbox.event_status'::regclass AND attnum > 0),
    'and the columns of event_status');
UPDATE outbox.event SET sent_at = now() WHERE aggregate_id = 'parked';
SELECT is_empty('SELECT id FROM outbox.parked', 'but not what was found to be sent');
UPDATE outbox.event SET sent_at = NULL WHERE aggregate_id = 'parked';
SELECT set_eq($$SELECT aggregate_id, status FROM outbox.event_status WHERE due_at = 'infinity'$$,
    $$VALUES ('waiting', 'pending'), ('waiting after failure', 'retrying')$$, 'status of what waits');

-- Retry, by ids.
SELECT pg_temp.heard() AS heard \gset
SELECT is(outbox.retry(VARIADIC ARRAY(SELECT id FROM outbox.event) || 99 || 100::bigint),
    '2 events will be tried again: 1 was parked, 1 was put off; left alone: 1 is sent already, 2 are in line already, '
    '1 is scheduled by its writer, 2 wait for what their last_error says, 2 do not exist', 'retry of an event in each state');
SELECT is(pg_temp.heard(), '{event}', 'the relay is notified, once');
SELECT is(pg_temp.untouched(), 'sent, pending, scheduled, due, waiting, waiting after failure', 'the others are as they were');
SELECT row_eq($$SELECT attempts, due_at <= clock_timestamp(), parked_at, last_error, status FROM outbox.event_status WHERE aggregate_id = 'parked'$$,
    ROW(0::smallint, true, NULL::timestamptz, 'x'::text, 'pending'::text), 'a parked event is in line as if it had never failed');
SELECT row_eq($$SELECT attempts, due_at <= clock_timestamp(), parked_at, last_error, status FROM outbox.event_status WHERE aggregate_id = 'put off'$$,
    ROW(2::smallint, true, NULL::timestamptz, 'x'::text, 'retrying'::text), 'one that was put off is due');
SELECT is(outbox.retry(pg_temp.id_of('parked')), 'no event will be tried again; left alone: 1 is in line already', 'retry again');
SELECT is(pg_temp.heard(), '{}', 'nobody is notified when nothing changed');
SELECT pg_temp.start_anew() \gset
SELECT is(outbox.retry(pg_temp.id_of('parked'), pg_temp.id_of('parked')), '1 event will be tried again: 1 was parked', 'an id given twice');
SELECT is(outbox.retry(5, 1), '1 event will be tried again: 1 was put off; left alone: 1 is sent already', 'numbers are ids');
SELECT is(outbox.retry(NULL::bigint), 'no event will be tried again', 'NULL is no id');
SELECT is(outbox.retry(VARIADIC NULL::bigint[]), 'no event will be tried again', 'nor is a NULL array one');
SELECT throws_ok('SELECT outbox.retry(VARIADIC ARRAY(SELECT generate_series(1::bigint, 10001)))', '23514',
    'ids "(10001 ids)" is refused: there may be 10000 at most', 'too many ids');

-- Retry, by pattern.
SELECT pg_temp.start_anew() \gset
INSERT INTO outbox.event (event_type, aggregate_id, data, due_at)
SELECT type, 'more', '{}', now() + interval '1 hour' FROM unnest(ARRAY['order.line.added', 'orders.created', 'user.left']) AS type;
UPDATE outbox.event SET attempts = 1, last_error = 'x' WHERE aggregate_id = 'more';
SELECT is(outbox.retry('order.*'), '2 events will be tried again: 1 was parked, 1 was put off; left alone: 1 is in line already',
    'retry by a pattern: what has failed');
SELECT is(pg_temp.untouched(), 'sent, pending, scheduled, due, waiting, waiting after failure', 'the others are as they were');
SELECT is(outbox.retry('user.left'), '1 event will be tried again: 1 was put off', 'a literal pattern');
SELECT is(outbox.retry('order.**'), '1 event will be tried again: 1 was put off; left alone: 3 are in line already', '** takes more than *');
SELECT is(outbox.retry('no.such'), 'no event will be tried again', 'a pattern that nothing matches');

SELECT pg_temp.start_anew() \gset
INSERT INTO outbox.event (event_type, aggregate_id, data) SELECT 'order.created', 'more', '{}' FROM generate_series(1, 4);
UPDATE outbox.event SET parked_at = now(), last_error = 'x' WHERE aggregate_id = 'more';
SELECT is(outbox.retry('**', 3), '3 events will be tried again: 3 were parked; there may be more: call it again', 'a small step');
SELECT is((SELECT count(*)::integer FROM outbox.parked), 2, 'is small');
SELECT is(outbox.retry('**', 3), '3 events will be tried again: 2 were parked, 1 was put off; there may be more: call it again',
    'the next, parked ones first');
SELECT is(outbox.retry('**', 3), 'no event will be tried again; left alone: 3 are in line already', 'until all is done');

SELECT throws_ok(format('SELECT outbox.retry(%L)', refused), '23514', NULL, 'not pattern ' || refused)
FROM unnest(ARRAY['', 'Order.*', 'order.', '{1,2}']) AS refused;
SELECT throws_like('SELECT outbox.retry(NULL::text)', 'pattern "" is refused: it must be words%', 'not pattern NULL');
SELECT throws_ok($$SELECT outbox.retry('42')$$, '23514', 'pattern "42" is refused: no event type begins with a digit',
    'an id in quotes is recognised');
SELECT throws_ok(format('SELECT outbox.retry(''**'', %s)', refused), '23514',
    format('most "%s" is refused: it must be 1 to 10000', refused), 'not most ' || refused)
FROM unnest(ARRAY['0', '10001', 'NULL']) AS refused;

-- What is being published.
SELECT pg_temp.start_anew() \gset
SELECT dblink_exec('relay', 'BEGIN') AS begun \gset
SELECT id FROM dblink('relay', $$SELECT id FROM outbox.event WHERE due_at <= now() FOR NO KEY UPDATE SKIP LOCKED$$) AS t(id bigint) \gset
SELECT is(outbox.retry('**'), '2 events will be tried again: 1 was parked, 1 was put off; left alone: 1 is being published',
    'a pattern passes over what is being published');
SELECT is(dblink_send_query('person', format('SELECT outbox.retry(%s, 1)', :id)), 1, 'an id');
SELECT pg_sleep(0.2) AS slept \gset
SELECT is(dblink_is_busy('person'), 1, 'is waited for');
SELECT dblink_exec('relay', format('UPDATE outbox.event SET sent_at = now(), due_at = NULL WHERE id = %s', :id)) AS marked \gset
SELECT dblink_exec('relay', 'COMMIT') AS committed \gset
SELECT is((SELECT answer FROM dblink_get_result('person') AS t(answer text)),
    'no event will be tried again; left alone: 2 are sent already', 'and is sent then');
CREATE TEMP TABLE the_end AS SELECT answer FROM dblink_get_result('person') AS t(answer text);
SELECT pg_temp.heard() AS heard \gset

-- Park.
SELECT pg_temp.start_anew() \gset
SELECT is(outbox.park(ARRAY(SELECT id FROM outbox.event) || 99::bigint, 'poison'),
    '6 events are parked; left alone: 1 is sent already, 1 was parked before, 1 does not exist', 'park of an event in each state');
SELECT is(pg_temp.heard(), '{held}', 'the relay is notified, once');
SELECT is(pg_temp.untouched(), 'sent, parked', 'the others are as they were');
SELECT is_empty($$SELECT aggregate_id FROM outbox.event_status WHERE aggregate_id <> 'sent' AND (status <> 'parked' OR due_at IS NOT NULL)$$,
    'those are parked');
SELECT is((SELECT attempts || ', ' || last_error FROM outbox.event WHERE aggregate_id = 'put off'),
    '2, parked by ' || session_user || ': poison', 'last_error says who did it, and why');
SELECT is(outbox.park(1), 'no event is parked; left alone: 1 is sent already', 'a single id');
SELECT is(pg_temp.heard(), '{}', 'nobody is notified when nothing changed');
SELECT is(outbox.retry('**'), '7 events will be tried again: 7 were parked', 'retry brings them back');
SELECT is(outbox.park(pg_temp.id_of('pending')), '1 event is parked', 'without a reason');
SELECT is((SELECT last_error FROM outbox.event WHERE aggregate_id = 'pending'), 'parked by ' || session_user, 'it says who');
SELECT is(outbox.park(pg_temp.id_of('due'), ''), '1 event is parked', 'an empty reason is none');
SELECT is(outbox.park(NULL::bigint), 'no event is parked', 'NULL is no id');
SELECT throws_ok($$SELECT outbox.park(2, E'two\nlines')$$, '23514',
    'reason "two\nlines" is refused: it must be 500 bytes at most, without control characters', 'a reason of two lines');
SELECT throws_like($$SELECT outbox.park(2, repeat('x', 501))$$, 'reason "xxx%" is refused%', 'a reason that is too long');
SELECT throws_like('SELECT outbox.park(ARRAY(SELECT generate_series(1::bigint, 10001)))', 'ids "(10001 ids)" is refused%', 'too many ids');

-- Pause and resume.
\set topic arn:aws:sns:eu-central-1:123456789012:orders.fifo
SELECT outbox.route('order.**', :'topic') AS route \gset
SELECT pg_temp.heard() AS heard \gset
SELECT is(outbox.pause(:'topic', 'moving'), :'topic' || ' is paused', 'a topic is paused');
SELECT is(pg_temp.heard(), '{routes}', 'the relay is notified');
SELECT is((SELECT concat_ws(' ', topic_arn, reason, paused_by) FROM outbox.paused_topic), concat_ws(' ', :'topic', 'moving', session_user),
    'the table says so, by whom, and why');
SELECT matches(outbox.pause(:'topic', 'again'),
    '^' || :'topic' || ' is paused already \(since 20..-..-..T..:..:..Z, by ' || session_user || ': moving\)$', 'once is enough');
SELECT matches(outbox.resume(:'topic'),
    '^' || :'topic' || ' is no longer paused \(since 20..-..-..T..:..:..Z, by ' || session_user || ': moving\)$', 'it is resumed');
SELECT is(outbox.resume(:'topic'), :'topic' || ' is not paused', 'once');
SELECT is_empty('SELECT topic_arn FROM outbox.paused_topic', 'no topic is paused');
SELECT is(outbox.pause('arn:aws:sns:eu-central-1:123456789012:odrers'), 'arn:aws:sns:eu-central-1:123456789012:odrers is paused; '
    'no route goes there, at most a relay''s OUTBOX_TOPIC_ARN or OUTBOX_TOPIC_ARN_PREFIX', 'one that no route names');
SELECT throws_ok(statement, '23514', 'topic_arn "orders" is refused: it must be the ARN of an SNS topic', statement)
FROM unnest(ARRAY[$$SELECT outbox.pause('orders')$$, $$SELECT outbox.resume('orders')$$,
                  $$INSERT INTO outbox.paused_topic (topic_arn) VALUES ('orders')$$]) AS statement;
SELECT throws_like('SELECT outbox.pause(NULL)', 'topic_arn "" is refused%', 'NULL is no topic');
SELECT throws_like(format('SELECT outbox.pause(%L, repeat(''x'', 501))', :'topic'), 'reason "xxx%" is refused%', 'a reason that is too long');

SELECT dblink_disconnect('relay') AS relay, dblink_disconnect('person') AS person \gset
SELECT * FROM finish();
