#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what a long transaction elsewhere does to the relay: latency while events flow, and the drain of a backlog, first
# with nobody in the way, then with a snapshot held open, then with a transaction that has inserted an event and does not
# end; and how soon that event leaves once it does. It prints figures and judges nothing. `--help` tells the options.
set -euo pipefail
RELAY_BUILD=${RELAY_BUILD:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/release}
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

usage() {
    cat <<END
usage: tests/bench/held.sh [--seconds N] [--rate N] [--backlog N]

  --seconds N   how long events flow in each of the three parts (600)
  --rate N      events a second meanwhile (1000)
  --backlog N   how many events the backlog at the end of each part has (50000)
RELAY_BUILD is the build folder (build/release, with RELAY_TESTS=ON for the stand-in for SNS).
END
}

seconds=600 rate=1000 backlog=50000
while (($#)); do
    case $1 in
        --seconds | --rate | --backlog)
            [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1 needs a whole number from 1"
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --help) usage && exit ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done

# latencies FIRST_LINE prints, of what the stand-in has received since, milliseconds from the event to its arrival.
latencies() {
    sql "select event_id || ' ' || (extract(epoch from occurred_at) * 1000000)::bigint from outbox.event where event_type = 'order.$1'" \
        >"$system_dir/events"
    awk 'NR == FNR { at[$1] = $2; next } $2 in at { print ($1 - at[$2]) / 1000 }' "$system_dir/events" "$system_dir/messages" |
        sort -n >"$system_dir/latencies"
    awk '{ v[NR] = $1 } END { printf "p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms (%d events)", v[int(NR * 0.5) + 1], v[int(NR * 0.95) + 1],
         v[int(NR * 0.99) + 1], v[NR], NR }' "$system_dir/latencies"
}

# part NAME WHAT
part() {
    local before after
    printf "insert into outbox.event (event_type, aggregate_id, data) values ('order.%s', 'o', json_build_object('note', repeat('x', 490)));\n" \
        "$1" >"$system_dir/insert.sql"
    pgbench --no-vacuum --client 4 --rate "$rate" --time "$seconds" --file "$system_dir/insert.sql" >"$system_dir/pgbench.log" 2>&1
    wait_for_sql 60 "the events are sent" "select count(*) <= ${held:-0} from outbox.event where sent_at is null"
    say "$2: $(latencies "$1")"
    before=${EPOCHREALTIME/[.,]/}
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'backlog.$1', 'o-' || n % 1000, json_build_object('note', repeat('x', 490)) from generate_series(1, $backlog) n"
    wait_for_sql 120 "the backlog is sent" "select count(*) = 0 from outbox.event where event_type = 'backlog.$1' and sent_at is null"
    after=${EPOCHREALTIME/[.,]/}
    say "$2: a backlog of $backlog inserted and drained in $(((after - before) / 1000)) ms"
    sql "delete from outbox.event where sent_at is not null and event_type like 'backlog.%'"
}

# hold STATEMENT has a session run it in a transaction, and keep that open; release ends it.
hold() {
    rm -f "$system_dir/hold"
    mkfifo "$system_dir/hold"
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 <"$system_dir/hold" >"$system_dir/hold.log" 2>&1 &
    holder=$!
    exec {hold}>"$system_dir/hold"
    printf '%s\n' "begin isolation level repeatable read; $1" >&"$hold"
    wait_for_sql 10 "the transaction is open" "select count(*) = 1 from pg_stat_activity where state = 'idle in transaction' and query <> ''
        and backend_xmin is not null or state = 'idle in transaction' and backend_xid is not null"
}
release() {
    printf 'commit;\n' >&"$hold"
    exec {hold}>&-
    wait "$holder"
}

system_begin
PG_FSYNC=on system_postgres
system_database held
system_stub
relay_start relay
relay_wait_ready relay

part plain "nobody in the way"
hold "select count(*) from outbox.event;"
part snapshot "a snapshot held open"
release
hold "select outbox.publish('order.late', 'o', '{}');"
held=1
part writer "a writer held open"
committed=${EPOCHREALTIME/[.,]/} # not later than it is
release
wait_for_sql 60 "the late event is sent" "select sent_at is not null from outbox.event where event_type = 'order.late'"
late=$(sql "select event_id from outbox.event where event_type = 'order.late'")
arrived=$(awk -v id="$late" '$2 == id { print $1; exit }' "$system_dir/messages")
say "the writer's own event arrived $(((arrived - committed) / 1000)) ms after COMMIT was sent"
relay_stop relay 0
assert_not_rescued relay
