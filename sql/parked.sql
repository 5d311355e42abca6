-- SPDX-License-Identifier: Apache-2.0
-- What a person must decide about, found in the index on parked_at. (About the range with two ends see pending.sql.)
-- The column of its own comes first: CREATE OR REPLACE can only add columns at the end, as outbox.event_status may.
CREATE OR REPLACE VIEW outbox.parked AS
SELECT pg_catalog.now() - s.parked_at AS parked_for, s.* FROM outbox.event_status AS s
WHERE s.parked_at BETWEEN '-infinity' AND 'infinity' AND s.sent_at IS NULL;

COMMENT ON VIEW outbox.parked IS
    'The events that are parked, with the columns of outbox.event_status; outbox.retry brings them back into line. '
    'However many are sent, it is quick.';
COMMENT ON COLUMN outbox.parked.parked_for IS 'How long ago it was parked.';

GRANT SELECT ON outbox.parked TO outbox_relay, outbox_reader;
