-- SPDX-License-Identifier: Apache-2.0
-- Who consumes, and how much. One pass over the table, in parallel where PostgreSQL may: counting is what costs, and no
-- index would make that cheap.
CREATE OR REPLACE VIEW inbox.consumer AS
SELECT p.consumer,
       pg_catalog.count(*) AS events,
       pg_catalog.min(p.processed_at) AS first,
       pg_catalog.max(p.processed_at) AS last,
       pg_catalog.count(*) FILTER (WHERE p.processed_at > pg_catalog.now() - interval '1 minute') AS last_minute,
       pg_catalog.count(*) FILTER (WHERE p.processed_at > pg_catalog.now() - interval '1 hour') AS last_hour
FROM inbox.processed_event AS p
GROUP BY p.consumer
ORDER BY p.consumer;

COMMENT ON VIEW inbox.consumer IS
    'Per consumer: how many events it is remembered to have processed, and when. Reads the whole table: some seconds with '
    'ten million rows. To watch it all the time, count those WHERE processed_at > now() - interval ''1 minute'', which an '
    'index finds.';
COMMENT ON COLUMN inbox.consumer.consumer IS 'Its name, as it calls inbox.first_time.';
COMMENT ON COLUMN inbox.consumer.events IS 'Events that it has processed and that are not pruned.';
COMMENT ON COLUMN inbox.consumer.first IS 'When it processed the first of them.';
COMMENT ON COLUMN inbox.consumer.last IS 'When it processed the last one.';
COMMENT ON COLUMN inbox.consumer.last_minute IS 'How many in the last minute.';
COMMENT ON COLUMN inbox.consumer.last_hour IS 'How many in the last hour.';

GRANT SELECT ON inbox.consumer TO inbox_operator;
