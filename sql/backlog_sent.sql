-- SPDX-License-Identifier: Apache-2.0
-- How fast events are sent, from a sample of bounded size: 5,000 ids below the floor and the newest 5,000 above it.
-- When all that is sent there was sent within the minute, it is scaled to a minute.
CREATE OR REPLACE FUNCTION outbox.sent_recently(OUT event_type text, OUT sent_last_minute bigint,
                                                OUT mean_delay interval, OUT exact boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET row_security = off -- an error is better than events that a policy hides
SET jit = off
AS $$
DECLARE
    low CONSTANT bigint := (SELECT s.floor FROM outbox.state AS s);
    high CONSTANT bigint := (SELECT e.id FROM outbox.event AS e ORDER BY e.id DESC LIMIT 1);
    inner_high CONSTANT bigint := greatest(low, high - 5000);
BEGIN
    RETURN QUERY
    WITH part(after, upto, whole) AS (
        VALUES (low - 5000, low, low <= 5000), (inner_high, high, inner_high = low)
    ), sent AS (
        SELECT part.after, e.event_type, e.sent_at, e.sent_at - e.occurred_at AS delay, part.whole
        FROM part JOIN outbox.event AS e ON e.id > part.after AND e.id <= part.upto
        WHERE e.sent_at IS NOT NULL
    ), scaled AS (
        SELECT s.after,
               CASE WHEN bool_or(s.whole) OR min(s.sent_at) <= now() - interval '1 minute' THEN 1.0
                    ELSE 60 / greatest(extract(epoch FROM now() - min(s.sent_at)), 0.1) END AS weight
        FROM sent AS s GROUP BY s.after
    )
    SELECT s.event_type, round(sum(scaled.weight))::bigint, avg(s.delay), high - low <= 10000
    FROM sent AS s JOIN scaled ON scaled.after = s.after
    WHERE s.sent_at > now() - interval '1 minute'
    GROUP BY s.event_type;
END
$$;

COMMENT ON FUNCTION outbox.sent_recently() IS
    'For the view outbox.lag: per event type, how many events were sent in the last minute and after what time, from a '
    'sample of the ids next to the floor and of the newest ones; exact is that of outbox.backlog_new.';

REVOKE EXECUTE ON FUNCTION outbox.sent_recently() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.sent_recently() TO outbox_relay, outbox_reader;
