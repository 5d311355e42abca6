-- SPDX-License-Identifier: Apache-2.0
-- Why events wait: those whose due_at is infinity, by what their last_error says.
CREATE OR REPLACE VIEW outbox.waiting AS
SELECT h.reason,
       pg_catalog.sum(h.events)::bigint AS events,
       pg_catalog.now() - pg_catalog.min(h.oldest) AS oldest,
       pg_catalog.bool_and(h.exact) AS exact
FROM outbox.held() AS h
WHERE h.state = 'waiting'
GROUP BY h.reason
ORDER BY 2 DESC, 1;

COMMENT ON VIEW outbox.waiting IS
    'What events wait for (a paused topic, a missing route, an earlier event), and how many. The relay lets them go by '
    'itself when that is over. Beyond 5,000 it estimates.';
COMMENT ON COLUMN outbox.waiting.reason IS
    'Why the event was not published when it was its turn. What waits behind an event that is parked or retried keeps the '
    'reason for which it first waited.';
COMMENT ON COLUMN outbox.waiting.events IS 'How many events.';
COMMENT ON COLUMN outbox.waiting.oldest IS 'Age of the oldest of them, or of the oldest that was seen.';
COMMENT ON COLUMN outbox.waiting.exact IS 'Whether they are counted. False: there are many, and it is an estimate.';

GRANT SELECT ON outbox.waiting TO outbox_relay, outbox_reader;
