-- SPDX-License-Identifier: Apache-2.0
-- Takes back 0001: the schema with everything in it: what was processed is forgotten. A role goes too, unless something
-- else still needs it: another database of this server, or a member, who would not be one of a role made anew.
SET LOCAL client_min_messages = warning;

DROP SCHEMA inbox CASCADE;

DO $$
DECLARE
    unused name;
BEGIN
    FOR unused IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r
        WHERE r.rolname IN ('inbox_consumer', 'inbox_operator')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS u ON u.oid = m.member
                          WHERE m.roleid = r.oid AND u.rolname <> current_user)
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('DROP ROLE %I', unused);
        EXCEPTION
            -- undefined_object: another database's migration was faster.
            WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object THEN NULL;
        END;
    END LOOP;
END
$$;
