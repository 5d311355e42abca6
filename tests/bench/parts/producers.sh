#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What producers pay: transactions a second of 1, 8 and 32 clients that each update an account, alone and with an event
# of 0.5 kB in the same transaction: without a relay, with one that has nothing else to do, and with one that drains a
# backlog meanwhile. The floor is the same insert into an equal table that has no triggers, without a relay. The
# variants take turns, so that a slow minute is everybody's; BENCH_TURNS and BENCH_SECONDS are how many, and how much of
# each counts: not its first second, in which new sessions load PL/pgSQL.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"

turns=${BENCH_TURNS:-3}
seconds=${BENCH_SECONDS:-2}
warm_up=1
backlog=$((170000 * (seconds + warm_up))) # more than a relay drains in a turn
variants=(business floor alone flowing busy)

main() {
    local clients turn step variant
    bench_prepare
    prepare_tables
    write_script business
    write_script plain plain_event
    write_script event outbox.event
    for clients in 1 8 32; do
        for ((turn = 0; turn < turns; turn++)); do
            for ((step = 0; step < ${#variants[@]}; step++)); do
                variant=${variants[(turn + step) % ${#variants[@]}]}
                take_turn "$variant" "$clients" >>"$work/$variant.$clients"
            done
        done
        print_figures "$clients"
    done
}

prepare_tables() {
    fresh_database
    sql 'create table account (id integer primary key, balance bigint not null, filler text not null)
         with (fillfactor = 80)'
    sql "insert into account select n, 0, repeat('x', 80) from generate_series(1, 100000) n"
    sql 'create table plain_event (like outbox.event including all)'
    sql "alter table plain_event set ($(sql "select array_to_string(reloptions, ', ') from pg_class
                                             where oid = 'outbox.event'::regclass"))"
    sql 'vacuum analyze account'
}

# write_script NAME [TABLE]
write_script() {
    {
        say '\set id random(1, 100000)'
        say 'begin;'
        say 'update account set balance = balance + 1 where id = :id;'
        [[ ! ${2:-} ]] ||
            say "insert into $2 (event_type, aggregate_id, data) values ('order.created', :id::text, :data);"
        say 'commit;'
    } >"$work/$1.sql"
}

# take_turn VARIANT CLIENTS prints the transactions a second of one turn, which begins with empty tables.
take_turn() {
    sql 'truncate outbox.event, plain_event'
    [[ $1 != busy ]] || fill_quietly
    sql checkpoint
    case $1 in
        business) run_clients business "$2" ;;
        floor) run_clients plain "$2" ;;
        alone) run_clients event "$2" ;;
        flowing | busy) "run_$1" "$2" ;;
    esac
}

fill_quietly() {
    sql 'alter table outbox.event disable trigger user'
    fill "$backlog" 500
    sql 'alter table outbox.event enable trigger check_event, enable always trigger wake_up'
}

run_clients() {
    local data
    data='{"orderId": 12345, "note": "'$(printf '%0470d' 0)'"}'
    pgbench --no-vacuum --protocol prepared --client "$2" --jobs 2 --time $((warm_up + seconds)) --progress 1 \
        --define "data=$data" --file "$work/$1.sql" >"$work/pgbench.log" 2>&1 || fail "pgbench failed"
    awk -v warm_up=$warm_up '$1 == "progress:" && $2 > warm_up + 0.5 { sum += $4; count++ }
                             END { printf "%d\n", sum / count }' "$work/pgbench.log"
}

run_flowing() {
    stub_start
    relay_start
    run_clients event "$1"
    relay_stop
    stub_stop
}

run_busy() {
    local last
    last=$(sql "select min(id) + $backlog - 1 from outbox.event")
    run_flowing "$1"
    [[ $(sql "select sent_at is null from outbox.event where id = $last") == t ]] ||
        fail "the backlog was drained before the turn was over"
}

print_figures() {
    local floor
    floor=$(median floor "$1")
    print_figure 'business only' business "$1"
    print_figure 'with an event, no relay' alone "$1" "$floor"
    print_figure 'with an event, relay otherwise idle' flowing "$1" "$floor"
    print_figure 'with an event, relay draining a backlog' busy "$1" "$floor"
}

# print_figure NAME VARIANT CLIENTS [FLOOR]
print_figure() {
    local plural=s
    (($3 > 1)) || plural=''
    figure producers "$3 client$plural" "$1, transactions/s" "$(median "$2" "$3")" "${4:-}"
}

# median VARIANT CLIENTS
median() {
    sort -n "$work/$1.$2" | awk '{ v[NR] = $1 } END { printf "%d\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

main "$@"
