-- SPDX-License-Identifier: Apache-2.0
-- Taking events out of line by hand. An event that is being published is waited for, and may be sent then.
CREATE OR REPLACE FUNCTION outbox.park(ids bigint[], reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off
AS $$
DECLARE
    n record;
BEGIN
    PERFORM outbox.check_reason(reason);
    PERFORM outbox.lock_events(ids);
    WITH before AS (
        SELECT e.id, CASE WHEN e.sent_at IS NOT NULL THEN 'sent'
                          WHEN e.parked_at IS NOT NULL THEN 'parked'
                          ELSE 'unsent' END AS state
        FROM outbox.event AS e WHERE e.id = ANY (ids)
    ), changed AS (
        UPDATE outbox.event AS e
        SET parked_at = clock_timestamp(), due_at = NULL,
            last_error = concat_ws(': ', 'parked by ' || session_user, nullif(park.reason, ''))
        FROM before AS b WHERE e.id = b.id AND e.id = ANY (ids) AND b.state = 'unsent'
    )
    SELECT count(*) FILTER (WHERE state = 'unsent') AS unsent,
           count(*) FILTER (WHERE state = 'sent') AS sent,
           count(*) FILTER (WHERE state = 'parked') AS parked,
           (SELECT count(DISTINCT i.id) FROM unnest(ids) AS i(id)) - count(*) AS missing
    INTO n FROM before;

    IF n.unsent > 0 THEN
        PERFORM pg_notify('outbox_relay', 'held'); -- later events of the same aggregates are looked at again
    END IF;
    RETURN concat_ws('; ',
        coalesce(outbox.counted(n.unsent, 'event is parked', 'events are parked'), 'no event is parked'),
        'left alone: ' || nullif(concat_ws(', ',
            outbox.counted(n.sent, 'is sent already', 'are sent already'),
            outbox.counted(n.parked, 'was parked before', 'were parked before'),
            outbox.counted(n.missing, 'does not exist', 'do not exist')), ''));
END
$$;

COMMENT ON FUNCTION outbox.park(bigint[], text) IS
    'Takes events that are not sent out of line, and says so; outbox.retry brings them back. last_error keeps who did '
    'it and why. Waits for what is being published. 10000 ids at most.';

CREATE OR REPLACE FUNCTION outbox.park(id bigint, reason text DEFAULT NULL) RETURNS text
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT outbox.park(ARRAY[park.id], park.reason)
$$;

COMMENT ON FUNCTION outbox.park(bigint, text) IS 'The same for one event.';

REVOKE EXECUTE ON FUNCTION outbox.park(bigint[], text), outbox.park(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.park(bigint[], text), outbox.park(bigint, text) TO outbox_relay;
