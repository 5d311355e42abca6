-- SPDX-License-Identifier: Apache-2.0
-- What waits, found without reading what is sent: above the floor by id, and through the index on due_at. Each range
-- has a second end that excludes nothing: where the planner lacks statistics or the value, it takes a range with one
-- end for a third of the table, IS NOT NULL for all of it, and a range with two ends for half a percent, which makes
-- it use the index.
CREATE OR REPLACE VIEW outbox.pending AS
SELECT s.* FROM outbox.event_status AS s
WHERE s.id BETWEEN (SELECT floor + 1 FROM outbox.state) AND 9223372036854775807
  AND s.sent_at IS NULL AND s.parked_at IS NULL AND s.due_at IS NULL
UNION ALL
SELECT s.* FROM outbox.event_status AS s
WHERE s.due_at BETWEEN '-infinity' AND 'infinity' AND s.sent_at IS NULL AND s.parked_at IS NULL;

COMMENT ON VIEW outbox.pending IS
    'The events that are not sent and not parked, with the columns of outbox.event_status. However many are sent, it is '
    'quick.';

GRANT SELECT ON outbox.pending TO outbox_relay, outbox_reader;
