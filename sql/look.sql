-- SPDX-License-Identifier: Apache-2.0
-- What the relay asks while it is awake, some hundred times a second: one small, cheap statement. A function, so that its
-- plan can be pinned: on a queue the statistics are always out of date. In PL/pgSQL, which keeps the plan: a function in
-- SQL is read and planned anew by every statement that calls it, which takes far longer than the look.
CREATE OR REPLACE FUNCTION outbox.look(floor bigint, settle_to bigint,
                                       OUT snapshot text, OUT newest bigint, OUT last_drawn bigint,
                                       OUT lowest_unsent bigint, OUT due_in bigint)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than events that a policy hides
SET jit = off -- a sequence can only be scanned sequentially, which enable_seqscan makes look worth compiling
AS $$
BEGIN
    -- A snapshot's xmax is one past the highest transaction that has ended, so younger ones that run are not in it. The
    -- next transaction id is above them all: age() counts up to it (in a transaction without an id of its own, as here).
    SELECT pg_current_snapshot()::text || ':' || (pg_snapshot_xmax(pg_current_snapshot())::text::numeric
                                                  + age(pg_snapshot_xmax(pg_current_snapshot())::xid)),
           coalesce((SELECT e.id FROM outbox.event AS e ORDER BY e.id DESC LIMIT 1), 0),
           (SELECT CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END FROM outbox.event_id_seq AS s),
           coalesce((SELECT e.id FROM outbox.event AS e
                     WHERE e.id > look.floor AND e.id <= look.settle_to
                       AND e.sent_at IS NULL AND e.parked_at IS NULL AND e.due_at IS NULL
                     ORDER BY e.id LIMIT 1), 0),
           -- (Not what waits, at infinity: when a million of them is let go, as many dead entries stay there.)
           (SELECT CASE WHEN e.due_at <= clock_timestamp() THEN 0
                        WHEN e.due_at < clock_timestamp() + interval '1 year'
                        THEN (extract(epoch FROM e.due_at - clock_timestamp()) * 1000000)::bigint END
            FROM outbox.event AS e
            WHERE e.due_at < 'infinity' AND e.sent_at IS NULL AND e.parked_at IS NULL
            ORDER BY e.due_at LIMIT 1)
    INTO look.snapshot, look.newest, look.last_drawn, look.lowest_unsent, look.due_in;
END
$$;

COMMENT ON FUNCTION outbox.look(bigint, bigint) IS
    'For the relay: the current snapshot and, after a colon, the next transaction id; the newest event''s id (0: none), '
    'the last id drawn, the lowest unsent event in '
    '(floor, settle_to] (0: none), and the microseconds until the next scheduled or retried event is due (NULL: none within '
    'a year).';

REVOKE ALL ON FUNCTION outbox.look(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.look(bigint, bigint) TO outbox_relay;
