#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an event costs whose handler is a function in SQL that inserts a row: tests/bench/sql_handler.sh [EVENTS].
# For each batch size it prints the events a second, and the processor time that process and server take for one event.
# RELAY_BUILD is the build folder (build/release, with RELAY_TESTS=ON for the driver). The server is a private one that writes
# to disk at COMMIT.
set -euo pipefail
RELAY_BUILD=${RELAY_BUILD:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/release}
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/sql_driver.sh
source "${BASH_SOURCE[0]%/*}/../lib/sql_driver.sh"

# server_cpu prints the microseconds that all sessions which have ended took.
server_cpu() {
    local postmaster ticks
    wait_for_sql 10 "all sessions have ended" "select count(*) = 0 from pg_stat_activity where application_name like 'outbox-relay%'"
    sleep 0.5 # until the last of them is reaped
    read -r postmaster <"$system_dir/postgres/data/postmaster.pid"
    ticks=$(cut -d ' ' -f 16,17 "/proc/$postmaster/stat")
    printf '%d\n' $(((${ticks% *} + ${ticks#* }) * 1000000 / $(getconf CLK_TCK)))
}

# measure CONNECTIONS BATCH
measure() {
    local before after
    sql checkpoint
    before=$(server_cpu)
    OUTBOX_CONSUMER=$1.$2 OUTBOX_SQL_CONNECTIONS=$1 OUTBOX_SQL_BATCH=$2 "$relay_build/tests/sql_driver" --all shop.note \
        <"$system_dir/events" >"$system_dir/said" 2>"$system_dir/took"
    after=$(server_cpu)
    awk -F '[= ]' -v connections="$1" -v batch="$2" -v server=$((after - before)) '{
        printf "%d connections, batches of %d: %.0f events/s; an event takes %.1f us of the process, %.1f us of the server\n",
               connections, batch, $2 / $4 * 1000000, $6 / $2, server / $2 }' "$system_dir/took"
}

system_begin
PG_FSYNC=on system_postgres
system_empty_database events
inbox_create
sql "create schema shop;
     create table shop.effect (n int);
     create function shop.note(event jsonb) returns void language plpgsql as
         \$\$ begin insert into shop.effect (n) values ((event->'data'->>'n')::int); end \$\$"
export DATABASE_URL=postgresql://postgres@127.0.0.1:$PGPORT/events
# shellcheck disable=SC2046 # one word each
events $(seq 1 "${1:-20000}") >"$system_dir/events"
for connections in 1 2; do
    for batch in 1 10 50 200; do
        measure "$connections" "$batch"
    done
done
