#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures outbox-relay against a private PostgreSQL (fsync on) and the stand-in for SNS of stub.c: how fast it drains a
# backlog and what that costs the relay and the database, with answers at once and after 20 ms; how soon an event that
# is inserted while all is quiet reaches SNS; what idling costs. It prints figures and judges nothing: machines differ,
# so compare runs on one. `--help` tells the options.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
cd "$root"
# shellcheck source=../../deploy/lib/common.sh
source deploy/lib/common.sh
# shellcheck source=../../deploy/lib/packages.sh
source deploy/lib/packages.sh
# shellcheck source=../../deploy/lib/postgres.sh
source deploy/lib/postgres.sh
# shellcheck source=../../deploy/lib/emulator.sh
source deploy/lib/emulator.sh
# shellcheck source=../lib/measure.sh
source tests/lib/measure.sh

relay=$root/build/release/outbox-relay
stub=$root/build/release/tests/bench_stub

usage() {
    cat <<END
usage: tests/bench/run.sh [--events N] [--singles N] [--idle SECONDS] [--json]

  --events N       how many events the backlog has (200000)
  --singles N      how many events are inserted one by one while all is quiet (50)
  --idle SECONDS   how long idling is watched (20)
  --json           JSON instead of a table
Settings of the relay are passed on: OUTBOX_BATCH_ROWS=500 tests/bench/run.sh
END
}

main() {
    events=200000 singles=50 idle=20 json=
    while (($#)); do
        case $1 in
            --events | --singles | --idle)
                [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1 needs a whole number from 1"
                printf -v "${1#--}" '%s' "$2"
                shift
                ;;
            --json) json=yes ;;
            --help) usage && exit ;;
            *) usage >&2 && exit 2 ;;
        esac
        shift
    done
    prepare
    local at_once delayed latency_result idle_result
    at_once=$(drain 0)
    delayed=$(drain 20)
    latency_result=$(latency)
    idle_result=$(idling)
    result=$(jq --null-input --argjson events "$events" --argjson at_once "$at_once" --argjson delayed "$delayed" \
        --argjson latency "$latency_result" --argjson idle "$idle_result" \
        '{events: $events, drain: $at_once, drain_20_ms: $delayed,
          speed_ratio_20_ms: ($delayed.events_per_s / $at_once.events_per_s * 100 | round / 100),
          latency_ms: $latency, idle: $idle}')
    if [[ $json ]]; then
        say "$result"
    else
        print_table
    fi
}

prepare() {
    work=$(mktemp -d)
    chmod 711 "$work"
    trap 'clean_up $?' EXIT
    trap 'exit 130' INT TERM
    {
        packages_need_build
        packages_need_servers
        packages_need libcmocka-dev
        (cmake --preset release -DRELAY_TESTS=ON && cmake --build --preset release --target outbox-relay bench_stub) \
            >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" && fail "the build failed"; }
    } >&2
    PG_FSYNC=on postgres_start "$work/postgres"
    emulator_alone
    export PGDATABASE=bench AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    export OUTBOX_TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:bench OUTBOX_LISTEN=${OUTBOX_LISTEN:-off}
}

fresh_database() {
    PGOPTIONS='-c client_min_messages=warning' PGDATABASE=postgres sql 'drop database if exists bench with (force)'
    PGDATABASE=postgres sql 'create database bench'
    if ! "$relay" migrate up >"$work/migrate.log" 2>&1; then
        tail -n 20 "$work/migrate.log" >&2
        fail "migrate up failed"
    fi
}

clean_up() {
    local status=$1
    trap - EXIT
    if ((status != 0)) && [[ -s $work/relay.log ]]; then
        tail -n 20 "$work/relay.log" >&2
    fi
    process_stop "$work/relay.pid"
    process_stop "$work/stub.pid"
    postgres_stop "$work/postgres"
    rm -rf "$work"
    exit "$status"
}

sql() { psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --command "$1"; }

