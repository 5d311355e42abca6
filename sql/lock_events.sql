-- SPDX-License-Identifier: Apache-2.0
-- Events that a person names by their ids are waited for: the relay holds those that it is publishing, for as long as
-- that takes, and afterwards they may be sent. Always in the order of the ids, so that two callers cannot wait for each
-- other.
CREATE OR REPLACE FUNCTION outbox.lock_events(ids bigint[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than events that a policy hides
AS $$
BEGIN
    IF cardinality(ids) > 10000 THEN
        PERFORM outbox.refuse('ids', format('(%s ids)', cardinality(ids)),
            'there may be 10000 at most',
            'Pass them in several calls, each a transaction of its own.');
    END IF;
    PERFORM FROM outbox.event AS e WHERE e.id = ANY (ids) ORDER BY e.id FOR NO KEY UPDATE;
END
$$;

COMMENT ON FUNCTION outbox.lock_events(bigint[]) IS
    'For outbox.retry and outbox.park: locks the events, waiting for those that are being published.';

REVOKE EXECUTE ON FUNCTION outbox.lock_events(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.lock_events(bigint[]) TO outbox_relay;
