-- SPDX-License-Identifier: Apache-2.0
-- Everything that a person wants to see at once, for the status page and the command status. plpgsql, because the views
-- come in later files; a part a function, so that each is small.
CREATE OR REPLACE FUNCTION outbox.report_backlog() RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH lag AS MATERIALIZED (
            SELECT l.*, extract(epoch FROM l.oldest_pending) AS oldest FROM outbox.lag AS l
        )
        SELECT json_build_object(
            'exact', coalesce(bool_and(l.exact), true),
            'totals', json_build_object(
                'pending', coalesce(sum(l.pending), 0), 'retrying', coalesce(sum(l.retrying), 0),
                'waiting', coalesce(sum(l.waiting), 0), 'scheduled', coalesce(sum(l.scheduled), 0),
                'parked', coalesce(sum(l.parked), 0), 'oldest_pending_seconds', round(max(l.oldest), 3)),
            'by_type', coalesce(json_agg(json_build_object(
                'event_type', l.event_type, 'topic_arn', outbox.topic_of(l.event_type),
                'pending', l.pending, 'retrying', l.retrying, 'waiting', l.waiting,
                'scheduled', l.scheduled, 'parked', l.parked,
                'oldest_pending_seconds', round(l.oldest, 3), 'sent_last_minute', l.sent_last_minute,
                'mean_delay_seconds', round(extract(epoch FROM l.mean_delay), 6)) ORDER BY l.event_type), '[]'))
        FROM lag AS l);
END
$$;

COMMENT ON FUNCTION outbox.report_backlog() IS 'For outbox.report: what waits, in all and per event type.';

CREATE OR REPLACE FUNCTION outbox.report_lists() RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $$
BEGIN
    RETURN json_build_object(
        'relays', (SELECT coalesce(json_agg(r), '[]') FROM (SELECT * FROM outbox.relays LIMIT 100) AS r),
        'waiting', (SELECT coalesce(json_agg(json_build_object(
                        'reason', w.reason, 'events', w.events, 'oldest_seconds', outbox.seconds(w.oldest))), '[]')
                    FROM (SELECT * FROM outbox.waiting LIMIT 20) AS w),
        'parked', (SELECT coalesce(json_agg(json_build_object(
                       'id', p.id, 'event_id', p.event_id, 'event_type', p.event_type, 'aggregate_id', p.aggregate_id,
                       'attempts', p.attempts, 'last_error', p.last_error, 'parked_at', p.parked_at,
                       'parked_seconds', outbox.seconds(p.parked_for))), '[]')
                   FROM (SELECT * FROM outbox.parked AS e ORDER BY e.parked_at DESC LIMIT 20) AS p),
        'paused_topics', (SELECT coalesce(json_agg(p ORDER BY p.paused_at), '[]')
                          FROM (SELECT * FROM outbox.paused_topic LIMIT 100) AS p),
        'blockers', (SELECT coalesce(json_agg(json_build_object(
                         'kind', b.kind, 'pid', b.pid, 'name', b.name, 'age_seconds', outbox.seconds(b.age),
                         'holds_back', b.holds_back, 'query', b.query, 'remedy', b.remedy)), '[]')
                     FROM (SELECT * FROM outbox.blockers LIMIT 20) AS b));
END
$$;

COMMENT ON FUNCTION outbox.report_lists() IS
    'For outbox.report: relays, what waits for what, what is parked, paused topics and blockers, the first of each.';

CREATE OR REPLACE FUNCTION outbox.seconds(age interval) RETURNS numeric
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT round(extract(epoch FROM age), 3)
$$;

COMMENT ON FUNCTION outbox.seconds(interval) IS 'For outbox.report: an interval as seconds.';

CREATE OR REPLACE FUNCTION outbox.report_table() RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT json_build_object(
        'bytes', pg_total_relation_size(c.oid), 'rows_estimate', greatest(c.reltuples, 0)::bigint,
        'hot_ratio', round(s.n_tup_hot_upd / nullif(s.n_tup_upd, 0)::numeric, 4), 'last_autovacuum', s.last_autovacuum)
    FROM pg_class AS c LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
    WHERE c.oid = 'outbox.event'::regclass
$$;

COMMENT ON FUNCTION outbox.report_table() IS 'For outbox.report: the size of outbox.event, and how vacuum keeps it.';

CREATE OR REPLACE FUNCTION outbox.report() RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' -- of the times in it
SET row_security = off -- an error is better than events that a policy hides
AS $$
DECLARE
    backlog CONSTANT json := outbox.report_backlog();
    lists CONSTANT json := outbox.report_lists();
BEGIN
    RETURN json_build_object(
        'read_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'database', json_build_object(
            'name', current_database(), 'server_version', current_setting('server_version'),
            'schema_version', (SELECT max(m.version) FROM outbox.migration AS m),
            'in_recovery', pg_is_in_recovery()),
        'exact', backlog -> 'exact', 'totals', backlog -> 'totals', 'by_type', backlog -> 'by_type',
        'floor', (SELECT json_build_object(
                      'id', s.floor, 'newest', coalesce((SELECT e.id FROM outbox.event AS e ORDER BY e.id DESC LIMIT 1), 0),
                      'moved_at', s.floor_moved_at) FROM outbox.state AS s),
        'relays', lists -> 'relays', 'waiting', lists -> 'waiting', 'parked', lists -> 'parked',
        'paused_topics', lists -> 'paused_topics', 'blockers', lists -> 'blockers',
        'table', outbox.report_table());
END
$$;

COMMENT ON FUNCTION outbox.report() IS
    'How the outbox stands, as one JSON object: the views lag, relays, waiting, parked and blockers, paused topics, the '
    'floor, the size of the table. Every part is bounded: it takes ten to fifty milliseconds.';

REVOKE EXECUTE ON FUNCTION outbox.report_backlog(), outbox.report_lists(), outbox.seconds(interval),
    outbox.report_table(), outbox.report() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.report_backlog(), outbox.report_lists(), outbox.seconds(interval),
    outbox.report_table(), outbox.report() TO outbox_relay, outbox_reader;