stub_start() {
    : >"$work/stub.log"
    process_start "$work/stub.pid" "$work/stub.log" "$stub" 0 "$@"
    wait_until 10 grep -q '^listening on ' "$work/stub.log" || fail "bench_stub did not start"
    AWS_ENDPOINT_URL=http://$(sed -n 's/^listening on //p' "$work/stub.log")
    export AWS_ENDPOINT_URL
}
stub_stats() { curl --silent --fail --max-time 10 "$AWS_ENDPOINT_URL/stats"; }

# A backlog of events with 530 bytes of JSON each, on disk and with statistics, so that none of that happens later.
fill() {
    fresh_database
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.created', 'order-' || n % 10000,
                json_build_object('orderId', n, 'note', repeat('x', 503 - length(n::text)))
         from generate_series(1, $events) n"
    sql 'vacuum analyze outbox.event'
    sql checkpoint
}

# Updates of events, those that were HOT, and page images in the log (each page's first change after a checkpoint).
database_counters() {
    sql "select n_tup_upd, n_tup_hot_upd, wal_fpi from pg_stat_user_tables, pg_stat_wal
         where relid = 'outbox.event'::regclass"
}
sessions_ended() {
    [[ $(sql "select count(*) from pg_stat_activity where backend_type = 'client backend'") == 1 ]]
}
wal_position() { sql "select pg_current_wal_insert_lsn() - '0/0'"; }

# drain DELAY_MS prints the figures of one run as JSON.
drain() {
    local wal cpu counters counters_after relay_result
    fill
    stub_start --delay "$1"
    wal=$(wal_position) cpu=$(postgres_cpu_us "$work/postgres") counters=$(database_counters)
    relay_result=$(measure_process "$relay" run --until-empty 2>"$work/relay.log") || fail "the relay failed"
    wait_until 10 sessions_ended || fail "the relay's sessions have not ended"
    wal=$(($(wal_position) - wal)) cpu=$(($(postgres_cpu_us "$work/postgres") - cpu))
    counters_after=$(database_counters)
    stub_stats | jq --compact-output --argjson events "$events" --argjson wal "$wal" --argjson pg_us "$cpu" \
        --arg before "$counters" --arg after "$counters_after" --argjson relay "$relay_result" '
        def per_event: . / $events * 100 | round / 100;
        ($before / "|" | map(tonumber)) as $b | ($after / "|" | map(tonumber)) as $a
        | {events_per_s: (.messages / ([.last_us - .first_us, 1] | max) * 1e6 | round),
           relay_us_per_event: ($relay.cpu_us | per_event), database_us_per_event: ($pg_us | per_event),
           stub_us_per_event: (.cpu_us | per_event), wal_bytes_per_event: ($wal / $events | round),
           wal_page_images_per_event: (($a[2] - $b[2]) | per_event),
           hot_percent: (($a[1] - $b[1]) / ([$a[0] - $b[0], 1] | max) * 1000 | round / 10),
           relay_peak_kb: $relay.peak_kb, events_per_request: (.messages / ([.requests, 1] | max) * 10 | round / 10),
           published_more_than_once: (.messages - $events)}'
    process_stop "$work/stub.pid"
}

# Milliseconds from an event's commit (by the clock right after it, in the same round trip) to its arrival.
latency() {
    fresh_database
    stub_start --log "$work/messages"
    relay_start
    single_inserts | psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --field-separator ' ' \
        >"$work/commits"
    wait_until 30 all_arrived || fail "not every single event arrived"
    awk 'NR == FNR { if (!($2 in arrived)) arrived[$2] = $1; next } $2 in arrived { print (arrived[$2] - $1) / 1000 }' \
        "$work/messages" "$work/commits" | sort -n | jq --slurp --compact-output \
        '{p50: .[(length - 1) * 0.5 | round], p95: .[(length - 1) * 0.95 | round], max: .[-1], count: length}'
    process_stop "$work/relay.pid"
    process_stop "$work/stub.pid"
}

