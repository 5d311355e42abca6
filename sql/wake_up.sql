-- SPDX-License-Identifier: Apache-2.0
-- The switch for the wake-up. Only the table's owner can use it.
CREATE OR REPLACE FUNCTION outbox.set_wake_up(enabled boolean) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF enabled IS NULL THEN
        RAISE null_value_not_allowed USING
            MESSAGE = 'outbox.set_wake_up: enabled is NULL',
            HINT = 'Pass true or false.';
    END IF;
    PERFORM outbox.lock_table();
    PERFORM pg_notify('outbox_relay', 'wake_up'); -- the relays look how it stands
    IF enabled THEN
        ALTER TABLE outbox.event ENABLE ALWAYS TRIGGER wake_up;
        RETURN 'the wake-up is on: writers notify a relay that sleeps';
    END IF;
    ALTER TABLE outbox.event DISABLE TRIGGER wake_up;
    RETURN 'the wake-up is off: relays find events by polling (OUTBOX_POLL_INTERVAL)';
END
$$;

COMMENT ON FUNCTION outbox.set_wake_up(boolean) IS
    'Switches the wake-up on or off, and says so. Switch it off where events are inserted in two-phase commits: PREPARE '
    'TRANSACTION refuses a transaction that has notified. Waits for the transactions that are inserting events, and '
    'new ones behind it, for two seconds at most: then it fails, and nothing is changed.';

REVOKE EXECUTE ON FUNCTION outbox.set_wake_up(boolean) FROM PUBLIC;
