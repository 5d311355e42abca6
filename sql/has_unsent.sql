-- SPDX-License-Identifier: Apache-2.0
-- Whether a relay that is to end when nothing is left (OUTBOX_UNTIL_EMPTY) may end. A function, so that its plan can be
-- pinned; see outbox.look.
CREATE OR REPLACE FUNCTION outbox.has_unsent(floor bigint) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than events that a policy hides
SET jit = off
AS $$
    SELECT EXISTS (SELECT FROM outbox.event AS e
                   WHERE e.id > has_unsent.floor AND e.sent_at IS NULL AND e.parked_at IS NULL AND e.due_at IS NULL)
        OR EXISTS (SELECT FROM outbox.event AS e
                   WHERE e.due_at IS NOT NULL AND e.sent_at IS NULL AND e.parked_at IS NULL
                     AND (e.last_error IS NOT NULL OR e.due_at <= clock_timestamp()))
$$;

COMMENT ON FUNCTION outbox.has_unsent(bigint) IS
    'For the relay: whether an event above the floor is unsent, or one is due or waits to be tried again. Events that '
    'writers have set for later do not count.';

REVOKE ALL ON FUNCTION outbox.has_unsent(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.has_unsent(bigint) TO outbox_relay;
