#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A primary with a standby: the primary is killed, the standby promoted, and the relay, which knows both, goes on there. A
# synchronous standby has everything that writers were promised. An asynchronous one has less than the relay has seen, and
# gives the same ids to other events. A server that accepts connections and never answers is passed over.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"
# shellcheck source=../lib/standby.sh
source "${BASH_SOURCE[0]%/*}/../lib/standby.sh"

# insert_for_ever inserts 100 events at a time on whichever server is the primary. What it has been told is committed, on the
# standby as well, is in "$system_dir/acknowledged"; what failed is not.
insert_for_ever() {
    local acknowledged
    while [[ ! -e $system_dir/enough ]]; do
        if acknowledged=$(PGOPTIONS='-c synchronous_commit=remote_apply' PGCONNECT_TIMEOUT=2 psql --no-psqlrc --no-align \
            --tuples-only --quiet --set ON_ERROR_STOP=1 "$both" --command "insert into outbox.event (event_type, aggregate_id, data)
            select 'order.created', 'order-' || n, '{}' from generate_series(1, 100) n returning event_id" 2>/dev/null); then
            printf '%s\n' "$acknowledged" >>"$system_dir/acknowledged"
        fi
    done
}
acknowledged_count() { wc -l <"$system_dir/acknowledged"; }
acknowledged_at_least() { (($(acknowledged_count) >= $1)); }
acknowledged_grow() { wait_for 120 "the inserter goes on" acknowledged_at_least $(($(acknowledged_count) + $1)); }

# assert_all_published NAME asserts that every event of the table has been published and marked, and everything that was
# acknowledged is in the table.
assert_all_published() {
    assert_table_published "$1"
    sort -u "$system_dir/acknowledged" >"$system_dir/promised"
    assert_equal "$1: every acknowledged event is in the table" "" \
        "$(comm -23 "$system_dir/promised" "$system_dir/committed" | head -n 10)"
}

relay_connections() { sql "select count(*) from pg_stat_activity where application_name in ('outbox-relay', 'outbox-relay claim')"; }

system_begin
system_postgres
system_database events
system_stub --delay 20
export OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=8
port_a=$PGPORT
: >"$system_dir/acknowledged"

# Of three hosts the first is frozen, and at the second nobody listens.
proxy_start frozen "$PGPORT" freeze
proxy_start nobody "$PGPORT"
process_stop "$system_dir/nobody.pid"
# shellcheck disable=SC2154 # set by proxy_start
hosts="host=127.0.0.1,127.0.0.1,127.0.0.1 port=$proxy_port_frozen,$proxy_port_nobody,$PGPORT target_session_attrs=read-write"
events_insert 200
recovery_begin
relay_start skipping DATABASE_URL="$hosts connect_timeout=3 dbname=events user=postgres"
recovery_end "start, the first of three hosts frozen (connect_timeout=3), at the second nobody listens"
events_wait_all_sent 60
relay_stop skipping
assert_nothing_lost
assert_equal "nothing is published twice" 0 "$(messages_duplicates)"
relay_start hopeless DATABASE_URL="host=127.0.0.1,127.0.0.1 port=$proxy_port_frozen,$proxy_port_nobody connect_timeout=2 password=sesame"
relay_wait hopeless 3
assert_match "the frozen host is named, with the reason" "port $proxy_port_frozen failed: no answer within 2 s" \
    "$(<"$system_dir/hopeless.log")"
assert_match "and so is the other" "port $proxy_port_nobody failed: Connection refused" "$(<"$system_dir/hopeless.log")"
assert_equal "but no password" "" "$(grep sesame "$system_dir/hopeless.log" || true)"

# A synchronous standby is promoted.
standby_start b "$port_a"
port_b=$postgres_port
both="host=127.0.0.1,127.0.0.1 port=$port_a,$port_b target_session_attrs=read-write user=postgres dbname=events"
sql "alter system set synchronous_standby_names = '*'"
sql 'select pg_reload_conf()' >/dev/null
wait_for_sql 20 "the standby is synchronous" "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'"
relay_start relay DATABASE_URL="$both"
relay_wait_ready relay
insert_for_ever &
inserter=$!
acknowledged_grow 2000
server_kill postgres
server_promote b
export PGPORT=$port_b
recovery_begin
recovery_end "promotion"
acknowledged_grow 2000

# The old primary comes back, and nobody has fenced it off. Writers and relay that are at the new one stay there.
: >"$system_dir/enough"
wait "$inserter"
rm "$system_dir/enough"
PGPORT=$port_a sql 'select' 2>/dev/null && fail "the old primary is not gone"
(PG_FSYNC=off postgres_start "$system_dir/postgres" "$port_a")
export PGPORT=$port_b PGDATABASE=events
events_insert 2000
events_wait_all_sent 60
assert_equal "further connections go to the server where the relay is" "0 yes" \
    "$(PGPORT=$port_a relay_connections) $( (($(relay_connections) > 2)) && say yes)"
assert_all_published "promotion"
duplicates_say "promotion"
assert_equal "the relay is still running" yes "$(process_running "$system_dir/relay.pid" && say yes)"
relay_stop relay
assert_not_rescued relay

# And back again: the old primary becomes a standby that has fallen behind when it is promoted. The new events get ids that
# the relay has published already, for others.
postgres_stop "$system_dir/postgres" immediate
proxy_start replication "$port_b"
# shellcheck disable=SC2154 # set by proxy_start
standby_start a "$proxy_port_replication"
port_a=$postgres_port
both="host=127.0.0.1,127.0.0.1 port=$port_b,$port_a target_session_attrs=read-write user=postgres dbname=events"
relay_start relay DATABASE_URL="$both"
relay_wait_ready relay
proxy_do replication freeze
events_insert 3000
events_wait_all_sent 60
lost_from=$(sql 'select max(id) - 3000 from outbox.event')
server_kill b
server_promote a
export PGPORT=$port_a
assert_equal "the promoted standby has fallen behind" "$lost_from" "$(sql 'select max(id) from outbox.event')"
recovery_begin
events_insert 3000
assert_equal "ids went back" yes "$( (($(sql 'select max(id) from outbox.event') < lost_from + 6000)) && say yes)"
recovery_end "promotion of a standby that had fallen behind"
events_wait_all_sent 60
assert_all_published "ids that went back"
relay_stop relay
assert_not_rescued relay
system_end
