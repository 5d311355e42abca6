-- SPDX-License-Identifier: Apache-2.0
-- How the functions that people call count what they did.
CREATE OR REPLACE FUNCTION outbox.counted(number bigint, one text, many text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE number WHEN 0 THEN NULL WHEN 1 THEN '1 ' || one ELSE number || ' ' || many END
$$;

COMMENT ON FUNCTION outbox.counted(bigint, text, text) IS
    'For the texts that functions return: "1 event", "2 events", or NULL for none, which concat_ws leaves out.';

REVOKE EXECUTE ON FUNCTION outbox.counted(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.counted(bigint, text, text) TO outbox_relay;
