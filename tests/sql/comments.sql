-- SPDX-License-Identifier: Apache-2.0
-- Everything in the schemas says what it is for.
BEGIN;
SELECT plan(6);

SELECT isnt(obj_description(schema::regnamespace), NULL, 'schema ' || schema || ' has a comment')
FROM unnest(ARRAY['outbox', 'inbox']) AS schema;
SELECT is_empty($$SELECT oid::regclass FROM pg_class WHERE relnamespace IN ('outbox'::regnamespace, 'inbox'::regnamespace) AND relkind IN ('r', 'p', 'v', 'm')
                  AND obj_description(oid, 'pg_class') IS NULL$$, 'every table and view has a comment');
SELECT is_empty($$SELECT c.oid::regclass, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
                  WHERE c.relnamespace IN ('outbox'::regnamespace, 'inbox'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
                  AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL$$, 'every column has a comment');
SELECT is_empty($$SELECT oid::regprocedure FROM pg_proc WHERE pronamespace IN ('outbox'::regnamespace, 'inbox'::regnamespace)
                  AND obj_description(oid, 'pg_proc') IS NULL$$, 'every function has a comment');
SELECT is_empty($$SELECT t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
                  WHERE c.relnamespace IN ('outbox'::regnamespace, 'inbox'::regnamespace) AND NOT t.tgisinternal
                  AND obj_description(t.oid, 'pg_trigger') IS NULL$$, 'every trigger has a comment');

SELECT * FROM finish();
ROLLBACK;
