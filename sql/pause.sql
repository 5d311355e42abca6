-- SPDX-License-Identifier: Apache-2.0
-- Holding back a topic by hand. The relays read outbox.paused_topic again when it changes.
CREATE OR REPLACE FUNCTION outbox.pause(topic text, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before outbox.paused_topic;
BEGIN
    PERFORM outbox.check_topic_arn(coalesce(topic, '')), outbox.check_reason(reason);
    INSERT INTO outbox.paused_topic (topic_arn, reason) VALUES (topic, nullif(pause.reason, ''))
    ON CONFLICT ON CONSTRAINT paused_topic_pkey DO NOTHING;
    IF NOT FOUND THEN
        SELECT p.* INTO before FROM outbox.paused_topic AS p WHERE p.topic_arn = topic;
        RETURN format('%s is paused already (%s)', topic, outbox.pause_of(before));
    END IF;
    -- Not an error: OUTBOX_TOPIC_ARN is the relay's. But a mistyped name would go unnoticed.
    RETURN format('%s is paused%s', topic,
        CASE WHEN EXISTS (SELECT FROM outbox.topic_route AS r WHERE r.topic_arn = topic) THEN ''
             ELSE '; no route goes there, at most a relay''s OUTBOX_TOPIC_ARN or OUTBOX_TOPIC_ARN_PREFIX' END);
END
$$;

COMMENT ON FUNCTION outbox.pause(text, text) IS
    'Stops publishing to the topic with this ARN until outbox.resume, and says so: its events wait. reason is for '
    'whoever looks at outbox.paused_topic.';

CREATE OR REPLACE FUNCTION outbox.resume(topic text) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before outbox.paused_topic;
BEGIN
    PERFORM outbox.check_topic_arn(coalesce(topic, ''));
    DELETE FROM outbox.paused_topic AS p WHERE p.topic_arn = topic RETURNING p.* INTO before;
    RETURN CASE WHEN FOUND THEN format('%s is no longer paused (%s)', topic, outbox.pause_of(before))
                ELSE format('%s is not paused', topic) END;
END
$$;

COMMENT ON FUNCTION outbox.resume(text) IS 'Ends outbox.pause of the topic with this ARN, and says so.';

CREATE OR REPLACE FUNCTION outbox.pause_of(paused outbox.paused_topic) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('since %s, by %s', to_char(paused.paused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                  concat_ws(': ', paused.paused_by, paused.reason))
$$;

COMMENT ON FUNCTION outbox.pause_of(outbox.paused_topic) IS
    'For outbox.pause and outbox.resume: since when a topic is paused, by whom, and why.';

REVOKE EXECUTE ON FUNCTION outbox.pause(text, text), outbox.resume(text), outbox.pause_of(outbox.paused_topic)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.pause(text, text), outbox.resume(text), outbox.pause_of(outbox.paused_topic)
    TO outbox_relay;
