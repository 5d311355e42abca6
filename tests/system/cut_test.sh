#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The database's bad days, one after the other, each in the middle of the work: a network that swallows everything, for one
# connection or for all; one that resets, is slow, or narrow; sessions that are ended over and over; time-outs that are set
# low; read-only mode; too few connections; a crash. The relay recovers each time and loses nothing; an event is published
# twice only where an answer was cut off. How long it took is printed, not asserted: that depends on the machine.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"

events=3000

# in_the_middle inserts events and waits until a quarter of them is published.
in_the_middle() {
    local already
    already=$(messages_count)
    events_insert "$events"
    messages_wait 60 $((already + events / 4))
}

# all_recovered NAME SECONDS waits until everything is sent, and asserts that nothing is lost.
all_recovered() {
    wait_for_sql "$2" "every event is sent: $1" 'select count(*) = 0 from outbox.event where sent_at is null'
    say "# $1: all is sent after $(((${EPOCHREALTIME/[.,]/} - recovery_since) / 1000)) ms"
    assert_nothing_lost
    duplicates_say "$1"
}

# losses counts how often the relay has lost the database; loss_wait SECONDS COUNT waits for the next loss after COUNT.
losses() { grep -c 'the database is lost' "$system_dir/relay.log" || true; }
more_losses_than() { (($(losses) > $1)); }
loss_wait() { wait_for "$1" "the relay notices" more_losses_than "$2"; }
say_since() { say "# $1 after $(((${EPOCHREALTIME/[.,]/} - $2) / 1000)) ms"; }

# server_set 'NAME = VALUE' and server_reset NAME change a setting of the server while it runs, for the sessions that it has
# as well.
server_set() { server_change "set $1"; }
server_reset() { server_change "reset $1"; }
server_change() {
    PGOPTIONS='-c default_transaction_read_only=off' sql "alter system $1"
    sql 'select pg_reload_conf()' >/dev/null
}

# lock_begin locks the table of the events until lock_end.
lock_begin() {
    mkfifo "$system_dir/lock"
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 <"$system_dir/lock" >"$system_dir/lock.log" 2>&1 &
    lock_pid=$!
    exec {lock}>"$system_dir/lock"
    printf '%s\n' 'begin; lock table outbox.event in access exclusive mode;' >&"$lock"
    wait_for_sql 10 "the table is locked" \
        "select count(*) = 1 from pg_locks where relation = 'outbox.event'::regclass and mode = 'AccessExclusiveLock' and granted"
}
lock_end() {
    exec {lock}>&-
    wait "$lock_pid"
}

asleep="select count(*) = 1 from pg_locks where locktype = 'advisory' and objid = 1 and mode = 'ExclusiveLock' and granted"

