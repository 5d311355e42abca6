-- SPDX-License-Identifier: Apache-2.0
-- Up, down and up again: nothing stays behind, and a role that cannot migrate is told why. The roles belong to the
-- whole server, where other databases use them; they are put aside by another name meanwhile.
SELECT plan(13);
\setenv PGDATABASE :DBNAME
\setenv PGUSER outbox_owner

CREATE VIEW belongings AS
    SELECT 'class' AS kind, oid::regclass::text AS name FROM pg_class WHERE relnamespace NOT IN ('pg_toast'::regnamespace)
    AND relpersistence = 'p'
    UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc
    UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace <> 'pg_toast'::regnamespace
    UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT 'role', rolname FROM pg_roles;

\! "$SQL_TESTS/apply.sh" down
SELECT hasnt_schema('outbox', 'down removes the schema');
SELECT has_role('outbox_writer', 'a role that another database needs stays');

ALTER ROLE outbox_writer RENAME TO aside_writer;
ALTER ROLE outbox_relay RENAME TO aside_relay;
ALTER ROLE outbox_reader RENAME TO aside_reader;
CREATE TABLE before AS SELECT kind, name FROM belongings;
INSERT INTO before SELECT kind, name FROM belongings EXCEPT SELECT kind, name FROM before;

\! "$SQL_TESTS/apply.sh" up
SELECT has_table('outbox', 'event', 'up makes the table');
SELECT has_role('outbox_writer', 'and the roles');
SELECT is((SELECT count(*)::integer FROM pg_class AS c WHERE c.relnamespace = 'outbox'::regnamespace
           AND pg_get_userbyid(c.relowner) <> 'outbox_owner'), 0, 'all belongs to who migrates');
\! "$SQL_TESTS/apply.sh" down
SELECT set_eq('SELECT kind, name FROM belongings', 'SELECT kind, name FROM before', 'down leaves nothing behind');

\! "$SQL_TESTS/apply.sh" up
\! "$SQL_TESTS/apply.sh" up 2>/dev/null
SELECT is((SELECT count(*)::integer FROM outbox.state), 1, 'up again works');
CREATE ROLE shop;
GRANT outbox_writer TO shop;
\! "$SQL_TESTS/apply.sh" down
SELECT ok(to_regrole('outbox_writer') IS NOT NULL AND to_regrole('outbox_relay') IS NULL AND to_regrole('outbox_reader') IS NULL,
    'a role that has members stays');
DROP ROLE shop, outbox_writer;

-- A role that may create neither schema nor roles.
CREATE ROLE humble LOGIN;
\setenv PGUSER humble
\set output `"$SQL_TESTS/apply.sh" up 2>&1`
SELECT alike(:'output'::text, '%humble may not prepare database ' || :'DBNAME' || ' for the outbox: permission denied for database%',
    'who may not create a schema is told so');
SELECT substring(:'output' FROM 'migrate again: ([^\n]*)') AS remedy \gset
SELECT is(:'remedy'::text, 'CREATE SCHEMA IF NOT EXISTS outbox AUTHORIZATION humble; CREATE ROLE outbox_writer NOLOGIN; '
    'CREATE ROLE outbox_relay NOLOGIN; CREATE ROLE outbox_reader NOLOGIN;', 'and given the remedy');
CREATE SCHEMA outbox AUTHORIZATION humble;
\set output `"$SQL_TESTS/apply.sh" up 2>&1`
SELECT alike(:'output'::text, '%permission denied to create role%HINT:%again: CREATE ROLE outbox_writer NOLOGIN; CREATE ROLE%',
    'who may not create roles is told so');
DROP SCHEMA outbox;
:remedy
\set output `"$SQL_TESTS/apply.sh" up 2>&1`
SELECT is(:'output'::text, '', 'and after the remedy it goes without complaint');
SELECT has_table('outbox', 'event', 'and works');

DROP SCHEMA outbox CASCADE;
DROP ROLE humble, outbox_writer, outbox_relay, outbox_reader;
ALTER ROLE aside_writer RENAME TO outbox_writer;
ALTER ROLE aside_relay RENAME TO outbox_relay;
ALTER ROLE aside_reader RENAME TO outbox_reader;
SELECT * FROM finish();
