-- SPDX-License-Identifier: Apache-2.0
-- Routes: which topic an event type goes to. The relays read outbox.topic_route again when it changes. Setting routes
-- is the owner's business; nobody else is given the right.
CREATE OR REPLACE FUNCTION outbox.route(
    pattern       text,
    topic_arn     text,
    format        text DEFAULT NULL,
    message_group boolean DEFAULT false
) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before text;
BEGIN
    SELECT r.topic_arn INTO before FROM outbox.topic_route AS r WHERE r.pattern = route.pattern FOR UPDATE;
    INSERT INTO outbox.topic_route AS r (pattern, topic_arn, format, message_group)
    VALUES (route.pattern, route.topic_arn, route.format, coalesce(route.message_group, false))
    ON CONFLICT ON CONSTRAINT topic_route_pkey DO UPDATE
    SET topic_arn = excluded.topic_arn, format = excluded.format, message_group = excluded.message_group;
    RETURN format('%s goes to %s%s', pattern, topic_arn,
        CASE WHEN before <> topic_arn THEN format(' (before: %s)', before)
             WHEN before IS NOT NULL THEN ' (as before)' ELSE '' END);
END
$$;

COMMENT ON FUNCTION outbox.route(text, text, text, boolean) IS
    'Sends events whose type matches the pattern to a topic, and says so. * is one word, ** any number; an earlier route '
    'with the same pattern is replaced. format: domain-event, cloudevents, data, or NULL for the relay''s own.';

CREATE OR REPLACE FUNCTION outbox.unroute(pattern text) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before text;
BEGIN
    DELETE FROM outbox.topic_route AS r WHERE r.pattern = unroute.pattern RETURNING r.topic_arn INTO before;
    RETURN CASE WHEN before IS NULL THEN format('there is no route %s', pattern)
                ELSE format('%s no longer goes to %s', pattern, before) END;
END
$$;

COMMENT ON FUNCTION outbox.unroute(text) IS 'Removes the route with exactly this pattern, and says what it did.';

CREATE OR REPLACE FUNCTION outbox.topic_of(event_type text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.topic_arn
    FROM outbox.topic_route AS r
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE word NOT IN ('*', '**')) AS literals,
               count(*) FILTER (WHERE word = '**') AS any_words,
               count(*) FILTER (WHERE word = '*') AS one_words
        FROM unnest(string_to_array(r.pattern, '.')) AS word
    ) AS specificity
    WHERE topic_of.event_type || '.' ~ outbox.pattern_regex(r.pattern)
    ORDER BY literals DESC, any_words, one_words, r.pattern COLLATE "C" DESC
    LIMIT 1
$$;

COMMENT ON FUNCTION outbox.topic_of(text) IS
    'The topic that an event type is routed to, or NULL when no route matches. Of several routes the most specific one '
    'wins: more literal words; then fewer **; then fewer *; then the pattern that is greater byte by byte.';

REVOKE EXECUTE ON FUNCTION outbox.route(text, text, text, boolean), outbox.unroute(text), outbox.topic_of(text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.topic_of(text) TO outbox_relay, outbox_reader;
