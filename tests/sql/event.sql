-- SPDX-License-Identifier: Apache-2.0
-- The table of events: its shape, its defaults, and what it refuses with which words.
BEGIN;
SELECT plan(78);

SELECT columns_are('outbox', 'event', ARRAY['attempts', 'id', 'occurred_at', 'due_at', 'parked_at', 'sent_at',
    'message_id', 'last_error', 'data', 'metadata', 'event_id', 'event_version', 'event_type', 'aggregate_id']);
SELECT is((SELECT attname::text FROM pg_attribute WHERE attrelid = 'outbox.event'::regclass AND attnum = 1), 'attempts',
    'attempts is the first column: its default is evaluated first');
SELECT is((SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = 'outbox.event'::regclass AND attnum BETWEEN 6 AND 9),
    ARRAY['sent_at', 'message_id', 'last_error', 'data'], 'data follows the receipt');
SELECT is((SELECT attidentity::text FROM pg_attribute WHERE attrelid = 'outbox.event'::regclass AND attname = 'id'), 'a',
    'the id is GENERATED ALWAYS');
SELECT is((SELECT seqcache FROM pg_sequence WHERE seqrelid = 'outbox.event_id_seq'::regclass), 1::bigint,
    'the sequence keeps no ids for later');
SELECT bag_eq(
    $$SELECT indexname::text FROM pg_indexes WHERE schemaname = 'outbox' AND tablename = 'event'$$,
    ARRAY['event_pkey', 'event_due_at_idx', 'event_held_idx', 'event_parked_at_idx'], 'no other index than these');
SELECT is_empty(
    $$SELECT indexdef FROM pg_indexes WHERE schemaname = 'outbox' AND indexdef ~ 'sent_at|message_id|attempts|last_error'$$,
    'no index mentions a column that the mark changes');

INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('order.created', 'order-1', '{ "b": 1.0, "a": 2 }');
SELECT is((SELECT attempts FROM outbox.event), 0::smallint, 'attempts is 0');
SELECT is((SELECT data::text FROM outbox.event), '{ "b": 1.0, "a": 2 }', 'data is kept as written');
SELECT is((SELECT metadata::text FROM outbox.event), '{}', 'metadata is empty');
SELECT is((SELECT event_version FROM outbox.event), '1.0', 'the version is 1.0');
SELECT ok((SELECT occurred_at BETWEEN now() AND clock_timestamp() FROM outbox.event), 'it occurred now');
SELECT ok((SELECT num_nulls(due_at, parked_at, sent_at, message_id, last_error) = 5 AND event_id IS NOT NULL
           FROM outbox.event), 'it waits to be sent, with an event_id');

CREATE FUNCTION pg_temp.add(event_type text DEFAULT 'order.created', aggregate_id text DEFAULT 'order-1',
    data json DEFAULT '{}', metadata json DEFAULT '{}', event_version text DEFAULT '1.0') RETURNS void
LANGUAGE sql AS $$
    INSERT INTO outbox.event (event_type, aggregate_id, data, metadata, event_version)
    VALUES (add.event_type, add.aggregate_id, add.data, add.metadata, add.event_version) $$;

-- The error of a statement: SQLSTATE, message and hint.
CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', state, message, hint);
END $$;

SELECT lives_ok(format('SELECT pg_temp.add(event_type => %L)', allowed), 'event_type ' || left(allowed, 30))
FROM unnest(ARRAY['created', 'order.created', 'a.b.c.d', 'order-line.2nd_try.created', repeat('a', 200)]) AS allowed;
SELECT matches(pg_temp.error_of(format('SELECT pg_temp.add(event_type => %L)', refused)),
    '^23514 \| event_type ".*" is refused: it must be words .* \| Name the event', 'event_type ' || to_json(left(refused, 30)))
FROM unnest(ARRAY['', 'Order.created', 'order created', '.order', 'order.', 'order..created', '1order', 'order.-created',
    'ordér', E'order.created\n', repeat('a', 201)]) AS refused;

SELECT is(pg_temp.error_of(format('SELECT pg_temp.add(event_version => %L)', repeat('v', 32))), 'no error', 'a long version');
SELECT matches(pg_temp.error_of(format('SELECT pg_temp.add(event_version => %L)', refused)),
    '^23514 \| event_version ".*" is refused: it must be 1 to 32 ', 'event_version ' || refused)
FROM unnest(ARRAY['', '1 0', repeat('v', 33)]) AS refused;

SELECT is(pg_temp.error_of(format('SELECT pg_temp.add(aggregate_id => %L)', allowed)), 'no error', 'aggregate_id is allowed')
FROM unnest(ARRAY[repeat('x', 256), 'Ünï "quoted" \ 😀', U&'\007f\0085\fffd']) AS allowed;
SELECT matches(pg_temp.error_of(format('SELECT pg_temp.add(aggregate_id => %L)', refused)),
    '^23514 \| aggregate_id ".*" is refused: it must be 1 to 256 bytes ', 'aggregate_id is refused')
FROM unnest(ARRAY['', repeat('x', 257), repeat('é', 129), E'a\tb', E'a\x1f', U&'a\fffe', U&'\ffff']) AS refused;
SELECT matches(pg_temp.error_of($$SELECT pg_temp.add(aggregate_id => E'a\nb')$$), 'aggregate_id "a\\nb" is',
    'a control character is shown, not sent to the terminal');

SELECT is(pg_temp.error_of($$SELECT pg_temp.add(metadata => ' {"a": null}')$$), 'no error', 'metadata with white space');
SELECT matches(pg_temp.error_of($$SELECT pg_temp.add(metadata => '["secret"]')$$),
    '^23514 \| metadata "\(array, 10 bytes\)" is refused: it must be a JSON object of 16384 bytes at most \| ',
    'metadata is an object; its content is not in the error');
