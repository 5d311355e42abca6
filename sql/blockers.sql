-- SPDX-License-Identifier: Apache-2.0
-- Who holds back the outbox or vacuum. A transaction that has an id holds the floor, whatever it does and in whichever
-- database: no snapshot tells that it will not bring an event any more (see relay/outbox/scan.h). Vacuum is held by
-- snapshots and ids of this database, that of the shared catalogs by all. What a version of PostgreSQL lacks is read
-- through JSON.
CREATE OR REPLACE VIEW outbox.blockers AS
WITH session AS (
    SELECT a.*, a.datid = d.oid AS here, pg_catalog.clock_timestamp() - a.xact_start AS xact_age,
           a.application_name LIKE 'outbox-relay%' AS is_relay,
           pg_catalog.age(coalesce(a.backend_xid, a.backend_xmin)) AS transactions,
           a.backend_type IS NULL AS hidden
    FROM pg_catalog.pg_stat_activity AS a, pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
      AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL) AND a.leader_pid IS NULL
      -- VACUUM holds back no other vacuum; parallel workers are part of their leader; standbys come below.
      AND coalesce(a.backend_type, '') NOT IN ('autovacuum worker', 'walsender')
      AND a.pid NOT IN (SELECT v.pid FROM pg_catalog.pg_stat_progress_vacuum AS v)
      AND a.pid NOT IN (SELECT r.pid FROM pg_catalog.pg_stat_replication AS r)
), slot AS (
    SELECT s.*, (pg_catalog.to_jsonb(s) ->> 'inactive_since')::timestamptz AS inactive_at,
           pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                                           ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn) AS wal
    FROM pg_catalog.pg_replication_slots AS s
), blocker AS (
    SELECT 'transaction' AS kind,
           s.pid,
           pg_catalog.concat_ws(', ', s.usename, nullif(s.application_name, ''), s.state) AS name,
           s.xact_age AS age,
           pg_catalog.concat_ws(', ', CASE WHEN s.backend_xid IS NOT NULL THEN 'the floor' END,
                                CASE WHEN s.here THEN 'vacuum' ELSE 'vacuum of shared catalogs' END) AS holds_back,
           pg_catalog."left"(s.query, 200) AS query,
           CASE WHEN s.state LIKE 'idle in transaction%'
                THEN 'it does nothing: end it where it was begun, or: '
                ELSE 'wait for it, or: ' END
           || pg_catalog.format('SELECT pg_terminate_backend(%s);', s.pid) AS remedy
    FROM session AS s
    WHERE NOT s.hidden AND s.xact_age > CASE WHEN s.is_relay THEN interval '5 minutes' ELSE interval '10 seconds' END
    UNION ALL
    SELECT 'prepared', NULL, p.gid, pg_catalog.clock_timestamp() - p.prepared,
           'the floor, ' || CASE WHEN p.database = pg_catalog.current_database() THEN 'vacuum'
                                 ELSE 'vacuum of shared catalogs' END,
           NULL,
           pg_catalog.format('%s has prepared it: let its transaction manager end it, or, in database %s: '
                             'ROLLBACK PREPARED %L; (or COMMIT PREPARED)', p.owner, p.database, p.gid)
    FROM pg_catalog.pg_prepared_xacts AS p
    WHERE p.prepared < pg_catalog.clock_timestamp() - interval '10 seconds'
    UNION ALL
    -- A slot in use is as it should be, unless it is far behind.
    SELECT 'slot', s.active_pid, s.slot_name::text, pg_catalog.clock_timestamp() - s.inactive_at,
           pg_catalog.concat_ws(', ', CASE WHEN s.xmin IS NOT NULL THEN 'vacuum' END,
               CASE WHEN s.xmin IS NULL AND s.catalog_xmin IS NOT NULL THEN 'vacuum of catalogs' END,
               pg_catalog.pg_size_pretty(s.wal) || ' of WAL'),
           NULL,
           CASE WHEN s.active THEN 'see why what reads it is behind (pg_stat_replication)'
                ELSE 'start what reads it, or, if it is gone for good: '
                     || pg_catalog.format('SELECT pg_drop_replication_slot(%L);', s.slot_name) END
    FROM slot AS s
    WHERE (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL OR s.wal IS NOT NULL)
      AND (NOT s.active OR s.wal > 1073741824 OR pg_catalog.age(s.xmin) > 1000000)
    UNION ALL
    SELECT 'standby', r.pid, r.application_name, NULL,
           pg_catalog.format('vacuum, for %s transactions', pg_catalog.age(r.backend_xmin)),
           NULL,
           'end the old transactions on the standby (pg_stat_activity there), or set hot_standby_feedback = off there'
    FROM pg_catalog.pg_stat_replication AS r
    WHERE pg_catalog.age(r.backend_xmin) > 100000
    UNION ALL
    -- PostgreSQL hides when a transaction of another role began.
    SELECT 'unknown', NULL, pg_catalog.format('%s sessions of other roles', pg_catalog.count(*)), NULL,
           pg_catalog.format('perhaps: %s for %s transactions',
               CASE WHEN pg_catalog.bool_or(s.backend_xid IS NOT NULL) THEN 'the floor, vacuum' ELSE 'vacuum' END,
               pg_catalog.max(s.transactions)),
           NULL,
           pg_catalog.format('to see them: GRANT pg_read_all_stats TO %I;', current_user)
    FROM session AS s
    WHERE s.hidden AND s.transactions > 10000
    HAVING pg_catalog.count(*) > 0
)
SELECT b.kind, b.pid,
       -- What comes of names of type name would have another collation than texts have.
       b.name COLLATE pg_catalog."default" AS name,
       b.age,
       b.holds_back COLLATE pg_catalog."default" AS holds_back,
       b.query,
       b.remedy COLLATE pg_catalog."default" AS remedy
FROM blocker AS b
ORDER BY b.age DESC NULLS LAST, b.kind, b.pid;

COMMENT ON VIEW outbox.blockers IS
    'Who holds back the outbox or vacuum, the oldest first: transactions older than 10 seconds (a relay''s own, older '
    'than 5 minutes), prepared transactions, replication slots that nobody reads or that are far behind, standbys that '
    'report old snapshots. A member of pg_read_all_stats (as pg_monitor is) sees them all; to others a row of kind '
    'unknown tells that sessions of other roles may be old.';
COMMENT ON COLUMN outbox.blockers.kind IS 'transaction, prepared, slot, standby, or unknown: what may not be seen.';
COMMENT ON COLUMN outbox.blockers.pid IS 'Process of the server, where there is one.';
COMMENT ON COLUMN outbox.blockers.name IS
    'Of a transaction its role, application and state; of a prepared one its identifier; of slot or standby its name.';
COMMENT ON COLUMN outbox.blockers.age IS
    'How long since the transaction began, was prepared, or the slot was read. NULL: not known, as for slots before '
    'PostgreSQL 17.';
COMMENT ON COLUMN outbox.blockers.holds_back IS
    'The floor: what is above it is read again when a relay starts, and cannot be pruned. Vacuum: dead rows and index '
    'entries stay. WAL: files stay on the disk.';
COMMENT ON COLUMN outbox.blockers.query IS 'The statement that it runs or ran last, 200 characters of it.';
COMMENT ON COLUMN outbox.blockers.remedy IS 'What to do.';

GRANT SELECT ON outbox.blockers TO outbox_relay, outbox_reader;
