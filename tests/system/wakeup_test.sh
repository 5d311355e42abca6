#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay with nothing to do asks the database next to nothing, and yet finds every event: one inserted while it sleeps,
# one that comes due, one whose transaction commits late; and without the wake-up it finds them by polling.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/measure.sh
source "${BASH_SOURCE[0]%/*}/../lib/measure.sh"

idle_seconds=15

# When any of the relay's sessions last did something.
last_statement() {
    sql "select max(state_change), count(*) from pg_stat_activity where application_name in ('outbox-relay', 'outbox-relay claim')"
}
sleeps() { grep -c ' asleep$' "$system_dir/$1.log" || true; }
more_sleeps_than() { (($(sleeps "$1") > $2)); }
relay_wait_asleep() { wait_for 20 "relay $1 falls asleep" more_sleeps_than "$1" "${2:-0}"; }
is_asleep() { [[ $(grep -oE ' (asleep|awake)$' "$system_dir/$1.log" | tail -n 1) == ' asleep' ]]; }

publish() { sql "select outbox.publish('$1', 'o', '{}')" >/dev/null; }
is_sent() { wait_for_sql 20 "event $1 is sent" "select bool_and(sent_at is not null) from outbox.event where event_type = '$1'"; }

# A session that holds a transaction open until it is told how to end it: commit or rollback.
late_begin() {
    rm -f "$system_dir/late"
    mkfifo "$system_dir/late"
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 <"$system_dir/late" >"$system_dir/late.log" 2>&1 &
    late_pid=$!
    exec {late}>"$system_dir/late"
    printf '%s\n' "begin; select outbox.publish('order.late', 'o', '{}');" >&"$late"
    wait_for_sql 10 "the late transaction has its event" \
        "select count(*) = 1 from pg_stat_activity where state = 'idle in transaction' and query like '%order.late%'"
}
late_end() {
    printf '%s;\n' "$1" >&"$late"
    exec {late}>&-
    wait "$late_pid"
}

system_begin
system_postgres
system_database events
system_stub
relay_start relay OUTBOX_LOG_LEVEL=debug
relay_wait_asleep relay

before=$(last_statement) cpu=$(process_cpu_us "$system_dir/relay.pid")
sleep "$idle_seconds"
after=$(last_statement) cpu=$(($(process_cpu_us "$system_dir/relay.pid") - cpu))
assert_equal "asleep: not one statement in $idle_seconds s" "$before" "$after"
assert_equal "asleep: $((cpu / 1000)) ms of CPU in $idle_seconds s" yes "$( ((cpu <= 100000)) && say yes)"
assert_equal "asleep: it has not woken up" 1 "$(sleeps relay)"

publish order.created
is_sent order.created
assert_passed "an event inserted while the relay sleeps is sent"
relay_wait_asleep relay 1

sql "select outbox.publish('order.reminded', 'o', '{}', due_at => clock_timestamp() + interval '2 s')" >/dev/null
sql 'create table due as select due_at from outbox.event where due_at is not null'
is_sent order.reminded
assert_equal "a scheduled event is sent, and not before its time" t \
    "$(sql "select sent_at >= (select due_at from due) from outbox.event where event_type = 'order.reminded'")"

late_begin
publish order.early
is_sent order.early
assert_equal "what is not committed is not sent" 3 "$(messages_count)"
late_end commit
is_sent order.late
assert_equal "an event that commits behind a later one is sent" t \
    "$(sql "select (select id from outbox.event where event_type = 'order.late') < (select id from outbox.event where event_type = 'order.early')")"

# A writer that inserted while the relay slept and rolls back notifies nobody.
wait_for 20 "the relay is asleep" is_asleep relay
late_begin
publish order.beside
is_sent order.beside
wait_for 20 "the relay is asleep" is_asleep relay
assert_equal "a transaction that may still commit holds the floor back" f \
    "$(sql "select floor = (select max(id) from outbox.event) from outbox.state")"
late_end rollback
wait_for_sql 20 "the floor is stored" "select floor = (select max(id) from outbox.event) from outbox.state"
assert_passed "its rollback is noticed while the relay sleeps"
relay_stop relay 0

sql 'select outbox.set_wake_up(false)' >/dev/null
relay_start poll OUTBOX_LOG_LEVEL=debug OUTBOX_POLL_INTERVAL=100ms
relay_wait_ready poll
assert_equal "without the wake-up the relay says that it polls" yes "$(relay_log poll 'ready .*wake_up=poll' && say yes)"
publish order.polled
is_sent order.polled
assert_passed "and finds an event by polling"
sql "begin; select outbox.publish('order.prepared', 'o', '{}'); prepare transaction 'two-phase'" >/dev/null
publish order.behind
is_sent order.behind
assert_equal "a prepared event is not sent" 7 "$(messages_count)"
sql "commit prepared 'two-phase'"
is_sent order.prepared
assert_passed "it is once the transaction commits"
assert_equal "a polling relay does not sleep" 0 "$(sleeps poll)"
relay_stop poll 0

assert_nothing_lost
assert_equal "nothing is published twice" 0 "$(messages_duplicates)"
assert_not_rescued relay
assert_not_rescued poll
system_end
