-- SPDX-License-Identifier: Apache-2.0
-- Changing a trigger needs a lock that waits for whoever inserts, and all who insert later wait behind it. One
-- transaction that stays open must not stop them all: the wait is short, and ends with what to do. (Not shorter than
-- deadlock_timeout, 1 s by default, after which an autovacuum that is in the way gives way.)
CREATE OR REPLACE FUNCTION outbox.lock_table() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $$
BEGIN
    LOCK TABLE outbox.event IN SHARE ROW EXCLUSIVE MODE;
EXCEPTION WHEN lock_not_available THEN
    RAISE lock_not_available USING
        MESSAGE = 'nothing is changed: transactions that insert events, or others that use outbox.event, have not '
                  'ended within 2 seconds',
        HINT = 'Wait for them, or end them (outbox.blockers names those that are old), and call it again.';
END
$$;

COMMENT ON FUNCTION outbox.lock_table() IS
    'For outbox.set_wake_up and outbox.set_max_message_bytes: locks outbox.event for a change of its triggers, waiting '
    'for two seconds at most.';

REVOKE EXECUTE ON FUNCTION outbox.lock_table() FROM PUBLIC;
