-- SPDX-License-Identifier: Apache-2.0
-- What people write about what they do by hand, for whoever looks at it next.
CREATE OR REPLACE FUNCTION outbox.check_reason(reason text) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(reason, '') COLLATE "C" !~ E'[\\x01-\\x1f\\x7f]' AND octet_length(coalesce(reason, '')) <= 500
        OR outbox.refuse('reason', reason,
            'it must be 500 bytes at most, without control characters',
            'Write one short line, and where to find the rest.')
$$;

COMMENT ON FUNCTION outbox.check_reason(text) IS 'Refuses a reason that is too long or not one line; else true.';

REVOKE EXECUTE ON FUNCTION outbox.check_reason(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.check_reason(text) TO outbox_relay;
