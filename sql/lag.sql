-- SPDX-License-Identifier: Apache-2.0
-- How far behind the outbox is. Reads what is not sent, and of what is sent the last 10,000 ids below the floor and
-- all above it, never the history. (About the ranges with two ends see pending.sql.)
CREATE OR REPLACE VIEW outbox.lag AS
WITH recent AS (
    SELECT s.event_type, s.status, s.age, s.delay, s.sent_at FROM outbox.event_status AS s
    WHERE s.id BETWEEN (SELECT floor - 9999 FROM outbox.state) AND 9223372036854775807
      AND s.due_at IS NULL AND s.parked_at IS NULL
    UNION ALL
    SELECT s.event_type, s.status, s.age, s.delay, s.sent_at FROM outbox.event_status AS s
    WHERE s.due_at BETWEEN '-infinity' AND 'infinity' AND s.parked_at IS NULL
    UNION ALL
    SELECT s.event_type, s.status, s.age, s.delay, s.sent_at FROM outbox.event_status AS s
    WHERE s.parked_at BETWEEN '-infinity' AND 'infinity'
)
SELECT event_type,
       pg_catalog.count(*) FILTER (WHERE status = 'pending') AS pending,
       pg_catalog.count(*) FILTER (WHERE status = 'scheduled') AS scheduled,
       pg_catalog.count(*) FILTER (WHERE status = 'retrying') AS retrying,
       pg_catalog.count(*) FILTER (WHERE status = 'parked') AS parked,
       pg_catalog.max(age) FILTER (WHERE status = 'pending') AS oldest_pending,
       pg_catalog.count(*) FILTER (WHERE sent_at > pg_catalog.now() - interval '1 minute') AS sent_last_minute,
       pg_catalog.avg(delay) FILTER (WHERE sent_at > pg_catalog.now() - interval '1 minute') AS mean_delay
FROM recent
GROUP BY event_type
ORDER BY event_type;

COMMENT ON VIEW outbox.lag IS 'Per event type: how many events wait, for how long, and how fast they are sent.';
COMMENT ON COLUMN outbox.lag.event_type IS 'The event type.';
COMMENT ON COLUMN outbox.lag.pending IS 'Events that are to be sent now.';
COMMENT ON COLUMN outbox.lag.scheduled IS 'Events that a writer has set for later.';
COMMENT ON COLUMN outbox.lag.retrying IS 'Events that failed and will be tried again.';
COMMENT ON COLUMN outbox.lag.parked IS 'Events that a person must decide about; see outbox.event_status.';
COMMENT ON COLUMN outbox.lag.oldest_pending IS 'Age of the oldest pending event.';
COMMENT ON COLUMN outbox.lag.sent_last_minute IS
    'Events sent in the last minute, as far as they are among the last 10,000 below the floor or above it.';
COMMENT ON COLUMN outbox.lag.mean_delay IS 'The mean time from happening to receipt, of those.';

GRANT SELECT ON outbox.lag TO outbox_relay, outbox_reader;
