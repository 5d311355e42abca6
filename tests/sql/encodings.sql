-- SPDX-License-Identifier: Apache-2.0
-- Databases that are not UTF8 take the schema and keep its rules; but not SQL_ASCII, which says nothing about its bytes.
SELECT plan(8);
\setenv PGUSER outbox_owner
\setenv PGCLIENTENCODING UTF8

-- The program sends whole files, comments too, and not every character exists everywhere.
\set strange `cd "$SQL_TESTS/../.." && LC_ALL=C grep -n '[^ -~]' migrations/*.sql migrations/*/*.sql sql/*.sql sql/*/*.sql`
SELECT is(:'strange'::text, '', 'the SQL files are ASCII');

CREATE DATABASE outbox_latin1 OWNER outbox_owner TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE outbox_euc_jp OWNER outbox_owner TEMPLATE template0 ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE outbox_sql_ascii OWNER outbox_owner TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';
\setenv PGDATABASE outbox_latin1
\! "$SQL_TESTS/apply.sh" up
\setenv PGDATABASE outbox_euc_jp
\! "$SQL_TESTS/apply.sh" up
\setenv PGDATABASE outbox_sql_ascii
\set refusal `"$SQL_TESTS/apply.sh" up 2>&1 | grep -o 'database outbox_sql_ascii has the encoding SQL_ASCII'`
SELECT is(:'refusal'::text, 'database outbox_sql_ascii has the encoding SQL_ASCII', 'SQL_ASCII is refused');

CREATE TABLE databases AS SELECT name, format('host=%s port=%s user=%s dbname=outbox_%s', :'HOST', :'PORT', :'USER', name) AS server
FROM unnest(ARRAY['latin1', 'euc_jp']) AS name;

SELECT is((SELECT answer FROM dblink(server, $$SELECT outbox.publish('order.created', chr(163), '{}') IS NOT NULL$$)
           AS t(answer boolean)), true, name || ' takes a character that is not ASCII')
FROM databases WHERE name <> 'euc_jp';
SELECT is((SELECT answer FROM dblink(server, $$SELECT outbox.publish('order.created', convert_from('\xc6fc', 'EUC_JP'), '{}') IS NOT NULL$$)
           AS t(answer boolean)), true, name || ' takes a character that is not ASCII')
FROM databases WHERE name = 'euc_jp';
SELECT throws_like(format('SELECT dblink_exec(%L, %L)', server, $$DO 'BEGIN PERFORM outbox.publish(''order.created'', E''\t'', ''{}''); END'$$),
    'aggregate_id "\\t" is refused%', name || ' refuses a control character')
FROM databases;
SELECT throws_like(format('SELECT dblink_exec(%L, %L)', server, $$DO 'BEGIN PERFORM outbox.publish(''Order'', ''a'', ''{}''); END'$$),
    'event_type "Order" is refused%', name || ' refuses a malformed type')
FROM databases;

DROP DATABASE outbox_latin1;
DROP DATABASE outbox_euc_jp;
DROP DATABASE outbox_sql_ascii;
SELECT * FROM finish();
