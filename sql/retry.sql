-- SPDX-License-Identifier: Apache-2.0
-- Trying events again by hand: those that are parked, and those that the relay has put off after a failure. What a
-- writer has set for later stays so, and what waits (due_at is infinity) would only wait again: the relay lets it go.
CREATE OR REPLACE FUNCTION outbox.retry_locked(ids bigint[], published bigint, OUT tried bigint, OUT answer text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than events that a policy hides
AS $$
DECLARE
    n record;
BEGIN
    -- A row that is brought back gets a time and not NULL: the relay does not look by id for what is below its floor.
    WITH before AS (
        SELECT e.id, CASE WHEN e.sent_at IS NOT NULL THEN 'sent'
                          WHEN e.parked_at IS NOT NULL THEN 'parked'
                          WHEN e.due_at IS NULL OR e.due_at <= clock_timestamp() THEN 'in line'
                          WHEN e.last_error IS NULL THEN 'scheduled'
                          WHEN e.due_at = 'infinity' THEN 'waiting'
                          ELSE 'put off' END AS state
        FROM outbox.event AS e WHERE e.id = ANY (ids)
    ), changed AS (
        UPDATE outbox.event AS e
        SET parked_at = NULL, due_at = clock_timestamp(),
            attempts = CASE b.state WHEN 'parked' THEN 0 ELSE e.attempts END
        FROM before AS b WHERE e.id = b.id AND e.id = ANY (ids) AND b.state IN ('parked', 'put off')
    )
    SELECT count(*) FILTER (WHERE state = 'parked') AS parked,
           count(*) FILTER (WHERE state = 'put off') AS put_off,
           count(*) FILTER (WHERE state = 'sent') AS sent,
           count(*) FILTER (WHERE state = 'in line') AS in_line,
           count(*) FILTER (WHERE state = 'scheduled') AS scheduled,
           count(*) FILTER (WHERE state = 'waiting') AS waiting,
           (SELECT count(DISTINCT i.id) FROM unnest(ids) AS i(id)) - count(*) AS missing
    INTO n FROM before;

    tried := n.parked + n.put_off;
    IF tried > 0 THEN
        PERFORM pg_notify('outbox_relay', 'event');
    END IF;
    answer := concat_ws('; ',
        concat_ws(': ',
            coalesce(outbox.counted(tried, 'event', 'events'), 'no event') || ' will be tried again',
            nullif(concat_ws(', ',
                outbox.counted(n.parked, 'was parked', 'were parked'),
                outbox.counted(n.put_off, 'was put off', 'were put off')), '')),
        'left alone: ' || nullif(concat_ws(', ',
            outbox.counted(n.sent, 'is sent already', 'are sent already'),
            outbox.counted(n.in_line, 'is in line already', 'are in line already'),
            outbox.counted(published, 'is being published', 'are being published'),
            outbox.counted(n.scheduled, 'is scheduled by its writer', 'are scheduled by their writers'),
            outbox.counted(n.waiting, 'waits for what its last_error says', 'wait for what their last_error says'),
            outbox.counted(n.missing, 'does not exist', 'do not exist')), ''));
END
$$;

COMMENT ON FUNCTION outbox.retry_locked(bigint[], bigint) IS
    'For outbox.retry: tries again those of the events, which the caller has locked, that are parked or put off, and '
    'says how many and in words; published is how many more are being published.';

CREATE OR REPLACE FUNCTION outbox.retry(VARIADIC ids bigint[]) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM outbox.lock_events(ids);
    RETURN (SELECT r.answer FROM outbox.retry_locked(ids, 0) AS r);
END
$$;

COMMENT ON FUNCTION outbox.retry(bigint[]) IS
    'Tries events again, and says so: parked ones come back into line as if they had never failed, those to be retried '
    'later are due at once; last_error stays. Waits for what is being published. 10000 ids at most.';

-- What is being published is passed over: the relay tries it right now. Each call is a small step; what is due already
-- comes last, so that it does not use up the step.
CREATE OR REPLACE FUNCTION outbox.retry(pattern text, most integer DEFAULT 10000) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET row_security = off -- an error is better than events that a policy hides
AS $$
DECLARE
    regex text := outbox.pattern_regex(pattern);
    candidates bigint[];
    locked bigint[];
    result record;
BEGIN
    PERFORM outbox.check_retry(pattern, most);
    candidates := ARRAY(
        SELECT f.id FROM (
            (SELECT e.id FROM outbox.event AS e
             WHERE e.parked_at BETWEEN '-infinity' AND 'infinity' AND e.sent_at IS NULL AND e.event_type || '.' ~ regex
             ORDER BY e.parked_at LIMIT most)
            UNION ALL
            (SELECT e.id FROM outbox.event AS e
             WHERE e.due_at >= '-infinity' AND e.due_at < 'infinity' AND e.last_error IS NOT NULL
               AND e.sent_at IS NULL AND e.parked_at IS NULL AND e.event_type || '.' ~ regex
             ORDER BY e.due_at DESC LIMIT most)) AS f
        LIMIT most);
    locked := ARRAY(
        SELECT e.id FROM outbox.event AS e
        WHERE e.id = ANY (candidates) ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED);
    result := outbox.retry_locked(locked, cardinality(candidates) - cardinality(locked));
    RETURN result.answer || CASE WHEN cardinality(candidates) = most AND result.tried > 0
                                 THEN '; there may be more: call it again' ELSE '' END;
END
$$;

COMMENT ON FUNCTION outbox.retry(text, integer) IS
    'The same for the events whose type matches the pattern (* is one word, ** any number), as many as most, parked '
    'ones first. Passes over what is being published.';

CREATE OR REPLACE FUNCTION outbox.check_retry(pattern text, most integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM outbox.check_pattern(coalesce(pattern, ''));
    -- An id that was passed as a text.
    IF pattern ~ '^[0-9]+$' THEN
        PERFORM outbox.refuse('pattern', pattern,
            'no event type begins with a digit',
            format('For the event of this id write outbox.retry(%1$s), without quotes, or ::bigint; or call outbox-relay '
                   'retry %1$s.', pattern));
    END IF;
    IF most IS NULL OR most < 1 OR most > 10000 THEN
        PERFORM outbox.refuse('most', coalesce(most::text, 'NULL'),
            'it must be 1 to 10000',
            'Call it again for more, each time in a transaction of its own.');
    END IF;
END
$$;

COMMENT ON FUNCTION outbox.check_retry(text, integer) IS 'For outbox.retry: refuses arguments that make no sense.';

REVOKE EXECUTE ON FUNCTION outbox.retry_locked(bigint[], bigint), outbox.retry(bigint[]), outbox.retry(text, integer),
    outbox.check_retry(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.retry_locked(bigint[], bigint), outbox.retry(bigint[]), outbox.retry(text, integer),
    outbox.check_retry(text, integer) TO outbox_relay;
