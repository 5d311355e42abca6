-- SPDX-License-Identifier: Apache-2.0
-- The views pending and parked have the columns of event_status, and so their comments. This file comes after theirs.
DO $$
DECLARE
    view text;
    name text;
    comment text;
BEGIN
    FOR view, name, comment IN
        SELECT v.view, a.attname, pg_catalog.col_description(a.attrelid, a.attnum)
        FROM pg_catalog.pg_attribute AS a, (VALUES ('pending'), ('parked')) AS v(view)
        WHERE a.attrelid = 'outbox.event_status'::pg_catalog.regclass AND a.attnum > 0
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON COLUMN outbox.%I.%I IS %L', view, name, comment);
    END LOOP;
END
$$;
