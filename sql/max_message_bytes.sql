-- SPDX-License-Identifier: Apache-2.0
-- The size limit for new events: the argument of trigger check_event. Only the table's owner can change it.
CREATE OR REPLACE FUNCTION outbox.set_max_message_bytes(bytes integer) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF bytes IS NULL OR bytes < 8192 OR bytes > 1048576 THEN
        PERFORM outbox.refuse('bytes', coalesce(bytes::text, 'NULL'),
            'it must be 8192 to 1048576',
            'Pass the smallest MaximumMessageSize of your topics; SNS''s default is 262144.');
    END IF;
    PERFORM outbox.lock_table();
    EXECUTE format('CREATE OR REPLACE TRIGGER check_event BEFORE INSERT ON outbox.event '
                   'FOR EACH ROW EXECUTE FUNCTION outbox.check_event(%L)', bytes);
    RETURN format('new events may have %s bytes; give the relay OUTBOX_MAX_MESSAGE_BYTES=%s', bytes, bytes);
END
$$;

COMMENT ON FUNCTION outbox.set_max_message_bytes(integer) IS
    'Sets the largest message that a new event may become, and says so. For topics whose MaximumMessageSize is not '
    '262144. Events that are there already stay. Waits for the transactions that are inserting events, and new ones '
    'behind it, for two seconds at most: then it fails, and nothing is changed.';

REVOKE EXECUTE ON FUNCTION outbox.set_max_message_bytes(integer) FROM PUBLIC;
