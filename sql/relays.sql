-- SPDX-License-Identifier: Apache-2.0
-- Who publishes: the connections that call themselves outbox-relay, as the program does unless told otherwise, and
-- whoever has the waker lock (see outbox.wake_up).
CREATE OR REPLACE VIEW outbox.relays AS
SELECT a.pid,
       a.application_name AS application,
       pg_catalog.host(a.client_addr) AS client,
       a.backend_start AS since,
       l.pid IS NOT NULL AS leads
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.pg_locks AS l
    ON l.pid = a.pid AND l.locktype = 'advisory' AND l.database = a.datid AND l.granted
   AND l.classid = 1869968482 AND l.objid = 2 AND l.objsubid = 2
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.application_name LIKE 'outbox-relay%' OR l.pid IS NOT NULL)
ORDER BY leads DESC, a.backend_start, a.pid;

COMMENT ON VIEW outbox.relays IS
    'The connections of relays to this database: each relay has several, of which one at a time leads. The connection '
    'that asks is left out.';
COMMENT ON COLUMN outbox.relays.pid IS 'Process of the server that serves the connection.';
COMMENT ON COLUMN outbox.relays.application IS 'What the connection calls itself.';
COMMENT ON COLUMN outbox.relays.client IS
    'The address it comes from. NULL: a socket of this machine, or hidden from who is not a member of its role or of '
    'pg_read_all_stats.';
COMMENT ON COLUMN outbox.relays.since IS 'When it was made. NULL: hidden likewise.';
COMMENT ON COLUMN outbox.relays.leads IS
    'Whether it has the waker lock: it is the relay that writers wake when all of them sleep.';

GRANT SELECT ON outbox.relays TO outbox_relay, outbox_reader;
