-- SPDX-License-Identifier: Apache-2.0
-- Schema outbox: the table of events, what the relay keeps beside it, and who may do what. Needs no superuser and no
-- extension. Apply it in one transaction: `outbox-relay migrate up` does, and so does `psql -1 -f`.

-- In a database that does not say what its bytes mean nothing can be turned into the UTF-8 that messages are made of.
DO $$
BEGIN
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.=) 'SQL_ASCII' THEN
        RAISE feature_not_supported USING
            MESSAGE = pg_catalog.format('database %s has the encoding SQL_ASCII, which says nothing about what its bytes mean; '
                                        'events could not be published as UTF-8', pg_catalog.current_database()),
            HINT = 'Use a database with the encoding UTF8, or another one that PostgreSQL converts to it.';
    END IF;
END
$$;

-- A schema or roles that a DBA made beforehand are used as they are.
DO $$
DECLARE
    missing text;
BEGIN
    SELECT pg_catalog.string_agg('CREATE ROLE ' || wanted.name || ' NOLOGIN;', ' ' ORDER BY wanted.name DESC)
    INTO missing
    FROM (VALUES ('outbox_writer'), ('outbox_relay'), ('outbox_reader')) AS wanted(name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = wanted.name);

    IF pg_catalog.to_regnamespace('outbox') IS NULL THEN
        CREATE SCHEMA outbox;
    END IF;
    IF missing IS NOT NULL THEN
        EXECUTE missing;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        IF pg_catalog.to_regnamespace('outbox') IS NULL
           AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
            missing := pg_catalog.concat_ws(' ',
                pg_catalog.format('CREATE SCHEMA IF NOT EXISTS outbox AUTHORIZATION %I;', current_user), missing);
        END IF;
        RAISE insufficient_privilege USING
            MESSAGE = pg_catalog.format('%s may not prepare database %s for the outbox: %s',
                                        current_user, pg_catalog.current_database(), SQLERRM),
            HINT = 'Let a database administrator run this in the same database, then migrate again: ' || missing;
END
$$;

COMMENT ON SCHEMA outbox IS 'Events on their way to the message broker; see outbox.event.';

CREATE TABLE outbox.migration (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text NOT NULL DEFAULT current_user
);

COMMENT ON TABLE outbox.migration IS 'What outbox-relay migrate has applied to this schema.';
COMMENT ON COLUMN outbox.migration.version IS 'The migration''s number; 0 stands for the functions and views of sql/.';
COMMENT ON COLUMN outbox.migration.name IS 'The file that was applied.';
COMMENT ON COLUMN outbox.migration.checksum IS 'SHA-256 of that file, in hexadecimal.';
COMMENT ON COLUMN outbox.migration.applied_at IS 'When it was applied.';
COMMENT ON COLUMN outbox.migration.applied_by IS 'The role that applied it.';

