-- SPDX-License-Identifier: Apache-2.0
-- Deleting what was sent long ago, in small steps by ranges of ids: at or below the floor only, for above it the relay
-- still looks. One session at a time, by the advisory lock (1869968482, 5).
CREATE OR REPLACE FUNCTION outbox.check_prune(older_than interval, most integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF older_than IS NULL OR older_than < interval '0' OR older_than > interval '3650 days' THEN
        PERFORM outbox.refuse('older_than', coalesce(older_than::text, 'NULL'),
            'it must be from 0 to 3650 days',
            'Write how long ago an event must have been sent, like ''7 days''.');
    END IF;
    IF most IS NULL OR most < 1 OR most > 100000 THEN
        PERFORM outbox.refuse('most', coalesce(most::text, 'NULL'),
            'it must be 1 to 100000',
            'Call it again for more, each time in a transaction of its own.');
    END IF;
END
$$;

COMMENT ON FUNCTION outbox.check_prune(interval, integer) IS 'For outbox.prune: refuses arguments that make no sense.';

-- The range (after, upto]. A plain DELETE writes half the log of one after FOR UPDATE SKIP LOCKED (56 bytes a row
-- against 112, measured), and almost nobody locks what is sent: only when it has waited for somebody is it done so.
CREATE OR REPLACE FUNCTION outbox.prune_range(after bigint, upto bigint, cutoff timestamptz) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than rows that a policy hides
SET jit = off
SET lock_timeout = '20ms'
AS $$
DECLARE
    pruned bigint;
BEGIN
    BEGIN
        DELETE FROM outbox.event AS e WHERE e.id > after AND e.id <= upto AND e.sent_at < cutoff;
    EXCEPTION WHEN lock_not_available THEN
        DELETE FROM outbox.event AS e WHERE e.ctid = ANY (ARRAY(
            SELECT o.ctid FROM outbox.event AS o
            WHERE o.id > after AND o.id <= upto AND o.sent_at < cutoff FOR UPDATE SKIP LOCKED));
    END;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$$;

COMMENT ON FUNCTION outbox.prune_range(bigint, bigint, timestamptz) IS
    'For outbox.prune_step: deletes the events with ids above after and up to upto that were sent before cutoff, passing '
    'over what others have locked, and returns how many.';

-- A step goes on through ranges of ids in which nothing is to be deleted, for 20 ms at most. The pass ends where events
-- are too young: one that was neither sent nor happened before the cutoff (what is not sent, or was sent late, proves
-- nothing about the events after it). outbox.pruning remembers where the next pass begins; a pass a day begins at 0, and
-- finds what was parked or waited when the others came by.
CREATE OR REPLACE FUNCTION outbox.prune_step(older_than interval, after bigint, most integer,
                                             OUT pruned bigint, OUT last_id bigint, OUT finished boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off
SET jit = off
AS $$
DECLARE
    began CONSTANT timestamptz := clock_timestamp();
    cutoff CONSTANT timestamptz := began - older_than;
    state outbox.pruning;
    settled bigint;
    upto bigint;
    young boolean;
BEGIN
    PERFORM outbox.check_prune(older_than, most);
    pruned := 0;
    last_id := greatest(after, 0);
    finished := true;
    -- The newest event stays: it spares the relay, which looks for the newest, a walk over the index entries of all
    -- that are deleted.
    settled := (SELECT least(s.floor, (SELECT e.id - 1 FROM outbox.event AS e ORDER BY e.id DESC LIMIT 1))
                FROM outbox.state AS s);
    IF after IS NULL OR settled IS NULL OR NOT pg_try_advisory_xact_lock(1869968482, 5) THEN
        RETURN;
    END IF;
    SELECT p.* INTO state FROM outbox.pruning AS p;
    IF after <= 0 AND state.whole_pass_at > began - interval '1 day' AND state.whole_pass_at <= began THEN
        last_id := least(state.pruned_to, settled);
    ELSIF after <= 0 THEN
        state.pruned_to := 0;
        state.whole_pass_at := began;
    END IF;

    LOOP
        finished := last_id >= settled;
        EXIT WHEN finished OR pruned > 0 OR clock_timestamp() > began + interval '20 milliseconds';
        upto := least(last_id + most, settled);
        pruned := outbox.prune_range(last_id, upto, cutoff);
        young := pruned < upto - last_id AND EXISTS (
            SELECT FROM outbox.event AS e
            WHERE e.id > last_id AND e.id <= upto AND e.occurred_at >= cutoff AND e.sent_at >= cutoff);
        IF NOT young AND last_id <= state.pruned_to THEN
            state.pruned_to := greatest(upto, state.pruned_to);
        END IF;
        last_id := upto;
        finished := young AND pruned = 0;
        EXIT WHEN finished;
    END LOOP;
    UPDATE outbox.pruning AS p SET pruned_to = state.pruned_to, whole_pass_at = state.whole_pass_at
    WHERE (p.pruned_to, p.whole_pass_at) IS DISTINCT FROM (state.pruned_to, state.whole_pass_at);
END
$$;

COMMENT ON FUNCTION outbox.prune_step(interval, bigint, integer) IS
    'One small step of a pass that deletes events sent longer ago than older_than: as many as most, with ids above after, '
    'which is 0 at first and then the step''s last_id, until finished. Each step is a transaction of its own. Only one '
    'session prunes at a time; in another it is finished at once.';

-- (A step of a relay takes some ten milliseconds: a person waits for it.)
CREATE OR REPLACE FUNCTION outbox.prune(older_than interval, most integer DEFAULT 10000) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    step record;
BEGIN
    PERFORM outbox.check_prune(older_than, most);
    BEGIN
        PERFORM pg_advisory_xact_lock(1869968482, 5);
    EXCEPTION WHEN lock_not_available THEN
        RETURN 'no event is deleted: another session is pruning; call it again';
    END;
    SELECT 0::bigint AS pruned, 0::bigint AS last_id, false AS finished INTO step;
    WHILE step.pruned = 0 AND NOT step.finished LOOP
        SELECT s.* INTO step FROM outbox.prune_step(older_than, step.last_id, most) AS s;
    END LOOP;
    RETURN coalesce(outbox.counted(step.pruned, 'event is deleted', 'events are deleted'), 'no event is deleted')
        || CASE WHEN step.finished THEN '' ELSE '; there may be more: call it again' END;
END
$$;

COMMENT ON FUNCTION outbox.prune(interval, integer) IS
    'Deletes events that were sent longer ago than older_than, one step of as many as most, and says how many and whether '
    'there may be more. What is above the floor stays, and so does the newest event.';

REVOKE EXECUTE ON FUNCTION outbox.check_prune(interval, integer), outbox.prune_range(bigint, bigint, timestamptz),
    outbox.prune_step(interval, bigint, integer), outbox.prune(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.check_prune(interval, integer), outbox.prune_step(interval, bigint, integer),
    outbox.prune(interval, integer) TO outbox_relay;
