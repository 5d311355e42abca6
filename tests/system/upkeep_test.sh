#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The relay's upkeep: the backlog is measured, for as long as it is known; what is older than the retention time is pruned and nothing else is, by one relay at a time, also
# behind a pooler and after the loss of the database; what fails is said once, and publishing does not notice.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/pooler.sh
source "${BASH_SOURCE[0]%/*}/../lib/pooler.sh"
# shellcheck source=../lib/prometheus.sh
source "${BASH_SOURCE[0]%/*}/../lib/prometheus.sh"

prune_lock="1869968482, 5"

sent() { sql 'select count(*) from outbox.event where sent_at is not null'; }
wait_pruned() { wait_for_sql 30 "$1" 'select count(*) <= 1 from outbox.event where sent_at is not null'; }
wait_sent() {
    wait_for_sql 20 "$1" "select count(*) = 0 from outbox.event
                          where sent_at is null and parked_at is null and due_at is null"
}
log_count() { grep -cE -- "$2" "$system_dir/$1.log" || true; }
upkeep_connections() { sql "select count(*) from pg_stat_activity where application_name = 'outbox-relay upkeep'"; }
relay_log_times() { (($(log_count "$1" "$2") >= $3)); }

system_begin
system_postgres
system_database events
sql "create role relay login in role outbox_relay"
export OUTBOX_SINK=stdout PGUSER=postgres

# Parked, scheduled and newest events stay, however old.
events_insert 40
sql "select outbox.park(array[3, 4]::bigint[], 'a test')" >/dev/null
sql "select outbox.publish('order.later', 'o', '{}', due_at => now() + interval '1 hour')" >/dev/null
relay_start keeper OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_RETENTION=0 PGUSER=relay
wait_sent "all is sent"
wait_for_sql 20 "it measures" "select count(*) = 1 from pg_stat_activity
                               where application_name = 'outbox-relay upkeep' and query = 'COMMIT' and state = 'idle'"
wait_for 20 "the backlog is measured" metric_is keeper outbox_relay_parked_events 2
assert_metric "what is scheduled" keeper outbox_relay_scheduled_events 1
assert_metric "what is pending" keeper 'outbox_relay_pending_events{topic="stdout"}' 0
assert_metric "how long for" keeper 'outbox_relay_oldest_pending_age_seconds{topic="stdout"}' 0
assert_metric "what waits" keeper outbox_relay_waiting_events 0
sql "alter function outbox.backlog() rename to backlog_away"
wait_for 20 "what is not known any more is not shown" metric_is keeper outbox_relay_parked_events ''
assert_metric "nor when it was read" keeper outbox_relay_backlog_read_timestamp_seconds ''
sql "alter function outbox.backlog_away() rename to backlog"
assert_equal "with retention 0 nothing is pruned" 38 "$(sent)"
relay_stop keeper
assert_equal "its log says once that it could not be read, and nothing else is amiss" 1 "$(log_count keeper ' (warn|error) ')"

relay_start one OUTBOX_RETENTION=1s PGUSER=relay
wait_pruned "what is sent is pruned"
assert_equal "what is parked or scheduled stays" "3,4,41" "$(sql "select string_agg(id::text, ',' order by id) from outbox.event where sent_at is null")"
assert_match "the log says how many" 'pruned sent events events=38 seconds=' "$(grep 'pruned' "$system_dir/one.log")"
assert_equal "on one connection" 1 "$(upkeep_connections)"

# One at a time: whoever has the lock.
psql --quiet --no-psqlrc --command "select pg_advisory_lock($prune_lock), pg_sleep(300)" >"$system_dir/holder.log" 2>&1 &
holder=$!
wait_for_sql 10 "somebody else prunes" "select count(*) = 1 from pg_locks where locktype = 'advisory' and (classid, objid) = (1869968482, 5)"
events_insert 20
relay_start two OUTBOX_RETENTION=1s PGUSER=relay
relay_wait_ready two
wait_sent "all is sent meanwhile"
wait_for_sql 20 "both upkeeps are there" "select count(*) = 2 from pg_stat_activity where application_name = 'outbox-relay upkeep'"
wait_for_sql 20 "both have tried" "select bool_and(state_change > backend_start + interval '4 s') from pg_stat_activity where application_name = 'outbox-relay upkeep'"
assert_equal "nothing is pruned while somebody else does" 20 "$(sent)"
sql "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and (classid, objid) = (1869968482, 5)" >/dev/null
wait "$holder" 2>/dev/null || true
wait_pruned "then it is"
relay_stop two

# The database goes and comes back.
postgres_stop "$system_dir/postgres" immediate
wait_for 20 "upkeep notices" relay_log one 'upkeep has no connection'
system_postgres_again
events_insert 10
wait_sent "publishing goes on"
wait_pruned "pruning goes on"
assert_equal "the loss is said once" 1 "$(log_count one 'upkeep has no connection')"
assert_equal "there is one connection again" 1 "$(upkeep_connections)"
relay_stop one

# A right that is missing, or a function, concerns upkeep alone.
sql "revoke execute on function outbox.prune_step(interval, bigint, integer) from outbox_relay"
sql "alter function outbox.backlog() rename to backlog_away"
relay_start poor OUTBOX_RETENTION=1s PGUSER=relay
events_insert 10
wait_sent "publishing does not notice"
wait_for 20 "the missing right is said" relay_log poor 'upkeep fails.*task="prune sent events".*permission denied.*GRANT outbox_relay'
wait_for 20 "the missing function is said" relay_log poor 'upkeep fails.*task="measure the backlog".*does not exist.*migrate up'
sql "grant execute on function outbox.prune_step(interval, bigint, integer) to outbox_relay"
sql "alter function outbox.backlog_away() rename to backlog"
wait_for 40 "both succeed again" relay_log_times poor 'upkeep succeeds again' 2
wait_pruned "and it prunes"
assert_equal "each is said once" 2 "$(log_count poor 'upkeep fails')"
relay_stop poor

# Behind PgBouncer in transaction mode.
pooler_size=6
pooler_start
relay_start pooled OUTBOX_RETENTION=1s PGUSER=relay PGPORT="$pooler_port"
events_insert 10
wait_sent "all is sent through the pooler"
wait_pruned "all is pruned through the pooler"
assert_equal "no limit stays in the pool's sessions" "0|0|on" \
    "$(PGUSER=relay PGPORT=$pooler_port sql "select current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('synchronous_commit')")"
relay_stop pooled
assert_equal "upkeep has nothing to complain of" 0 "$(log_count pooled 'upkeep')"
system_end
