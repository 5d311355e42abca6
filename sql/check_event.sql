-- SPDX-License-Identifier: Apache-2.0
-- The rules for events, as migration 0001 has introduced them, and one for each of the two times, with a short way for
-- usual events. Why they are in a trigger, and why like this, is said there. The limits of the times are written so that
-- they are the same under every TimeZone and DateStyle.
CREATE OR REPLACE FUNCTION outbox.check_event() RETURNS trigger
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    bytes integer;
BEGIN
    -- Usual events, in one expression: PL/pgSQL makes each one ready anew in every transaction, which takes longer than
    -- its evaluation. Whatever passes here passes the rules below, under any limit that can be set.
    IF NEW.event_type COLLATE "C" ~ '^[a-z][a-z0-9_-]*([.][a-z0-9][a-z0-9_-]*)*$'
       AND NEW.event_version = '1.0'
       AND NEW.aggregate_id COLLATE "C" ~ E'^[^\\x01-\\x1f\\uFFFE\\uFFFF]+$'
       AND pg_catalog.octet_length(NEW.event_type) + pg_catalog.octet_length(NEW.aggregate_id) <= 200
       AND NEW.metadata::text LIKE '{%'
       AND pg_catalog.octet_length(NEW.metadata::text) + pg_catalog.octet_length(NEW.data::text) <= 2048
       AND NEW.occurred_at >= '0001-01-01 00:00:00+00'
       AND greatest(NEW.occurred_at, NEW.due_at) < '10000-01-01 00:00:00+00' THEN
        RETURN NEW;
    END IF;
    IF NEW.event_type COLLATE "C" !~ '^[a-z][a-z0-9_-]*([.][a-z0-9][a-z0-9_-]*)*$'
       OR pg_catalog.octet_length(NEW.event_type) > 200 THEN
        PERFORM outbox.refuse('event_type', NEW.event_type,
            'it must be words of a-z, 0-9, _ and - between dots, beginning with a letter, 200 bytes at most',
            'Name the event like order.created.');
    END IF;
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
    -- "occurredOn" has four digits for the year, and who looks how old an event is subtracts.
    IF NEW.occurred_at < '0001-01-01 00:00:00+00' OR NEW.occurred_at >= '10000-01-01 00:00:00+00' THEN
        PERFORM outbox.refuse('occurred_at', NEW.occurred_at::text,
            'it must be in the years 1 to 9999 in UTC',
            'Write when it happened, or leave it out where that is now.');
    END IF;
    -- Infinity is for what waits, and last_error says for what. Nobody would ever let go an event without that.
    IF NEW.due_at >= '10000-01-01 00:00:00+00' AND NEW.last_error IS NULL THEN
        PERFORM outbox.refuse('due_at', NEW.due_at::text,
            'it must be before the year 10000 in UTC, or the event would never be published',
            'Write when it is to be published, or leave it out where that is now.');
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
