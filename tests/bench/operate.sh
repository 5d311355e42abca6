#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what people and the relay ask of the outbox to watch it, and pruning, against a private PostgreSQL (fsync on,
# else its defaults): with all sent, with many pending, with many waiting, and with as many sent above a floor that a
# writer holds; then a whole pass of outbox.prune_step, VACUUM, and the same number of new events in the space that
# became free. It prints figures and judges nothing. `--help` tells the options.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
cd "$root"
# shellcheck source=../../deploy/lib/common.sh
source deploy/lib/common.sh
# shellcheck source=../../deploy/lib/postgres.sh
source deploy/lib/postgres.sh

usage() {
    cat <<END
usage: tests/bench/operate.sh [--sent N] [--waiting N] [--step N]

  --sent N      how many events are sent (1000000)
  --waiting N   how many are pending, then wait (100000)
  --step N      rows a step of pruning (5000)
10,000,000 sent events take about 10 GB.
END
}

sent=1000000 waiting=100000 step=5000
while (($#)); do
    case $1 in
        --sent | --waiting | --step)
            [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1 needs a whole number from 1"
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --help) usage && exit ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done

clean_up() {
    local status=$1
    trap - EXIT
    postgres_stop "$work/postgres" immediate
    rm -rf "$work"
    exit "$status"
}

start() {
    PG_FSYNC=on postgres_start "$work/postgres" "$@"
    export PGDATABASE=bench
}

sql() { psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --command "$1"; }

# fill COUNT COLUMNS VALUES inserts events of 200 bytes of JSON and five types, with more columns where n counts them.
fill() {
    sql "set synchronous_commit = off;
         insert into outbox.event (event_type, aggregate_id, data${2:+, $2})
         select (array['order.created', 'order.paid', 'user.registered', 'stock.taken', 'invoice.sent'])[1 + n % 5],
                'order-' || n % 10000, json_build_object('orderId', n, 'note', repeat('x', 180))${3:+, $3}
         from generate_series(1, $1) n"
}

# The first run is in a new session after a restart of the server: its buffers are empty, the system's cache is not.
measure() {
    local name=$1 statement=$2 first warm buffers
    postgres_stop "$work/postgres"
    start "$PGPORT"
    first=$(printf '\\timing on\n%s;\n' "$statement" | psql --no-psqlrc --output /dev/null | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p')
    warm=$({
        printf '\\timing on\n'
        for _ in {1..12}; do printf '%s;\n' "$statement"; done
    } | psql --no-psqlrc --output /dev/null | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 11 | sort -n | sed -n 6p)
    buffers=$(sql "explain (analyze, buffers, format json) $statement" |
        jq '.[0].Plan | ."Shared Hit Blocks" + ."Shared Read Blocks"')
    printf '  %-24s %9s %9s %9s\n' "$name" "$first" "$warm" "$buffers"
}

measure_all() {
    say "$1"
    printf '  %-24s %9s %9s %9s\n' '' 'first, ms' 'warm, ms' buffers
    measure 'outbox.backlog()' 'select * from outbox.backlog()'
    measure outbox.lag 'select * from outbox.lag'
    measure outbox.waiting 'select * from outbox.waiting'
    measure outbox.blockers 'select * from outbox.blockers'
    measure 'outbox.report()' 'select outbox.report()'
    measure 'outbox.pending LIMIT 100' 'select * from outbox.pending limit 100'
    measure 'outbox.parked LIMIT 100' 'select * from outbox.parked limit 100'
}

sizes() {
    sql "select format('table %s, indexes %s', pg_size_pretty(pg_table_size('outbox.event')), pg_size_pretty(pg_indexes_size('outbox.event')))"
}

wal_position() { sql "select pg_current_wal_insert_lsn() - '0/0'"; }

# A pass without rests in one session. Its CPU is that of the server's process.
prune_pass() {
    psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 <<END
create temporary table steps (rows bigint, ms float);
select pg_backend_pid() as pid \gset
\setenv pid :pid
\set before \`awk '{ print (\$14 + \$15) * 10000 }' "/proc/\$pid/stat"\`
do \$\$
declare
    step record;
    began timestamptz;
begin
    select 0::bigint as pruned, 0::bigint as last_id, false as finished into step;
    while not step.finished loop
        began := clock_timestamp();
        select * into step from outbox.prune_step('1 day', step.last_id, $step);
        commit;
        insert into steps values (step.pruned, extract(epoch from clock_timestamp() - began) * 1000);
    end loop;
end \$\$;
\set after \`awk '{ print (\$14 + \$15) * 10000 }' "/proc/\$pid/stat"\`
select format('  %s events in %s steps, %s s: %s a second, %s us of CPU each; a step takes p50 %s, p99 %s, at most %s ms',
    sum(rows), count(*), round(sum(ms)::numeric / 1000, 1), round(sum(rows) / (sum(ms) / 1000)),
    round((:after - :before) / sum(rows), 1), round(percentile_cont(0.5) within group (order by ms)::numeric, 1),
    round(percentile_cont(0.99) within group (order by ms)::numeric, 1), round(max(ms)::numeric, 1)) from steps;
END
}

work=$(mktemp -d)
chmod 711 "$work"
trap 'clean_up $?' EXIT
trap 'exit 130' INT TERM
start
PGDATABASE=postgres sql 'create database bench'
PGOPTIONS='-c client_min_messages=warning' tests/sql/apply.sh up

fill "$sent" 'occurred_at, sent_at, message_id' "now() - interval '8 days', now() - interval '8 days', gen_random_uuid()::text"
sql "update outbox.state set floor = $sent, floor_moved_at = now()"
sql 'vacuum analyze outbox.event'
measure_all "$sent sent"
fill "$waiting" '' ''
measure_all "$sent sent, $waiting pending"
sql "update outbox.event set due_at = 'infinity', last_error = 'the topic is paused' where id > $sent"
sql 'update outbox.state set floor = (select max(id) from outbox.event)'
measure_all "$sent sent, $waiting waiting"
sql "update outbox.event set due_at = null, sent_at = now(), message_id = 'm' where id > $sent"
sql "update outbox.state set floor = $sent"
sql 'vacuum outbox.event'
measure_all "$sent sent, and $waiting more above the floor"

say "pruning $sent events, $step a step (autovacuum off meanwhile)"
sql 'update outbox.state set floor = (select max(id) from outbox.event)'
sql 'alter table outbox.event set (autovacuum_enabled = off)'
sql checkpoint
say "  before: $(sizes)"
wal=$(wal_position)
prune_pass
say "  log: $((($(wal_position) - wal) / sent)) bytes an event, the image of each page after a checkpoint included"
wal=$(wal_position) began=${EPOCHREALTIME/[.,]/}
sql 'vacuum outbox.event'
say "  vacuum: $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms, $((($(wal_position) - wal) / sent)) bytes of log an event; $(sizes)"
fill "$sent" '' ''
say "  after $sent new events: $(sizes)"
