#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what pruning does to publishing: the table holds sent events of ten days ago, new events flow at a rate, and the
# relay runs by turns with OUTBOX_RETENTION=0 and with 7d, when it prunes for all of its turn. It prints figures and judges
# nothing. `--help` tells the options.
set -euo pipefail
RELAY_BUILD=${RELAY_BUILD:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/release}
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

usage() {
    cat <<END
usage: tests/bench/prune.sh [--rows N] [--rate N] [--seconds N] [--turns N]

  --rows N      how many sent events there are to prune (10000000)
  --rate N      new events a second (1000)
  --seconds N   how long a turn is (60)
  --turns N     how often each of the two has its turn (3)
RELAY_BUILD is the build folder (build/release, with RELAY_TESTS=ON for the stand-in for SNS).
END
}

rows=10000000 rate=1000 seconds=60 turns=3
while (($#)); do
    case $1 in
        --rows | --rate | --seconds | --turns)
            [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1 needs a whole number from 1"
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --help) usage && exit ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done

# fill makes the sent events, as the relay would have left them.
fill() {
    sql "set session_replication_role = replica;
         insert into outbox.event (event_type, aggregate_id, data, occurred_at, sent_at, message_id)
         select 'order.created', 'o-' || n % 1000, json_build_object('note', repeat('x', 100)),
                now() - interval '10 days', now() - interval '10 days', gen_random_uuid()
         from generate_series(1, $rows) n;
         update outbox.state set floor = $rows"
    sql "vacuum analyze outbox.event" && sql checkpoint
}

deleted() { sql "select n_tup_del from pg_stat_user_tables where relid = 'outbox.event'::regclass"; }
deleted_more_than() { (($(deleted) > $1)); }

# collect NAME adds the milliseconds from each event of a turn to its arrival to the file NAME.
collect() {
    sql "select event_id || ' ' || (extract(epoch from occurred_at) * 1000000)::bigint from outbox.event where event_type = 'turn.$turn'" \
        >"$system_dir/events"
    awk 'NR == FNR { at[$1] = $2; next } $2 in at { print ($1 - at[$2]) / 1000 }' "$system_dir/events" \
        "$system_dir/messages" >"$system_dir/latencies"
    cat "$system_dir/latencies" >>"$system_dir/$1"
}
percentiles() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { printf "p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms (%d events)",
        v[int(NR * 0.5) + 1], v[int(NR * 0.95) + 1], v[int(NR * 0.99) + 1], v[NR], NR }'
}

# take_turn NAME RETENTION
take_turn() {
    local before
    turn=t$((${turn#t} + 1))
    relay_start "$turn" OUTBOX_RETENTION="$2"
    relay_wait_ready "$turn"
    before=$(deleted)
    [[ $2 == 0 ]] || wait_for 30 "it prunes" deleted_more_than "$before"
    before=$(deleted)
    printf "insert into outbox.event (event_type, aggregate_id, data) values ('turn.%s', 'o', json_build_object('note', repeat('x', 490)));\n" \
        "$turn" >"$system_dir/insert.sql"
    pgbench --no-vacuum --client 4 --rate "$rate" --time "$seconds" --file "$system_dir/insert.sql" >"$system_dir/pgbench.log" 2>&1
    before=$((($(deleted) - before) / seconds))
    wait_for_sql 60 "the events are sent" "select count(*) = 0 from outbox.event where sent_at is null"
    relay_stop "$turn" 0
    collect "$1"
    say "$1: $(percentiles "$system_dir/latencies"), $before deleted a second"
}

system_begin
PG_FSYNC=on system_postgres
system_database prune
system_stub
fill
turn=t0
take_turn warming 0
for ((round = 0; round < turns; round++)); do
    take_turn without 0
    take_turn with 7d
done
for name in without with; do
    say "$name pruning, all turns: $(percentiles "$system_dir/$name")"
done
