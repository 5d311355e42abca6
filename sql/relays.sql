-- SPDX-License-Identifier: Apache-2.0
-- Who publishes: a row for each relay, which is the one of its connections that looks and listens. It calls itself
-- outbox-relay, or what DATABASE_URL says as application_name, and the others add a word to that (outbox-relay claim).
-- Whoever has the waker lock is one under any name (see outbox.wake_up). Behind a pooler sessions carry the name of who
-- had them last: where no relay is seen by its own name, those are shown that have that of another of its connections.
CREATE OR REPLACE VIEW outbox.relays AS
WITH session AS (
    SELECT a.pid, a.application_name, a.client_addr, a.backend_start, l.pid IS NOT NULL AS leads,
           a.application_name ~ '^outbox-relay[^ ]*$' AS is_relay,
           a.application_name ~ '^outbox-relay[^ ]* (claim|upkeep)$' AS is_part
    FROM pg_catalog.pg_stat_activity AS a
    LEFT JOIN pg_catalog.pg_locks AS l
        ON l.pid = a.pid AND l.locktype = 'advisory' AND l.database = a.datid AND l.granted
       AND l.classid = 1869968482 AND l.objid = 2 AND l.objsubid = 2
    WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
)
SELECT s.pid,
       s.application_name AS application,
       pg_catalog.host(s.client_addr) AS client,
       s.backend_start AS since,
       s.leads
FROM session AS s
WHERE s.leads OR s.is_relay
   OR (s.is_part AND NOT EXISTS (SELECT FROM session AS o WHERE o.leads OR o.is_relay))
ORDER BY s.leads DESC, s.backend_start, s.pid;

COMMENT ON VIEW outbox.relays IS
    'The relays of this database, a row for each, of which one at a time leads. The connection that asks is left out. '
    'Through a pooler in transaction mode it tells only whether there are any.';
COMMENT ON COLUMN outbox.relays.pid IS 'Process of the server that serves the connection on which the relay looks.';
COMMENT ON COLUMN outbox.relays.application IS
    'What it calls itself: outbox-relay, or application_name of its DATABASE_URL, which has to begin with that.';
COMMENT ON COLUMN outbox.relays.client IS
    'The address it comes from. NULL: a socket of this machine, or hidden from who is not a member of its role or of '
    'pg_read_all_stats.';
COMMENT ON COLUMN outbox.relays.since IS 'When it connected. NULL: hidden likewise.';
COMMENT ON COLUMN outbox.relays.leads IS
    'Whether it has the waker lock: it is the relay that writers wake when all of them sleep.';

GRANT SELECT ON outbox.relays TO outbox_relay, outbox_reader;