-- The table of events. What decides its shape: every row is inserted once and updated once, when it is marked sent.
--
-- * attempts is the first column because defaults are evaluated in the order of the columns, and its default, always 0,
--   assigns the transaction's id. So a transaction has its id before it draws the event's, which the relay relies on
--   when it decides that no event can appear any more at or below an id.
-- * The identity must keep CACHE 1 and GENERATED ALWAYS for the same reason: an id kept for a later transaction, or
--   chosen by the writer, could appear below what the relay has settled.
-- * The mark must be a HOT update (no index entry, no growth). Therefore no index may mention, in its key or in its
--   WHERE, a column that the mark changes. The partial indexes are on what is rare; the mark sets due_at to NULL, which
--   it already is unless the event was scheduled or retried.
-- * For the same reason fillfactor: the second version of every row of a page, some 48 bytes longer, must fit on that
--   page, also when all of them are marked in one transaction: the smallest possible row needs 40.
-- * A HOT update logs only the bytes between what old and new version have in common at either end. The receipt
--   (sent_at, message_id) and data follow each other, so that data, the only thing that can shift against its
--   alignment, does so right there: 128 bytes of log a mark, against 257 with data as the last column.
-- * Autovacuum comes when a twentieth is dead (0.2 by default): what pruning leaves is used again after so much, and no
--   more dead entries than that lie in the indexes. Not less: vacuum reads every index as a whole each time, and
--   passes over the indexes where less than a fiftieth of the pages have dead rows.
CREATE TABLE outbox.event (
    attempts      smallint NOT NULL DEFAULT (pg_catalog.pg_current_xact_id() IS NULL)::integer::smallint,
    id            bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    occurred_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    due_at        timestamptz,
    parked_at     timestamptz,
    sent_at       timestamptz,
    message_id    text,
    last_error    text,
    data          json NOT NULL,
    metadata      json NOT NULL DEFAULT '{}',
    event_id      uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    event_version text NOT NULL DEFAULT '1.0',
    event_type    text NOT NULL,
    aggregate_id  text NOT NULL
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX event_due_at_idx ON outbox.event (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX event_parked_at_idx ON outbox.event (parked_at) WHERE parked_at IS NOT NULL;
-- What an event of a FIFO topic may have to wait for, and what waits: see RANGE_ORDERED in relay/outbox/claim.c.
-- The predicate is one expression so that only who writes the same gets this index: what is due must not be found by it.
CREATE INDEX event_held_idx ON outbox.event (aggregate_id, id) WHERE coalesce(due_at, parked_at) IS NOT NULL;

COMMENT ON TABLE outbox.event IS
    'The transactional outbox: insert an event in the transaction that it tells of, and outbox-relay publishes it.';
COMMENT ON COLUMN outbox.event.attempts IS 'How often publishing this event has failed.';
COMMENT ON COLUMN outbox.event.id IS 'Order of the events, and "sequence" in the message. Not gapless.';
COMMENT ON COLUMN outbox.event.occurred_at IS 'When it happened; "occurredOn" in the message.';
COMMENT ON COLUMN outbox.event.due_at IS
    'Not to be published before this time: set by a writer to delay, by the relay to retry. NULL: at once. Infinity with '
    'last_error: it waits, for what last_error says, and the relay lets it go when that is over.';
COMMENT ON COLUMN outbox.event.parked_at IS 'When the event was taken out of line, for a person to decide.';
COMMENT ON COLUMN outbox.event.sent_at IS 'When the broker''s receipt was noted. NULL: not sent.';
COMMENT ON COLUMN outbox.event.message_id IS 'The broker''s receipt: the SNS MessageId.';
COMMENT ON COLUMN outbox.event.last_error IS 'Why the latest attempt failed.';
COMMENT ON COLUMN outbox.event.data IS 'The payload, published as it is written here.';
COMMENT ON COLUMN outbox.event.metadata IS 'A JSON object: correlationId, causationId, source, traceparent, anything.';
COMMENT ON COLUMN outbox.event.event_id IS 'What consumers recognise a duplicate by.';
COMMENT ON COLUMN outbox.event.event_version IS 'Version of the form of data, for consumers.';
COMMENT ON COLUMN outbox.event.event_type IS
    'What happened, in lower-case words between dots, past tense: order.created.';
COMMENT ON COLUMN outbox.event.aggregate_id IS
    'What the event is about. Order is kept within it; the message group of a FIFO topic.';

-- Whoever may insert must be told why not, so PUBLIC keeps the right to call this.
CREATE FUNCTION outbox.refuse(column_name text, value text, rule text, remedy text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- As JSON, because a control character that is the trouble should be seen.
    RAISE check_violation USING
        MESSAGE = format('%s %s is refused: %s', column_name, to_json(left(value, 100)), rule),
        HINT = remedy,
        COLUMN = column_name;
END
$$;

COMMENT ON FUNCTION outbox.refuse(text, text, text, text) IS
    'Raises check_violation: the column, its value (100 characters of it), the rule, and the remedy as hint.';

-- Rules that tables share with the functions that people call. Constraints are checked with the rights of whoever
-- inserts, so PUBLIC keeps these too.
CREATE FUNCTION outbox.check_pattern(pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pattern COLLATE "C" ~ '^([a-z0-9_-]+|[*][*]?)([.]([a-z0-9_-]+|[*][*]?))*$' AND octet_length(pattern) <= 200
        OR outbox.refuse('pattern', pattern,
            'it must be words of a-z, 0-9, _ and - between dots, where * stands for one word and ** for any number',
            'Write order.created, order.*, order.** or **.')
$$;

COMMENT ON FUNCTION outbox.check_pattern(text) IS 'Refuses what is no pattern of event types; else true.';

CREATE FUNCTION outbox.check_topic_arn(topic_arn text) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT topic_arn COLLATE "C"
            ~ '^arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:[0-9]{12}:[A-Za-z0-9_-]{1,251}([A-Za-z0-9_-]{0,5}|[.]fifo)$'
        OR outbox.refuse('topic_arn', topic_arn,
            'it must be the ARN of an SNS topic',
            'Write it like arn:aws:sns:eu-central-1:123456789012:orders, for a FIFO topic with .fifo at the end.')
$$;

COMMENT ON FUNCTION outbox.check_topic_arn(text) IS 'Refuses what is not the ARN of an SNS topic; else true.';

-- The rules for events, in a trigger rather than in CHECK constraints, for speed. PostgreSQL reads the constraints of
-- a table back from their stored form in every statement: the same rules as constraints cost a single-row INSERT 20
-- to 30 microseconds, and every mark pays for them again. This trigger costs 3, and only where an event comes in.
-- IMMUTABLE spares a snapshot for each row. There is no SET search_path, which costs more than all the rules; instead
-- functions are qualified, and every operator has exactly the types of one in pg_catalog. Neither here nor elsewhere does a
-- literal depend on standard_conforming_strings, which a writer may have off.
CREATE FUNCTION outbox.check_event() RETURNS trigger
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    bytes integer;
BEGIN
    IF NEW.event_type COLLATE "C" !~ '^[a-z][a-z0-9_-]*([.][a-z0-9][a-z0-9_-]*)*$'
       OR pg_catalog.octet_length(NEW.event_type) > 200 THEN
        PERFORM outbox.refuse('event_type', NEW.event_type,
            'it must be words of a-z, 0-9, _ and - between dots, beginning with a letter, 200 bytes at most',
            'Name the event like order.created.');
    END IF;
    -- (Most events have the default version: comparing is ten times cheaper than matching.)
    IF NEW.event_version <> '1.0'
       AND (NEW.event_version COLLATE "C" !~ '^[A-Za-z0-9._-]+$'
            OR pg_catalog.octet_length(NEW.event_version) > 32) THEN
        PERFORM outbox.refuse('event_version', NEW.event_version,
            'it must be 1 to 32 characters of A-Z, a-z, 0-9, dot, _ and -',
            'Number the version like 1.0.');
    END IF;
    -- What XML, and so SQS, cannot carry. (In a database that is not UTF8 the last two characters do not exist.)
    IF NEW.aggregate_id = '' OR pg_catalog.octet_length(NEW.aggregate_id) > 256
       OR NEW.aggregate_id COLLATE "C" ~ E'[\\x01-\\x1f\\uFFFE\\uFFFF]' THEN
        PERFORM outbox.refuse('aggregate_id', NEW.aggregate_id,
            'it must be 1 to 256 bytes without control characters, U+FFFE and U+FFFF',
            'Use the key of the row that the event is about.');
    END IF;
    bytes := pg_catalog.octet_length(NEW.metadata::text);
    IF bytes > 16384 OR pg_catalog.json_typeof(NEW.metadata) <> 'object' THEN
        PERFORM outbox.refuse('metadata',
            pg_catalog.format('(%s, %s bytes)', pg_catalog.json_typeof(NEW.metadata), bytes),
            'it must be a JSON object of 16384 bytes at most',
            'Put what belongs to the event into data.');
    END IF;
    -- 4096 covers the rest of body and attributes, twice the metadata its copies there. The relay reckons exactly.
    bytes := pg_catalog.octet_length(NEW.data::text) + 2 * bytes + 4096;
    IF bytes > TG_ARGV[0]::integer THEN
        PERFORM outbox.refuse('data', pg_catalog.format('(%s bytes)', pg_catalog.octet_length(NEW.data::text)),
            pg_catalog.format('data + 2 x metadata + 4096 must be %s bytes at most, and is %s', TG_ARGV[0], bytes),
            'Store the content elsewhere and publish its address, or, where every topic''s MaximumMessageSize '
            'allows more, see outbox.set_max_message_bytes.');
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION outbox.check_event() IS
    'Refuses an event that could not be published. Its argument is the largest size of a message in bytes.';

REVOKE EXECUTE ON FUNCTION outbox.check_event() FROM PUBLIC;

CREATE TRIGGER check_event BEFORE INSERT ON outbox.event
    FOR EACH ROW EXECUTE FUNCTION outbox.check_event('262144');
COMMENT ON TRIGGER check_event ON outbox.event IS 'See outbox.check_event and outbox.set_max_message_bytes.';

-- The wake-up. NOTIFY makes commits wait for each other, so it is sent only while the relay sleeps. The advisory
-- locks of class 1869968482 ('outb') say so:
--     1  the sleep lock: shared by every transaction that inserts events, exclusive for the relay that sleeps
--     2  the waker lock: held by the one relay that sleeps on the sleep lock
--     3  the migration lock
--     4  the ordered lock: held by whoever publishes ordered events
--     5  the prune lock: held by whoever deletes what was sent long ago
-- It is a BEFORE trigger, so that the lock is taken before an id is drawn, and the transaction's id is assigned
-- before either, also where the default of attempts is not evaluated in time: a writer that names the column, or
-- several rows that name the id as DEFAULT. STABLE spares a snapshot; a WHEN clause would cost more than the call,
-- since PostgreSQL reads it back from its stored form in every statement.
CREATE FUNCTION outbox.wake_up() RETURNS trigger
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF pg_catalog.pg_current_xact_id() IS NULL
       OR NOT pg_catalog.pg_try_advisory_xact_lock_shared(1869968482, 1) THEN
        PERFORM pg_catalog.pg_notify('outbox_relay', 'event');
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION outbox.wake_up() IS 'Notifies channel outbox_relay when the relay sleeps; see outbox.set_wake_up.';

REVOKE EXECUTE ON FUNCTION outbox.wake_up() FROM PUBLIC;

CREATE TRIGGER wake_up BEFORE INSERT ON outbox.event
    FOR EACH STATEMENT EXECUTE FUNCTION outbox.wake_up();
-- Also for writers with session_replication_role = replica: nobody would look for their events for a minute.
ALTER TABLE outbox.event ENABLE ALWAYS TRIGGER wake_up;
COMMENT ON TRIGGER wake_up ON outbox.event IS 'See outbox.wake_up and outbox.set_wake_up.';

-- One row that is updated all the time: a low fillfactor makes PostgreSQL prune its page early.
CREATE TABLE outbox.state (
    id             boolean PRIMARY KEY DEFAULT true CHECK (id),
    floor          bigint NOT NULL DEFAULT 0,
    floor_moved_at timestamptz
) WITH (fillfactor = 25);

INSERT INTO outbox.state DEFAULT VALUES;

COMMENT ON TABLE outbox.state IS 'What the relay keeps between its runs: one row.';
COMMENT ON COLUMN outbox.state.id IS 'Always true: there is one row.';
COMMENT ON COLUMN outbox.state.floor IS
    'Every event at or below this id is sent, parked, in the index on due_at, or can no longer appear.';
COMMENT ON COLUMN outbox.state.floor_moved_at IS 'When the floor last moved. NULL: never.';

-- Not in outbox.state, where a step would keep the relay waiting.
CREATE TABLE outbox.pruning (
    id            boolean PRIMARY KEY DEFAULT true CHECK (id),
    pruned_to     bigint NOT NULL DEFAULT 0,
    whole_pass_at timestamptz
) WITH (fillfactor = 25);

INSERT INTO outbox.pruning DEFAULT VALUES;

COMMENT ON TABLE outbox.pruning IS 'How far outbox.prune_step has come: one row.';
COMMENT ON COLUMN outbox.pruning.id IS 'Always true: there is one row.';
COMMENT ON COLUMN outbox.pruning.pruned_to IS
    'At or below this id nothing is left but what was not sent, or sent late, when it was passed.';
COMMENT ON COLUMN outbox.pruning.whole_pass_at IS 'When a pass last began at 0, to find those. NULL: never.';

CREATE TABLE outbox.topic_route (
    pattern       text PRIMARY KEY,
    topic_arn     text NOT NULL,
    format        text,
    message_group boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT topic_route_pattern CHECK (outbox.check_pattern(pattern)),
    CONSTRAINT topic_route_topic_arn CHECK (outbox.check_topic_arn(topic_arn)),
    CONSTRAINT topic_route_format CHECK (
        format IS NULL OR format IN ('domain-event', 'cloudevents', 'data')
        OR outbox.refuse('format', format,
            'it must be domain-event, cloudevents or data',
            'Write one of these, or NULL for the relay''s own OUTBOX_FORMAT.'))
);

COMMENT ON TABLE outbox.topic_route IS 'Which topic an event goes to; see outbox.route and outbox.topic_of.';
COMMENT ON COLUMN outbox.topic_route.pattern IS
    'Event types: words between dots, where * stands for one word and ** for any number, also none.';
COMMENT ON COLUMN outbox.topic_route.topic_arn IS 'The SNS topic.';
COMMENT ON COLUMN outbox.topic_route.format IS
    'domain-event, cloudevents or data. NULL: what the relay is set to (OUTBOX_FORMAT).';
COMMENT ON COLUMN outbox.topic_route.message_group IS
    'Whether a standard topic is given a MessageGroupId too (SQS fair queues). A FIFO topic always is.';
COMMENT ON COLUMN outbox.topic_route.created_at IS 'When the route was first made.';

CREATE FUNCTION outbox.routes_changed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('outbox_relay', 'routes');
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION outbox.routes_changed() IS 'Tells the relays to read routes and paused topics again.';

REVOKE EXECUTE ON FUNCTION outbox.routes_changed() FROM PUBLIC;

CREATE TRIGGER routes_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON outbox.topic_route
    FOR EACH STATEMENT EXECUTE FUNCTION outbox.routes_changed();
COMMENT ON TRIGGER routes_changed ON outbox.topic_route IS 'See outbox.routes_changed.';

CREATE TABLE outbox.paused_topic (
    topic_arn text PRIMARY KEY,
    reason    text,
    paused_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    paused_by text NOT NULL DEFAULT session_user,
    CONSTRAINT paused_topic_topic_arn CHECK (outbox.check_topic_arn(topic_arn))
);

COMMENT ON TABLE outbox.paused_topic IS 'Topics that nothing is published to for now; see outbox.pause and outbox.resume.';
COMMENT ON COLUMN outbox.paused_topic.topic_arn IS 'The SNS topic.';
COMMENT ON COLUMN outbox.paused_topic.reason IS 'Why, as whoever paused it has said.';
COMMENT ON COLUMN outbox.paused_topic.paused_at IS 'Since when.';
COMMENT ON COLUMN outbox.paused_topic.paused_by IS 'The role that paused it.';

CREATE TRIGGER routes_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON outbox.paused_topic
    FOR EACH STATEMENT EXECUTE FUNCTION outbox.routes_changed();
COMMENT ON TRIGGER routes_changed ON outbox.paused_topic IS 'See outbox.routes_changed.';

-- A writer can insert events and nothing else; it may read the two columns that programs ask to have returned. The
-- relay can set the state columns and nothing else; what it deletes, outbox.prune_step deletes for it, with the owner's
-- rights. So nobody but the owner can change an event afterwards.
GRANT USAGE ON SCHEMA outbox TO outbox_writer, outbox_relay, outbox_reader;
GRANT INSERT (event_id, event_type, event_version, aggregate_id, data, metadata, occurred_at, due_at),
      SELECT (id, event_id) ON outbox.event TO outbox_writer;
GRANT SELECT ON outbox.event, outbox.state, outbox.pruning, outbox.topic_route, outbox.paused_topic, outbox.migration
    TO outbox_relay, outbox_reader;
GRANT UPDATE (due_at, attempts, last_error, parked_at, sent_at, message_id) ON outbox.event TO outbox_relay;
GRANT UPDATE (floor, floor_moved_at) ON outbox.state TO outbox_relay;
GRANT SELECT ON SEQUENCE outbox.event_id_seq TO outbox_relay;
GRANT INSERT, DELETE ON outbox.paused_topic TO outbox_relay;
