#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PgBouncer in transaction mode stands between: the relay says that it polls, everything flows, several relays share the
# work, and nothing of a session stays behind in the pool. PgBouncer is restarted and killed in the middle of the work.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"
# shellcheck source=../lib/pooler.sh
source "${BASH_SOURCE[0]%/*}/../lib/pooler.sh"

events=4000
pooler_size=6

# pooled STATEMENT runs it in one of the relays' pooled sessions; the next call uses the next session.
pooled() { PGUSER=relay PGPORT=$pooler_port sql "$1"; }

# What a session may keep that would change what the next client of the pool sees. PgBouncer itself sets the parameters that
# it follows; everything else that is set must have gone with its transaction.
leftovers="select pg_backend_pid() || ' '
    || (select count(*) from pg_listening_channels()) || ' listening, '
    || (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') || ' locks, '
    || (select count(*) from pg_prepared_statements) || ' prepared, '
    || (select count(*) from pg_cursors where name <> '') || ' cursors, set: '
    || coalesce((select string_agg(name, ' ' order by name) from pg_settings where source = 'session'
                 and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')), 'nothing')"

# assert_pool_clean NAME asks every session that the pool has.
assert_pool_clean() {
    : >"$system_dir/leftovers"
    wait_for 60 "$1: all sessions of the pool are asked" all_asked
    assert_equal "$1: nothing stays behind in $(cut -d ' ' -f 1 "$system_dir/leftovers" | sort -u | wc -l) sessions of the pool" \
        "0 listening, 0 locks, 0 prepared, 0 cursors, set: nothing" "$(cut -d ' ' -f 2- "$system_dir/leftovers" | sort -u)"
    assert_equal "$1: a parameter that the claims set is as it was" on "$(pooled 'show enable_seqscan')"
}
all_asked() {
    pooled "$leftovers" >>"$system_dir/leftovers"
    sql "select pid from pg_stat_activity where usename = 'relay'" | sort >"$system_dir/sessions"
    [[ -z $(cut -d ' ' -f 1 "$system_dir/leftovers" | sort -u | comm -13 - "$system_dir/sessions") ]]
}

# 4 clients, each 25 transactions of 40 events; straight to the server.
produce() {
    cat >"$system_dir/produce.sql" <<'SQL'
insert into outbox.event (event_type, aggregate_id, data)
select 'order.created', 'order-' || n, json_build_object('n', n) from generate_series(1, 40) n;
SQL
    pgbench --no-vacuum --client 4 --transactions 25 --file "$system_dir/produce.sql" >"$system_dir/pgbench.log" 2>&1 ||
        fail "pgbench failed: $(tail -n 3 "$system_dir/pgbench.log")"
}

# in_the_middle inserts events and waits until a quarter of them is published.
in_the_middle() {
    local already
    already=$(messages_count)
    events_insert "$events"
    messages_wait 60 $((already + events / 4))
}

system_begin
system_postgres
system_database events
sql 'create role relay login in role outbox_relay'
system_stub --delay 20
pooler_start
export OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=8 OUTBOX_POLL_INTERVAL=50ms
through_pooler=DATABASE_URL="postgresql://relay@127.0.0.1:$pooler_port/events"

relay_start one "$through_pooler"
relay_wait_ready one
assert_match "the relay says that it polls" "a pooler in transaction mode is in front of PostgreSQL: no LISTEN, events are found by polling" \
    "$(<"$system_dir/one.log")"
assert_match "also when it is ready" " ready .*wake_up=poll" "$(<"$system_dir/one.log")"
produce
events_wait_all_sent 60
assert_nothing_lost
assert_equal "one relay: nothing is published twice" 0 "$(messages_duplicates)"
assert_pool_clean "one relay at work"

relay_start two "$through_pooler"
relay_start three "$through_pooler"
relay_wait_ready two
relay_wait_ready three
produce
events_wait_all_sent 60
assert_nothing_lost
assert_equal "three relays: nothing is published twice" 0 "$(messages_duplicates)"
assert_pool_clean "three relays at work"
relay_stop two
relay_stop three

in_the_middle
process_stop "$system_dir/pooler.pid"
pooler_start
recovery_begin
recovery_end "PgBouncer restarted"
events_wait_all_sent 60
assert_nothing_lost
assert_equal "PgBouncer restarted: nothing is published twice" 0 "$(messages_duplicates)"

in_the_middle
kill -KILL "$process_id"
wait "$process_id" 2>/dev/null || true
pooler_start
recovery_begin
recovery_end "PgBouncer killed"
events_wait_all_sent 60
assert_nothing_lost
assert_equal "PgBouncer killed: nothing is published twice" 0 "$(messages_duplicates)"

in_the_middle
postgres_stop "$system_dir/postgres" immediate
system_postgres_again
recovery_begin
recovery_end "PostgreSQL crashed behind PgBouncer"
events_wait_all_sent 60
assert_nothing_lost
duplicates_say "PostgreSQL crashed behind PgBouncer"

assert_equal "it is the relay that was started first" yes "$(process_running "$system_dir/one.pid" && say yes)"
relay_stop one
assert_pool_clean "after the relay"
for name in one two three; do
    assert_not_rescued "$name"
done
system_end
