-- SPDX-License-Identifier: Apache-2.0
-- What makes a consumer idempotent. Runs with the caller's rights, those of inbox_consumer. No SET search_path, which
-- would cost more than the check of the arguments: everything is qualified instead.
CREATE OR REPLACE FUNCTION inbox.first_time(consumer text, event_id uuid) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    IF consumer IS NULL OR event_id IS NULL THEN
        RAISE not_null_violation USING
            MESSAGE = 'inbox.first_time: ' || CASE WHEN consumer IS NULL THEN 'consumer' ELSE 'event_id' END || ' is NULL',
            HINT = 'consumer is a name of your choice for what processes the event; event_id is "eventId" in the message, '
                   '"event-id" in its attributes.';
    END IF;
    INSERT INTO inbox.processed_event (consumer, event_id) VALUES (consumer, event_id) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION inbox.first_time(text, uuid) IS
    'True for the first transaction in which a consumer asks for an event, false for later ones: apply the event''s effect '
    'in the same transaction when it is true. Rolled back, it is as if it had not asked. Waits while another transaction '
    'that was told true has not ended; under REPEATABLE READ and SERIALIZABLE it may fail with serialization_failure then, '
    'and the transaction is to be tried again.';

REVOKE EXECUTE ON FUNCTION inbox.first_time(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbox.first_time(text, uuid) TO inbox_consumer;
