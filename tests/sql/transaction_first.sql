-- SPDX-License-Identifier: Apache-2.0
-- A transaction has its id, and tries the sleep lock, before it draws the id of an event: however the event is
-- inserted. The identity is replaced by a function that looks, so every statement here is a transaction of its own.
SELECT plan(27);

CREATE TABLE drawn (way text, has_transaction boolean, has_lock boolean);
GRANT INSERT ON drawn TO outbox_writer;
CREATE SEQUENCE ids;
GRANT USAGE ON ids TO outbox_writer;

CREATE FUNCTION draw() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    has_transaction boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
    has_lock boolean := EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
                                AND (classid, objid, objsubid, mode) = (1869968482, 1, 2, 'ShareLock'));
BEGIN
    INSERT INTO drawn VALUES (current_setting('test.way'), has_transaction, has_lock);
    RETURN nextval('ids');
END $$;
ALTER TABLE outbox.event ALTER id DROP IDENTITY, ALTER id SET DEFAULT draw();

SET test.way = 'one row';
INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}');
SET test.way = 'several rows';
INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}'), ('a', 'b', '{}');
SET test.way = 'several rows, id named first';
INSERT INTO outbox.event (id, attempts, event_type, aggregate_id, data)
VALUES (DEFAULT, DEFAULT, 'a', 'b', '{}'), (DEFAULT, DEFAULT, 'a', 'b', '{}');
SET test.way = 'attempts named';
INSERT INTO outbox.event (attempts, event_type, aggregate_id, data) VALUES (0, 'a', 'b', '{}');
SET test.way = 'from a query';
INSERT INTO outbox.event (event_type, aggregate_id, data) SELECT 'a', 'b', '{}' FROM generate_series(1, 2);
SET test.way = 'on conflict';
INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}') ON CONFLICT DO NOTHING;
SET test.way = 'with';
WITH added AS (INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}') RETURNING id) SELECT FROM added;
SET test.way = 'publish';
SET ROLE outbox_writer;
DO $$ BEGIN PERFORM outbox.publish('a', 'b', '{}'); END $$;
RESET ROLE;
SET test.way = 'prepared';
PREPARE add AS INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', $1, '{}');
EXECUTE add ('b');
SET test.way = 'copy';
COPY outbox.event (event_type, aggregate_id, data) FROM STDIN;
a	b	{}
a	b	{}
\.
SET test.way = 'savepoint';
BEGIN;
SAVEPOINT here;
INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}');
COMMIT;

SELECT ok(bool_and(has_transaction), 'a transaction id first: ' || way) FROM drawn GROUP BY way ORDER BY way;
SELECT ok(bool_and(has_lock), 'the sleep lock first: ' || way) FROM drawn GROUP BY way ORDER BY way;
SELECT is((SELECT sum(attempts)::integer FROM outbox.event), 0, 'attempts is 0 in all of them');

-- Without the wake-up the default of attempts does it alone.
TRUNCATE drawn;
DO $$ BEGIN PERFORM outbox.set_wake_up(false); END $$;
SET test.way = 'no wake-up, several rows';
INSERT INTO outbox.event (event_type, aggregate_id, data) VALUES ('a', 'b', '{}'), ('a', 'b', '{}');
SET test.way = 'no wake-up, copy';
COPY outbox.event (event_type, aggregate_id, data) FROM STDIN;
a	b	{}
\.
SELECT ok(bool_and(has_transaction), 'a transaction id first: ' || way) FROM drawn GROUP BY way ORDER BY way;
SELECT ok(NOT bool_or(has_lock), 'and no lock') FROM drawn;

-- And with neither, this test would notice.
SET test.way = 'neither';
INSERT INTO outbox.event (attempts, event_type, aggregate_id, data) VALUES (0, 'a', 'b', '{}');
SELECT is(has_transaction, false, 'the probe can tell') FROM drawn WHERE way = 'neither';

SELECT * FROM finish();