SELECT matches(pg_temp.error_of(format($$SELECT pg_temp.add(metadata => '{"a":"%s"}')$$, repeat('x', 16377))),
    '^23514 \| metadata "\(object, 16385 bytes\)" is refused', 'metadata has a limit');
SELECT is(pg_temp.error_of(format($$SELECT pg_temp.add(metadata => '{"a":"%s"}')$$, repeat('x', 16376))), 'no error',
    'and may reach it');

-- The short way for usual events lets nothing pass that the rules refuse, and both ways let the same pass: each event once
-- as it is and once with a version that takes it the long way.
CREATE FUNCTION pg_temp.verdict(event_type text, aggregate_id text, metadata json, data json, event_version text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.add(event_type, aggregate_id, data, metadata, event_version);
    RETURN 'added';
EXCEPTION WHEN check_violation THEN
    RETURN SQLERRM;
END $$;
SELECT is(differing, 0::bigint, format('%s events, %s of them refused, are judged alike both ways', judged, refused))
FROM (SELECT count(*) FILTER (WHERE usual <> longer) AS differing, count(*) AS judged, count(*) FILTER (WHERE usual <> 'added') AS refused
      FROM unnest(ARRAY['order.created', 'a', 'Order', 'order.', '1order', E'order\n', '', repeat('a', 190), repeat('a', 201)])
               AS event_type,
           unnest(ARRAY['order-1', 'é', '', E'a\tb', E'\x7f', U&'a\fffe', repeat('x', 256), repeat('x', 257), repeat('é', 129)])
               AS aggregate_id,
           unnest(ARRAY['{}', ' {}', '[]', '"{"', 'null', '{"a":"' || repeat('x', 2100) || '"}',
                        '{"a":"' || repeat('x', 16377) || '"}']::json[]) AS metadata,
           unnest(ARRAY['{}', to_json(repeat('x', 2046)), to_json(repeat('x', 2047))]) AS data
      CROSS JOIN LATERAL (SELECT pg_temp.verdict(event_type, aggregate_id, metadata, data, '1.0') AS usual,
                                 pg_temp.verdict(event_type, aggregate_id, metadata, data, '1.1') AS longer) AS judged) AS t;

-- Times, both ways too. What waits has its infinity from the relay, or from whoever brings back a table.
CREATE FUNCTION pg_temp.add_at(occurred_at timestamptz, due_at timestamptz, version text, last_error text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox.event (event_type, aggregate_id, data, event_version, occurred_at, due_at, last_error)
    VALUES ('order.created', 'order-1', '{}', version, add_at.occurred_at, add_at.due_at, add_at.last_error);
    RETURN 'added';
EXCEPTION WHEN check_violation THEN
    RETURN SQLERRM;
END $$;
CREATE TEMP TABLE moment AS
SELECT name, name::timestamptz AS at FROM unnest(ARRAY['-infinity', '4714-11-24 00:00:00+00 BC', '0001-12-31 23:59:59.999999+00 BC',
    '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00', '10000-01-01 00:00:00+00', '294276-12-31 23:59:59+00', 'infinity']) AS name;
CREATE TEMP VIEW judged AS
SELECT name, version, pg_temp.add_at(at, NULL, version) AS happened, pg_temp.add_at(now(), at, version) AS due
FROM moment, unnest(ARRAY['1.0', '1.1']) AS version;
SELECT matches(happened, CASE WHEN name IN ('0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00') THEN '^added$'
                              ELSE '^occurred_at ".*" is refused: it must be in the years 1 to 9999 in UTC$' END, 'occurred_at ' || name)
FROM judged WHERE version = '1.0';
SELECT matches(due, CASE WHEN at < '10000-01-01 00:00:00+00' THEN '^added$'
                         ELSE '^due_at ".*" is refused: it must be before the year 10000 in UTC, or the event would never be published$' END,
               'due_at ' || name)
FROM judged JOIN moment USING (name) WHERE version = '1.0';
SELECT is(count(DISTINCT (happened, due)), 1::bigint, name || ' is judged alike both ways') FROM judged GROUP BY name;
SELECT is(pg_temp.add_at(now(), 'infinity', version, 'paused'), 'added', 'what waits for something may be brought back')
FROM unnest(ARRAY['1.0', '1.1']) AS version;
SELECT is(pg_temp.error_of($$INSERT INTO outbox.event (event_type, aggregate_id, data, occurred_at) VALUES ('a', 'b', '{}', '-infinity')$$),
    '23514 | occurred_at "-infinity" is refused: it must be in the years 1 to 9999 in UTC | '
    'Write when it happened, or leave it out where that is now.', 'what to do instead');

-- The same ones, however a session reads and writes times.
CREATE TEMP TABLE as_usual AS SELECT name, version, happened = 'added' AS happened, due = 'added' AS due FROM judged;
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL timezone = 'Pacific/Kiritimati';
DISCARD PLANS;
SELECT set_eq($$SELECT name, version, happened = 'added' AS happened, due = 'added' AS due FROM judged$$, 'SELECT * FROM as_usual', 'by days first, fourteen hours ahead');
SET LOCAL datestyle = 'German, YMD';
SET LOCAL timezone = 'America/Adak';
DISCARD PLANS;
SELECT set_eq($$SELECT name, version, happened = 'added' AS happened, due = 'added' AS due FROM judged$$, 'SELECT * FROM as_usual', 'by years first, ten hours behind');

SELECT * FROM finish();
ROLLBACK;
