-- SPDX-License-Identifier: Apache-2.0
-- Forgetting what cannot come again, in small steps. One prune at a time, by the advisory lock (1768842863, 1), whose
-- class is 'inbo' as a number: two would delete the same rows, and the second would find too few.
CREATE OR REPLACE FUNCTION inbox.prune(
    older_than interval DEFAULT '30 days',
    most       integer DEFAULT 10000,
    force      boolean DEFAULT false
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than rows that a policy hides
AS $$
DECLARE
    cutoff timestamptz;
    pruned bigint;
BEGIN
    PERFORM inbox.check_prune(older_than, most, force);
    cutoff := clock_timestamp() - older_than;
    PERFORM pg_advisory_xact_lock(1768842863, 1);
    DELETE FROM inbox.processed_event AS p
    WHERE p.ctid = ANY (ARRAY(
        SELECT o.ctid FROM inbox.processed_event AS o
        WHERE o.processed_at < cutoff ORDER BY o.processed_at LIMIT most));
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$$;

COMMENT ON FUNCTION inbox.prune(interval, integer, boolean) IS
    'Forgets the events that were processed longer ago than older_than, the oldest ones, as many as most, and returns how '
    'many. Call it until that is less than most, each time in a transaction of its own. Less than 15 days is refused '
    'without force: SQS can still deliver them.';

CREATE OR REPLACE FUNCTION inbox.check_prune(older_than interval, most integer, force boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF older_than IS NULL OR older_than < interval '0' OR older_than > interval '3650 days' THEN
        PERFORM inbox.refuse('older_than', coalesce(older_than::text, 'NULL'),
            'it must be from 0 to 3650 days',
            'Take 30 days, as is usual.');
    END IF;
    IF older_than < interval '15 days' AND force IS NOT TRUE THEN
        PERFORM inbox.refuse('older_than', older_than::text,
            'SQS keeps a message for up to 14 days, and an event that comes when its row is gone takes effect again, so it '
            'must be 15 days at least',
            'Take 30 days: 14 in a queue, 14 in its dead-letter queue. Where no queue keeps messages for so '
            'long, pass force => true, or call outbox-relay prune force --inbox.');
    END IF;
    IF most IS NULL OR most < 1 OR most > 100000 THEN
        PERFORM inbox.refuse('most', coalesce(most::text, 'NULL'),
            'it must be 1 to 100000',
            'Call it again for more, each time in a transaction of its own.');
    END IF;
END
$$;

COMMENT ON FUNCTION inbox.check_prune(interval, integer, boolean) IS
    'For inbox.prune: refuses arguments that make no sense, or would let effects repeat.';

REVOKE EXECUTE ON FUNCTION inbox.prune(interval, integer, boolean), inbox.check_prune(interval, integer, boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbox.prune(interval, integer, boolean), inbox.check_prune(interval, integer, boolean)
    TO inbox_operator;
