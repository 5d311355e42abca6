-- SPDX-License-Identifier: Apache-2.0
-- How fast events are sent, from a sample of bounded size: 5,000 ids below the floor and the newest 5,000 above it. What
-- was sent within the minute may reach further back: how far is searched by halves, and the sample stands for it. The
-- mean is of events that happened within a hundred years of now: others would make it say nothing, and thousands of them
-- may add up to more than an interval can hold.
CREATE OR REPLACE FUNCTION outbox.sent_since(after bigint, upto bigint, since timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than events that a policy hides
SET jit = off
AS $$
DECLARE
    low bigint := greatest(after, 0);
    high bigint := greatest(low, upto);
    middle bigint;
    next_id bigint;
    sent timestamptz;
    ids bigint := 0;
BEGIN
    WHILE high - low > 500 LOOP
        middle := low + (high - low) / 2;
        SELECT min(n.id), min(n.sent_at) INTO next_id, sent
        FROM (SELECT e.id, e.sent_at FROM outbox.event AS e WHERE e.id > middle AND e.id <= high ORDER BY e.id LIMIT 20) AS n;
        IF sent >= since THEN
            ids := ids + high - next_id + 1; -- what lies before next_id does not exist
            high := middle;
        ELSE
            low := middle;
        END IF;
    END LOOP;
    RETURN ids;
END
$$;

COMMENT ON FUNCTION outbox.sent_since(bigint, bigint, timestamptz) IS
    'For outbox.sent_recently: how many ids of (after, upto] belong to events sent since then, to 500, where events are '
    'sent about in their order.';

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
    pruned_to CONSTANT bigint := (SELECT p.pruned_to FROM outbox.pruning AS p);
    since CONSTANT timestamptz := now() - interval '1 minute';
    earliest CONSTANT timestamptz := now() - interval '100 years';
    latest CONSTANT timestamptz := now() + interval '100 years';
BEGIN
    RETURN QUERY
    WITH part(after, upto, weight) AS (
        SELECT low - 5000, low, 1 + outbox.sent_since(pruned_to, low - 5000, since) / 5000.0
        UNION ALL
        SELECT inner_high, high, 1 + outbox.sent_since(low, inner_high, since) / 5000.0
    )
    SELECT e.event_type, round(sum(part.weight))::bigint,
           avg(e.sent_at - e.occurred_at) FILTER (WHERE e.occurred_at BETWEEN earliest AND latest), high - low <= 10000
    FROM part JOIN outbox.event AS e ON e.id > part.after AND e.id <= part.upto
    WHERE e.sent_at > since
    GROUP BY e.event_type;
END
$$;

COMMENT ON FUNCTION outbox.sent_recently() IS
    'For the view outbox.lag: per event type, how many events were sent in the last minute and after what time, from a '
    'sample of the ids next to the floor and of the newest ones; exact, whether 10,000 ids at most are above the floor.';

REVOKE EXECUTE ON FUNCTION outbox.sent_since(bigint, bigint, timestamptz), outbox.sent_recently() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.sent_since(bigint, bigint, timestamptz), outbox.sent_recently()
    TO outbox_relay, outbox_reader;
