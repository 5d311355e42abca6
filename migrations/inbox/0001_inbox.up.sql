-- SPDX-License-Identifier: Apache-2.0
-- Schema inbox: which events a consumer has processed, so that one that is delivered twice takes effect once. Needs no
-- superuser and no extension. Apply it in one transaction: `outbox-relay migrate up --inbox` does, and so does
-- `psql -1 -f`.

-- A schema or roles that a DBA made beforehand are used as they are.
DO $$
DECLARE
    missing text;
BEGIN
    SELECT pg_catalog.string_agg('CREATE ROLE ' || wanted.name || ' NOLOGIN;', ' ' ORDER BY wanted.name)
    INTO missing
    FROM (VALUES ('inbox_consumer'), ('inbox_operator')) AS wanted(name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = wanted.name);

    IF pg_catalog.to_regnamespace('inbox') IS NULL THEN
        CREATE SCHEMA inbox;
    END IF;
    IF missing IS NOT NULL THEN
        EXECUTE missing;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        IF pg_catalog.to_regnamespace('inbox') IS NULL
           AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
            missing := pg_catalog.concat_ws(' ',
                pg_catalog.format('CREATE SCHEMA IF NOT EXISTS inbox AUTHORIZATION %I;', current_user), missing);
        END IF;
        RAISE insufficient_privilege USING
            MESSAGE = pg_catalog.format('%s may not prepare database %s for the inbox: %s',
                                        current_user, pg_catalog.current_database(), SQLERRM),
            HINT = 'Let a database administrator run this in the same database, then migrate again: ' || missing;
END
$$;

COMMENT ON SCHEMA inbox IS 'What consumers of events have processed; see inbox.first_time.';

CREATE TABLE inbox.migration (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text NOT NULL DEFAULT current_user
);

COMMENT ON TABLE inbox.migration IS 'What outbox-relay migrate --inbox has applied to this schema.';
COMMENT ON COLUMN inbox.migration.version IS
    'The migration''s number; 0 stands for the functions and views of sql/inbox/.';
COMMENT ON COLUMN inbox.migration.name IS 'The file that was applied.';
COMMENT ON COLUMN inbox.migration.checksum IS 'SHA-256 of that file, in hexadecimal.';
COMMENT ON COLUMN inbox.migration.applied_at IS 'When it was applied.';
COMMENT ON COLUMN inbox.migration.applied_by IS 'The role that applied it.';

-- Whoever may insert must be told why not, so PUBLIC keeps the right to call this and the next.
CREATE FUNCTION inbox.refuse(name text, value text, rule text, remedy text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- As JSON, because a control character that is the trouble should be seen.
    RAISE check_violation USING
        MESSAGE = format('%s %s is refused: %s', name, to_json(left(value, 200)), rule),
        HINT = remedy;
END
$$;

COMMENT ON FUNCTION inbox.refuse(text, text, text, text) IS
    'Raises check_violation: what is refused, its value (200 characters of it), the rule, and the remedy as hint.';

-- In a function, because PostgreSQL reads a CHECK constraint back from its stored form in every statement, and a call
-- is the shortest there is. No SET search_path, which would cost more than the rest: everything is qualified instead.
CREATE FUNCTION inbox.check_consumer(consumer text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN pg_catalog.char_length(consumer) OPERATOR(pg_catalog.<=) 128
        AND consumer COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) E'^[^\\x01-\\x1f\\x7f]+$'
        OR inbox.refuse('consumer', consumer,
            'it must be 1 to 128 characters without control characters',
            'Name what the effect belongs to, like billing; all instances of a service use one name.');
END
$$;

COMMENT ON FUNCTION inbox.check_consumer(text) IS 'Refuses what is no name of a consumer; else true.';

-- Every row is inserted once, and deleted when it is so old that its event cannot come again (inbox.prune).
--
-- * Nothing is updated, so pages need no room for it. What a day's prune leaves, a thirtieth of the table, is to be
--   vacuumed before the next day's, so that new rows take its place and the table does not grow: autovacuum's default of
--   a fifth would come once in six days.
-- * The index on processed_at costs an insert some 65 bytes of log and a twentieth to a tenth of its time. A BRIN index
--   costs nothing at first, but once new rows fill the pages of pruned ones, every range of pages has old and new times
--   and a prune reads them all, as it does without an index: five to ten times as slow after a month, and slower with size.
CREATE TABLE inbox.processed_event (
    consumer     text NOT NULL,
    event_id     uuid NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT processed_event_pkey PRIMARY KEY (consumer, event_id),
    CONSTRAINT processed_event_consumer CHECK (inbox.check_consumer(consumer))
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX processed_event_processed_at_idx ON inbox.processed_event (processed_at);

COMMENT ON TABLE inbox.processed_event IS
    'Which events a consumer has processed: a row is written in the transaction of the event''s effect, see '
    'inbox.first_time.';
COMMENT ON COLUMN inbox.processed_event.consumer IS
    'What the effect belongs to: a service, or one of several handlers that each see every event.';
COMMENT ON COLUMN inbox.processed_event.event_id IS 'The event: "eventId" in the message, "event-id" in its attributes.';
COMMENT ON COLUMN inbox.processed_event.processed_at IS 'When its processing began.';
COMMENT ON CONSTRAINT processed_event_consumer ON inbox.processed_event IS 'See inbox.check_consumer.';
COMMENT ON INDEX inbox.processed_event_processed_at_idx IS 'Finds what inbox.prune deletes, and what is new.';

-- A consumer can add events, now, and look. Only an operator can make them forgotten, and nobody but the owner can
-- change one.
GRANT USAGE ON SCHEMA inbox TO inbox_consumer, inbox_operator;
GRANT SELECT ON inbox.processed_event, inbox.migration TO inbox_consumer, inbox_operator;
GRANT INSERT (consumer, event_id) ON inbox.processed_event TO inbox_consumer;
GRANT DELETE ON inbox.processed_event TO inbox_operator;
