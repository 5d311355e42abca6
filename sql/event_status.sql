-- SPDX-License-Identifier: Apache-2.0
-- Every event as a person wants to see it. The views pending, parked and lag are made of it: files are applied in the
-- order of their names, and this one comes first. An event that waits (due_at is infinity, and last_error says for what)
-- is retrying when it has failed itself, else pending: it is no writer's schedule. An infinite occurred_at, which only
-- events from before outbox.check_event refused it can have, gives neither age nor delay.
CREATE OR REPLACE VIEW outbox.event_status AS
SELECT e.id, e.event_id, e.event_type, e.event_version, e.aggregate_id,
       CASE WHEN e.sent_at IS NOT NULL THEN 'sent'
            WHEN e.parked_at IS NOT NULL THEN 'parked'
            WHEN e.attempts > 0 AND e.due_at IS NOT NULL THEN 'retrying'
            WHEN e.due_at > pg_catalog.now() AND e.last_error IS NULL THEN 'scheduled'
            ELSE 'pending' END AS status,
       CASE WHEN e.sent_at IS NULL AND pg_catalog.isfinite(e.occurred_at)
            THEN pg_catalog.now() - e.occurred_at END AS age,
       CASE WHEN pg_catalog.isfinite(e.occurred_at) THEN e.sent_at - e.occurred_at END AS delay,
       e.occurred_at, e.due_at, e.attempts, e.last_error, e.parked_at, e.sent_at, e.message_id, e.metadata, e.data
FROM outbox.event AS e;

COMMENT ON VIEW outbox.event_status IS 'Every event with its status, its age and its delay.';
COMMENT ON COLUMN outbox.event_status.id IS 'Order of the events.';
COMMENT ON COLUMN outbox.event_status.event_id IS 'What consumers recognise a duplicate by.';
COMMENT ON COLUMN outbox.event_status.event_type IS 'What happened.';
COMMENT ON COLUMN outbox.event_status.event_version IS 'Version of the form of data.';
COMMENT ON COLUMN outbox.event_status.aggregate_id IS 'What the event is about.';
COMMENT ON COLUMN outbox.event_status.status IS
    'sent; parked: a person must decide; retrying: failed and will be tried again; scheduled: by its writer, for later; '
    'pending: all else. One with due_at infinity waits for what last_error says, and goes by itself then.';
COMMENT ON COLUMN outbox.event_status.age IS 'How long ago it happened, of an event that is not sent.';
COMMENT ON COLUMN outbox.event_status.delay IS 'From happening to the broker''s receipt, of an event that is sent.';
COMMENT ON COLUMN outbox.event_status.occurred_at IS 'When it happened.';
COMMENT ON COLUMN outbox.event_status.due_at IS 'Not to be published before. Infinity: it waits.';
COMMENT ON COLUMN outbox.event_status.attempts IS 'How often publishing has failed.';
COMMENT ON COLUMN outbox.event_status.last_error IS
    'Why the latest attempt failed, what it waits for, or who has parked it and why.';
COMMENT ON COLUMN outbox.event_status.parked_at IS 'When it was parked.';
COMMENT ON COLUMN outbox.event_status.sent_at IS 'When it was marked sent.';
COMMENT ON COLUMN outbox.event_status.message_id IS 'The broker''s receipt.';
COMMENT ON COLUMN outbox.event_status.metadata IS 'What came with the event.';
COMMENT ON COLUMN outbox.event_status.data IS 'The payload.';

GRANT SELECT ON outbox.event_status TO outbox_relay, outbox_reader;
