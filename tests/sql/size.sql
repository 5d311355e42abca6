-- SPDX-License-Identifier: Apache-2.0
-- The size limit of an event, and outbox.set_max_message_bytes.
SELECT plan(20);

CREATE FUNCTION pg_temp.add(bytes integer, metadata json DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    INSERT INTO outbox.event (event_type, aggregate_id, data, metadata)
    VALUES ('order.created', 'order-1', to_json(repeat('x', bytes - 2)), metadata);
    RETURN 'added';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLERRM || ' | ' || hint;
END $$;

SELECT is(pg_temp.add(262144 - 4096 - 4), 'added', 'data as large as allowed');
SELECT is(pg_temp.add(262144 - 4096 - 3),
    'data "(258045 bytes)" is refused: data + 2 x metadata + 4096 must be 262144 bytes at most, and is 262145 | '
    'Store the content elsewhere and publish its address, or, where every topic''s MaximumMessageSize allows more, see '
    'outbox.set_max_message_bytes.', 'a byte more is not');
SELECT is(pg_temp.add(262144 - 4096 - 18, '{"a":"b"}'), 'added', 'metadata counts twice');
SELECT alike(pg_temp.add(262144 - 4096 - 17, '{"a":"b"}'), 'data % is refused%', 'a byte more is not');

SELECT is(outbox.set_max_message_bytes(1048576), 'new events may have 1048576 bytes; give the relay OUTBOX_MAX_MESSAGE_BYTES=1048576',
    'the limit can be raised');
SELECT is(pg_temp.add(1048576 - 4096 - 4), 'added', 'and then more is allowed');
SELECT alike(pg_temp.add(1048576 - 4096 - 3), 'data % is refused%', 'as much as that');
SELECT alike(outbox.set_max_message_bytes(8192), '%8192 bytes%', 'it can be lowered below what is there');
SELECT alike(pg_temp.add(4096), 'data % is refused%', 'and then less is allowed');
SELECT lives_ok($$UPDATE outbox.event SET attempts = 1, last_error = 'x', due_at = now()$$,
    'what is there already can still be retried');
SELECT throws_ok(format('SELECT outbox.set_max_message_bytes(%s)', refused), '23514', NULL, 'not ' || refused)
FROM unnest(ARRAY['8191', '1048577', 'NULL']) AS refused;
SELECT is((SELECT count(*)::integer FROM pg_trigger WHERE tgrelid = 'outbox.event'::regclass AND tgname = 'check_event'), 1,
    'there is one trigger');

-- A transaction that stays open does not stop the others that insert: the change gives up.
SELECT dblink_connect('writer', format('host=%s port=%s user=%s dbname=%s', :'HOST', :'PORT', :'USER', :'DBNAME')) AS connected,
    dblink_exec('writer', 'BEGIN') AS begun,
    dblink_exec('writer', 'INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES (''a'', ''b'', ''{}'')') AS inserted \gset
SELECT throws_ok('SELECT outbox.set_max_message_bytes(262144)', '55P03', 'nothing is changed: transactions that insert events, or '
    'others that use outbox.event, have not ended within 2 seconds', 'a transaction that inserts is not waited for without limit');
SELECT alike(pg_temp.add(4096), 'data % is refused%', 'nothing is changed');
SELECT is(dblink_disconnect('writer'), 'OK', 'when it has ended');
SELECT alike(outbox.set_max_message_bytes(262144), '%262144 bytes%', 'the limit can be changed');

-- The envelope of body and attributes, each value as long as it can be, fits into the 4096 bytes set aside for it.
SELECT cmp_ok(octet_length(concat('{"eventId":"', repeat('i', 36), '","eventType":"', repeat('t', 200), '","eventVersion":"',
        repeat('v', 32), '","aggregateId":"', repeat('\"', 256), '","occurredOn":"', repeat('o', 24), '","sequence":',
        9223372036854775807, ',"data":,"metadata":}',
        'event-idString', repeat('i', 36), 'event-typeString', repeat('t', 200), 'event-versionString', repeat('v', 32),
        'aggregate-idString', repeat('a', 256), 'correlation-idString', 'traceparentString')), '<=', 4096,
    'the envelope is below 4096 bytes');

SET ROLE outbox_writer;
SELECT throws_ok('SELECT outbox.set_max_message_bytes(262144)', '42501', NULL, 'a writer cannot change the limit');
RESET ROLE;

SELECT * FROM finish();
