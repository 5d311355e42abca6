-- SPDX-License-Identifier: Apache-2.0
-- The convenient way to add an event. Runs with the caller's rights, those of outbox_writer. No SET search_path,
-- which would cost more than the rest: everything is qualified instead.
CREATE OR REPLACE FUNCTION outbox.publish(
    event_type    text,
    aggregate_id  text,
    data          json,
    metadata      json DEFAULT '{}',
    event_version text DEFAULT '1.0',
    due_at        timestamptz DEFAULT NULL,
    event_id      uuid DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql
AS $$
BEGIN
    IF event_type IS NULL OR aggregate_id IS NULL OR data IS NULL THEN
        RAISE not_null_violation USING
            MESSAGE = pg_catalog.format('outbox.publish: %s is NULL',
                CASE WHEN event_type IS NULL THEN 'event_type'
                     WHEN aggregate_id IS NULL THEN 'aggregate_id'
                     ELSE 'data' END),
            HINT = 'event_type, aggregate_id and data are required; an event without content has data ''{}''.';
    END IF;
    event_id := coalesce(event_id, pg_catalog.gen_random_uuid());
    INSERT INTO outbox.event (event_id, event_type, event_version, aggregate_id, data, metadata, due_at)
    VALUES (event_id, event_type, coalesce(event_version, '1.0'), aggregate_id, data, coalesce(metadata, '{}'), due_at);
    RETURN event_id;
END
$$;

COMMENT ON FUNCTION outbox.publish(text, text, json, json, text, timestamptz, uuid) IS
    'Adds an event to the outbox, in the caller''s transaction, and returns its event_id. due_at delays it; event_id is '
    'made up unless given.';

REVOKE EXECUTE ON FUNCTION outbox.publish(text, text, json, json, text, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.publish(text, text, json, json, text, timestamptz, uuid) TO outbox_writer;
