-- SPDX-License-Identifier: Apache-2.0
-- How far behind the outbox is, and how fast it goes: outbox.backlog and outbox.sent_recently, which read no history.
CREATE OR REPLACE VIEW outbox.lag AS
SELECT event_type,
       coalesce(b.pending, 0) AS pending,
       coalesce(b.scheduled, 0) AS scheduled,
       coalesce(b.retrying, 0) AS retrying,
       coalesce(b.parked, 0) AS parked,
       b.oldest_pending,
       coalesce(s.sent_last_minute, 0) AS sent_last_minute,
       s.mean_delay,
       coalesce(b.waiting, 0) AS waiting,
       coalesce(b.exact, s.exact) AS exact
FROM outbox.backlog() AS b
FULL JOIN outbox.sent_recently() AS s USING (event_type)
ORDER BY event_type;

COMMENT ON VIEW outbox.lag IS
    'Per event type: how many events wait, for how long, and how fast they are sent. However many there are, it is quick: '
    'where there are many, it estimates; see outbox.backlog.';
COMMENT ON COLUMN outbox.lag.event_type IS 'The event type.';
COMMENT ON COLUMN outbox.lag.pending IS 'Events that are to be sent now.';
COMMENT ON COLUMN outbox.lag.scheduled IS 'Events that a writer has set for later.';
COMMENT ON COLUMN outbox.lag.retrying IS 'Events that failed and will be tried again later.';
COMMENT ON COLUMN outbox.lag.parked IS 'Events that a person must decide about; see outbox.parked.';
COMMENT ON COLUMN outbox.lag.oldest_pending IS 'Age of the oldest pending event, or of the oldest that was seen.';
COMMENT ON COLUMN outbox.lag.sent_last_minute IS
    'Events sent in the last minute; scaled from the latest few thousand where they are more.';
COMMENT ON COLUMN outbox.lag.mean_delay IS
    'The mean time from happening to receipt, of the latest few thousand of those, without what happened a hundred years '
    'from now or more.';
COMMENT ON COLUMN outbox.lag.waiting IS 'Events that wait for what their last_error says; see outbox.waiting.';
COMMENT ON COLUMN outbox.lag.exact IS
    'Whether the numbers of what waits are counted. False: there are many, and they are estimates.';

GRANT SELECT ON outbox.lag TO outbox_relay, outbox_reader;