terminate_all() { sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'relay'"; }

system_begin
system_postgres
system_database events
sql 'create role relay login in role outbox_relay'
system_stub --delay 20
proxy_start network "$PGPORT"
# shellcheck disable=SC2154 # set by proxy_start
relay_start relay DATABASE_URL="postgresql://relay@127.0.0.1:$proxy_port_network/events?connect_timeout=3" \
    OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=8
relay_wait_ready relay

# The first claim's connection goes dead, and stays so. Nothing tells anyone; the control connection goes on. What the claim has
# locked is let go by the server, since the claim says nothing any more.
in_the_middle
before=$(losses) since=${EPOCHREALTIME/[.,]/}
port=$(sql "select client_port from pg_stat_activity where usename = 'relay' order by backend_start offset 1 limit 1")
proxy_do network freeze "$port"
events_insert "$events"
loss_wait 90 "$before"
say_since "one black-holed claim: noticed" "$since"
recovery_begin
all_recovered "one black-holed claim" 90
proxy_do network pass
assert_match "the claim's silence is the reason" "no answer within 30 s" "$(grep 'database is lost' "$system_dir/relay.log" | tail -n 1)"

# All connections go dead, and new ones as well.
in_the_middle
before=$(losses) since=${EPOCHREALTIME/[.,]/}
proxy_do network freeze
loss_wait 90 "$before"
say_since "black-holed network: noticed" "$since"
wait_for 20 "connecting again is given up as well" more_losses_than $((before + 1))
proxy_do network pass
recovery_begin
recovery_end "black-holed network"
all_recovered "black-holed network" 90

in_the_middle
proxy_do network reset
recovery_begin
recovery_end "connections reset"
all_recovered "connections reset" 60

# Slow and narrow is no reason to give up.
before=$(losses)
proxy_do network delay 40
in_the_middle
recovery_begin
all_recovered "every piece of data late by 40 ms" 120
proxy_do network delay 0
proxy_do network limit 40000
in_the_middle
recovery_begin
all_recovered "40 kB a second" 120
proxy_do network pass
assert_equal "a slow network does not cost the connection" "$before" "$(losses)"

in_the_middle
for ((round = 0; round < 20; round++)); do
    terminate_all >/dev/null
    wait_until 1 sql_is_true "select count(*) > 0 from pg_stat_activity where usename = 'relay'" || true
done
recovery_begin
recovery_end "all sessions ended, twenty times"
all_recovered "all sessions ended, twenty times" 60

# The claims set their own limit; whatever else idles in a transaction has none of it.
before=$(losses)
server_set 'idle_in_transaction_session_timeout = 100'
process_stop "$system_dir/stub.pid"
events_insert "$events"
system_stub --delay 400
recovery_begin
all_recovered "idle_in_transaction_session_timeout of 100 ms" 120
server_reset idle_in_transaction_session_timeout
assert_equal "the server's limit on idle transactions ends none of the claims" "$before" "$(losses)"
process_stop "$system_dir/stub.pid"
system_stub --delay 20

in_the_middle
before=$(losses)
server_set 'default_transaction_read_only = on'
PGOPTIONS='-c default_transaction_read_only=off' events_insert 100 # or it would have nothing to do, perhaps
loss_wait 90 "$before"
assert_match "read-only mode is named" "read-only" "$(grep 'database is lost' "$system_dir/relay.log" | tail -n 1)"
server_reset default_transaction_read_only
recovery_begin
recovery_end "read-only mode"
all_recovered "read-only mode" 60

in_the_middle
before=$(losses)
sql 'alter role relay connection limit 0'
terminate_all >/dev/null
loss_wait 90 $((before + 2))
assert_match "the limit is named" "too many connections" "$(grep 'database is lost' "$system_dir/relay.log" | tail -n 1)"
sql 'alter role relay connection limit -1'
recovery_begin
recovery_end "connection limit of 0"
all_recovered "connection limit of 0" 60

for mode in fast immediate; do
    in_the_middle
    postgres_stop "$system_dir/postgres" "$mode"
    system_postgres_again
    recovery_begin
    recovery_end "server stopped ($mode) and started"
    all_recovered "server stopped ($mode) and started" 60
done

# A table that is locked for long (VACUUM FULL): the relay gives up and comes again, and the server ends the sessions that
# still wait for the lock on behalf of nobody, or they would become more and more.
lock_begin
before=$(losses) newest=$(sql "select max(backend_start) from pg_stat_activity where usename = 'relay'")
loss_wait 90 "$before"
wait_for_sql 30 "the server ends what waits for a session that is gone" \
    "select count(*) = 0 from pg_stat_activity where usename = 'relay' and backend_start <= '$newest'"
assert_passed "a session that waits for a lock ends soon after its relay has given it up"
lock_end
recovery_begin
recovery_end "table locked for long"
all_recovered "table locked for long" 60

# A sleeping relay wakes up again as well: it listens on its new connection.
wait_for_sql 20 "the relay sleeps" "$asleep"
before=$(losses)
terminate_all >/dev/null
loss_wait 20 "$before"
wait_for_sql 20 "the relay sleeps again" "$asleep"
recovery_begin
recovery_end "an event after LISTEN was lost with its session"
events_wait_all_sent 20

relay_stop relay
assert_not_rescued relay
system_end
