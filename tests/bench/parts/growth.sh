#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whether the relay stays as fast where tables grow or days go bad: drains and delays beside what was sent before, beside
# what waits, beside transactions that hold back vacuum or the floor, while old events are pruned, without autovacuum.
# The floor of each figure is the plain case's. Takes a pattern for the names of the cases. BENCH_SENT is how many events
# were sent before in the large case.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"
# shellcheck source=../../lib/delays.sh
source "${BASH_SOURCE[0]%/*}/../../lib/delays.sh"

events=100000
sent=${BENCH_SENT:-10000000}
pattern=${1:-}
floors=null

main() {
    bench_prepare
    measured plain
    floors=$(jq --slurp 'map({(.figure): .value}) | add' "$work/plain")
    growth_case 'a snapshot held open' hold 'select count(*) from outbox.event'
    growth_case 'a writer held open' hold "insert into outbox.event (event_type, aggregate_id, data)
                                           values ('order.held', 'order-0', '{}')"
    growth_case '1,000,000 scheduled' history 1000000 "due_at = now() + interval '1 day'"
    growth_case 'while it prunes 4,000,000' pruning
    growth_case 'autovacuum off' without_autovacuum
    growth_case "$(thousands "$sent") sent before" history "$sent" 'sent_at = now()'
}

# growth_case NAME COMMAND... that brings the case about.
growth_case() {
    local name=$1
    shift
    [[ $name =~ $pattern ]] || return 0
    fresh_database
    "$@"
    know_the_floor
    measured "$name"
    released
}

# As a relay does that has been there before.
know_the_floor() { "$relay" run --until-empty 2>"$work/before.log" || fail "the relay failed"; }

# measured NAME
measured() {
    [[ -e $work/plain ]] || fresh_database
    {
        figures growth "$1" "$(speed)" "$floors"
        figures growth "$1" "$(delay)" "$floors"
    } | tee "$work/figures"
    [[ -e $work/plain ]] || mv "$work/figures" "$work/plain"
}

# The relay is there first (and prunes, where it is to), and stands still while the backlog comes. One that is to stay
# awake ends by itself only when nothing is left, so it is watched from outside.
speed() {
    local cpu others
    others=$(sql "select count(*) - 1 from pg_stat_activity where backend_type = 'client backend'")
    stub_start
    relay_begin
    relay_signal STOP
    fill "$events" 500
    cpu=$(database_cpu_us)
    relay_signal CONT
    wait_until 120 came "$events" || fail "not every event has been sent"
    relay_stop
    wait_until 10 sessions_ended "$others" || fail "sessions have not ended"
    stub_stats | jq --argjson events "$events" --argjson cpu $(($(database_cpu_us) - cpu)) '
        {"events/s": (.messages / ([.last_us - .first_us, 1] | max) * 1e6 | round),
         "database CPU, us/event": ($cpu / $events * 100 | round / 100)}'
    stub_stop
}
came() { [[ $(stub_stats | jq .messages) -ge $1 ]]; }

delay() {
    stub_start --log "$work/arrivals"
    relay_begin
    delays_under_load --rate 1000 --events 5000 --bytes 500 | jq '{"p50, ms": .p50, "p99, ms": .p99}'
    relay_stop
    stub_stop
}

# relay_begin starts the relay, and waits until it prunes where it is to.
relay_begin() {
    local before
    before=$(pruned_to)
    relay_start
    [[ ! ${OUTBOX_RETENTION:-} ]] || wait_until 60 has_pruned "$before" || fail "the relay does not prune"
}
has_pruned() { [[ $(pruned_to) -gt $1 ]]; }
pruned_to() { sql 'select pruned_to from outbox.pruning'; }

relay_signal() {
    local id
    read -r id _ <"$work/relay.pid"
    kill -s "$1" "$id"
}

# hold STATEMENT has a session run it in a transaction, and keep that open until `released`.
hold() {
    mkfifo "$work/hold"
    process_start "$work/holder.pid" "$work/holder.log" psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file "$work/hold"
    exec {held}>"$work/hold"
    printf '%s;\n' 'begin isolation level repeatable read' "$1" "\\! touch $work/holds" >&"$held"
    wait_until 30 test -e "$work/holds" || fail "the transaction is not open"
}
released() {
    if [[ ${held:-} ]]; then
        exec {held}>&-
        wait_until 10 process_stopped "$work/holder.pid" || fail "the transaction has not ended"
        rm -f "$work/hold" "$work/holds"
        held=''
    fi
    unset OUTBOX_RETENTION
    postgres_setting autovacuum on
}

# history EVENTS COLUMN=VALUE...: small ones, without the triggers, which would take most of the time.
history() {
    PGOPTIONS='-c session_replication_role=replica -c synchronous_commit=off' fill "$1" 58 "${@:2}"
}

# Of what was sent long ago, more than is pruned while this case lasts.
pruning() {
    history 4000000 "sent_at = now() - interval '2 days'" "occurred_at = now() - interval '2 days'"
    know_the_floor # below which only is pruned
    export OUTBOX_RETENTION=1d
}

without_autovacuum() { postgres_setting autovacuum off; }
postgres_setting() {
    sql "alter system set $1 = $2"
    sql 'select pg_reload_conf()' >/dev/null
}

main "$@"
