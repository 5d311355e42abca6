-- SPDX-License-Identifier: Apache-2.0
-- Schema inbox up, down and up again, beside schema outbox and without it. (How roles are put aside: up_down.sql.)
SELECT plan(12);
\setenv PGDATABASE :DBNAME
\setenv PGUSER outbox_owner

CREATE VIEW belongings AS
    SELECT 'class' AS kind, oid::regclass::text AS name FROM pg_class WHERE relnamespace NOT IN ('pg_toast'::regnamespace)
    AND relpersistence = 'p'
    UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc
    UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace <> 'pg_toast'::regnamespace
    UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT 'role', rolname FROM pg_roles;

\! "$SQL_TESTS/apply.sh" down inbox
SELECT hasnt_schema('inbox', 'down removes the schema');
SELECT has_schema('outbox', 'and leaves the other alone');
SELECT has_role('inbox_consumer', 'a role that another database needs stays');

ALTER ROLE inbox_consumer RENAME TO aside_consumer;
ALTER ROLE inbox_operator RENAME TO aside_operator;
CREATE TABLE before AS SELECT kind, name FROM belongings;
INSERT INTO before SELECT kind, name FROM belongings EXCEPT SELECT kind, name FROM before;

\! "$SQL_TESTS/apply.sh" up inbox
SELECT has_table('inbox', 'processed_event', 'up makes the table');
SELECT is((SELECT count(*)::integer FROM pg_class AS c WHERE c.relnamespace = 'inbox'::regnamespace
           AND pg_get_userbyid(c.relowner) <> 'outbox_owner'), 0, 'all belongs to who migrates');
\! "$SQL_TESTS/apply.sh" down inbox
SELECT set_eq('SELECT kind, name FROM belongings', 'SELECT kind, name FROM before', 'down leaves nothing behind');

\! "$SQL_TESTS/apply.sh" up inbox
CREATE ROLE shop;
GRANT inbox_consumer TO shop;
\! "$SQL_TESTS/apply.sh" down inbox
SELECT ok(to_regrole('inbox_consumer') IS NOT NULL AND to_regrole('inbox_operator') IS NULL, 'a role that has members stays');
DROP ROLE shop, inbox_consumer;

-- Without schema outbox, by a role that may create neither schema nor roles.
CREATE DATABASE inbox_alone TEMPLATE template0;
CREATE ROLE humble LOGIN;
\setenv PGDATABASE inbox_alone
\setenv PGUSER humble
\set output `"$SQL_TESTS/apply.sh" up inbox 2>&1`
SELECT alike(:'output'::text, '%humble may not prepare database inbox_alone for the inbox: permission denied for database%',
    'who may not create a schema is told so');
SELECT substring(:'output' FROM 'migrate again: ([^\n]*)') AS remedy \gset
SELECT is(:'remedy'::text, 'CREATE SCHEMA IF NOT EXISTS inbox AUTHORIZATION humble; CREATE ROLE inbox_consumer NOLOGIN; '
    'CREATE ROLE inbox_operator NOLOGIN;', 'and given the remedy');
SELECT format('host=%s port=%s user=%s dbname=inbox_alone', :'HOST', :'PORT', :'USER') AS alone \gset
SELECT is(dblink_exec(:'alone', :'remedy'), 'CREATE ROLE', 'which a superuser can follow');
\set output `"$SQL_TESTS/apply.sh" up inbox 2>&1`
SELECT is(:'output'::text, '', 'then it goes without complaint');
SELECT is((SELECT first FROM dblink(:'alone', $$SELECT inbox.first_time('billing', gen_random_uuid())$$) AS t(first boolean)), true,
    'and works');

DROP DATABASE inbox_alone;
DROP ROLE humble, inbox_consumer, inbox_operator;
ALTER ROLE aside_consumer RENAME TO inbox_consumer;
ALTER ROLE aside_operator RENAME TO inbox_operator;
SELECT * FROM finish();