# One message for all four statements: the clock is read as the commit is done, not a round trip later.
single_inserts() {
    local n id
    for ((n = 0; n < singles; n++)); do
        id=$(printf '00000000-0000-4000-8000-%012d' "$n")
        printf '%s' "select pg_sleep(0.3) \g /dev/null" $'\n' \
            "begin\\; insert into outbox.event (event_id, event_type, aggregate_id, data) " \
            "values ('$id', 'order.created', 'order-$n', '{\"n\": $n}')\\; commit\\; " \
            "select (extract(epoch from clock_timestamp()) * 1000000)::bigint, '$id';" $'\n'
    done
}

all_arrived() { [[ $(sort -u -k 2 "$work/messages" | wc -l) -ge $singles ]]; }

relay_start() {
    process_start "$work/relay.pid" "$work/relay.log" "$relay" run
    wait_until 1 process_stopped "$work/relay.pid" && fail "the relay has ended"
    return 0
}

# The relay's CPU, the database's and the transactions, over a time in which there is nothing to do. The counters of
# other sessions than ours reach pg_stat_database with a delay, which a rate over seconds can bear.
idling() {
    local cpu pg transactions seconds=$idle
    fresh_database
    stub_start
    relay_start
    sleep 2
    transactions=$(database_transactions) pg=$(postgres_cpu_us "$work/postgres") cpu=$(process_cpu_us "$work/relay.pid")
    sleep "$seconds"
    cpu=$(($(process_cpu_us "$work/relay.pid") - cpu)) pg=$(($(postgres_cpu_us "$work/postgres") - pg))
    transactions=$(($(database_transactions) - transactions))
    jq --null-input --compact-output --argjson s "$seconds" --argjson cpu "$cpu" --argjson pg "$pg" \
        --argjson transactions "$transactions" '{seconds: $s, relay_cpu_ms_per_s: ($cpu / $s / 10 | round / 100),
            database_cpu_ms_per_s: ($pg / $s / 10 | round / 100), transactions_per_min: ($transactions * 60 / $s | round)}'
    process_stop "$work/relay.pid"
    process_stop "$work/stub.pid"
}
database_transactions() {
    PGDATABASE=postgres sql "select xact_commit + xact_rollback from pg_stat_database where datname = 'bench'"
}

print_table() {
    jq --raw-output '
        def pad($n): tostring | . + " " * ([$n - length, 1] | max);
        "\(.events) events, \(.drain.events_per_request) a request",
        (("" | pad(36)) + ("at once" | pad(14)) + "after 20 ms"),
        ([["events/s", "events_per_s"], ["relay CPU, us/event", "relay_us_per_event"],
          ["database CPU, us/event", "database_us_per_event"], ["stand-in CPU, us/event", "stub_us_per_event"],
          ["WAL, bytes/event", "wal_bytes_per_event"],
          ["WAL, page images/event", "wal_page_images_per_event"], ["HOT updates, %", "hot_percent"],
          ["relay peak memory, kB", "relay_peak_kb"], ["published more than once", "published_more_than_once"]][] as [$t, $k]
            | ($t | pad(36)) + (.drain[$k] | pad(14)) + (.drain_20_ms[$k] | tostring)),
        (("speed with answers after 20 ms" | pad(36)) + "\(.speed_ratio_20_ms) of that at once"),
        (("commit to SNS while idle, ms" | pad(36)) + (.latency_ms | "p50 \(.p50)  p95 \(.p95)  max \(.max)  (\(.count) events)")),
        (("idle: relay CPU, ms/s" | pad(36)) + "\(.idle.relay_cpu_ms_per_s)"),
        (("idle: database CPU, ms/s" | pad(36)) + "\(.idle.database_cpu_ms_per_s)"),
        (("idle: transactions/min" | pad(36)) + "\(.idle.transactions_per_min)")' <<<"$result"
}

main "$@"
