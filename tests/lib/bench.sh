# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the parts of the benchmark (tests/bench/parts) share: a private PostgreSQL with fsync on, the stand-in for SNS of
# bench/stub.c, a relay, backlogs, counters, and the form of their figures. Meant to be sourced.

bench_root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
bench_build=$bench_root/build/release
relay=$bench_build/outbox-relay
# shellcheck source=../../deploy/lib/common.sh
source "$bench_root/deploy/lib/common.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$bench_root/deploy/lib/packages.sh"
# shellcheck source=../../deploy/lib/postgres.sh
source "$bench_root/deploy/lib/postgres.sh"
# shellcheck source=../../deploy/lib/emulator.sh
source "$bench_root/deploy/lib/emulator.sh"
# shellcheck source=measure.sh
source "$bench_root/tests/lib/measure.sh"

# bench_prepare makes the folder work, builds what is measured (unless BENCH_BUILT says that this is done), starts
# PostgreSQL, and sees to it that all of that is gone in the end. The relay's settings are the caller's.
bench_prepare() {
    work=$(mktemp -d)
    chmod 711 "$work"
    trap 'bench_clean $?' EXIT
    trap 'exit 130' INT TERM
    [[ ${BENCH_BUILT:-} ]] || bench_make "$work/build.log"
    PG_FSYNC=on postgres_start "$work/postgres"
    emulator_alone
    export PGDATABASE=bench AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    export OUTBOX_TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:bench OUTBOX_LISTEN=${OUTBOX_LISTEN:-off}
}

# bench_make LOG installs the packages that are missing and builds. (Standard output is for figures.)
bench_make() {
    {
        packages_need_build
        packages_need_servers
        packages_need libcmocka-dev openssl
        bench_compile >"$1" 2>&1 || { tail -n 30 "$1" && fail "the build failed"; }
    } >&2
}
bench_compile() (
    cd "$bench_root" || exit
    cmake --preset release -DRELAY_TESTS=ON &&
        cmake --build --preset release --target outbox-relay bench_stub bench_floor bench_load
)

bench_clean() {
    local status=$1 file
    trap - EXIT
    for file in "$work"/*.pid; do
        [[ -e $file ]] && process_stop "$file"
    done
    postgres_stop "$work/postgres"
    if ((status != 0)); then
        for file in "$work"/*.log; do
            [[ -s $file ]] && warn "--- ${file##*/}" && tail -n 20 "$file" >&2
        done
    fi
    rm -rf "$work"
    exit "$status"
}

# sql STATEMENT prints the rows, without headings, columns separated by |.
sql() { psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --command "$1"; }

# fresh_database makes database bench anew, with an empty schema outbox.
fresh_database() {
    PGOPTIONS='-c client_min_messages=warning' PGDATABASE=postgres sql 'drop database if exists bench with (force)'
    PGDATABASE=postgres sql 'create database bench'
    "$relay" migrate up >"$work/migrate.log" 2>&1 || fail "migrate up failed"
}

# fill EVENTS BYTES [COLUMN=EXPRESSION...] adds events with BYTES (58 or more) of JSON each, on disk, with statistics,
# so that none of that happens later. n is an event's number: fill 1000 500 "sent_at=now()" "message_id='m' || n".
fill() {
    local events=$1 bytes=$2 columns='' expressions='' pair
    shift 2
    for pair in "$@"; do
        columns+=", ${pair%%=*}" expressions+=", ${pair#*=}"
    done
    sql "with o as materialized ($(fill_orders "$bytes"))
         insert into outbox.event (event_type, aggregate_id, data$columns)
         select 'order.created', 'order-' || n % 10000,
                ('{\"orderId\":' || lpad(n::text, 9) || o.orders[n % 1000 + 1])::json$expressions
         from generate_series(1, $events) n, o"
    sql 'vacuum analyze outbox.event'
    sql checkpoint
}

# fill_orders BYTES is a query for an array of a thousand orders, without their ids: lines of 64 bytes each and a
# note that fills what they leave. As JSON goes, a quarter is punctuation, which a form must escape.
fill_orders() {
    local count=$((($1 - 58) / 64))
    local note=$(($1 - 42 - count * 64 + (count > 0)))
    printf %s "select array_agg(',\"lines\":[' || lines || '],\"note\":\"' || repeat('x', $note) || '\"}') orders
        from generate_series(0, 999) k, lateral (
            select coalesce(string_agg(format('{\"sku\":\"%s\",\"quantity\":%s,\"price\":%s}',
                       left(md5(k || '-' || i), 25), i % 9 + 1,
                       round(((k + i) * 7919 % 90000 + 10000) / 100.0, 2)), ','), '') as lines
            from generate_series(1, $count) i) l"
}

# stub_start [ARGUMENT...] starts the stand-in for SNS and points the relay at it; stub_start_tls does so over TLS.
stub_start() {
    unset AWS_CA_BUNDLE # the caller's, or that of a stand-in with TLS before
    stub_start_with http "$@"
}
stub_start_tls() {
    [[ -e $work/stub.crt ]] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout "$work/stub.key" -out "$work/stub.crt" \
        2>"$work/openssl.log" || fail "openssl made no certificate"
    export AWS_CA_BUNDLE=$work/stub.crt
    stub_start_with https --tls "$work/stub.crt" "$work/stub.key" "$@"
}
stub_start_with() {
    local scheme=$1
    shift
    : >"$work/stub.log"
    process_start "$work/stub.pid" "$work/stub.log" "$bench_build/tests/bench_stub" 0 "$@"
    wait_until 10 grep -q '^listening on ' "$work/stub.log" || fail "bench_stub did not start"
    AWS_ENDPOINT_URL=$scheme://$(sed -n 's/^listening on //p' "$work/stub.log")
    export AWS_ENDPOINT_URL
}
stub_stop() { process_stop "$work/stub.pid"; }
# stub_stats prints as JSON what has come.
stub_stats() {
    curl --silent --fail --max-time 10 ${AWS_CA_BUNDLE:+--cacert "$AWS_CA_BUNDLE"} "$AWS_ENDPOINT_URL/stats"
}

# relay_start [NAME] runs a relay in the background, relay_stop [NAME] stops it; "$work/NAME.log" is its log, and
# "$work/NAME.pid" has its id (NAME is relay).
relay_start() {
    local name=${1:-relay}
    : >"$work/$name.log"
    process_start "$work/$name.pid" "$work/$name.log" "$relay" run
    wait_until 10 relay_settled "$name" || fail "the relay did not start"
    process_running "$work/$name.pid" || fail "the relay has ended"
}
relay_settled() { grep -q " ready " "$work/$1.log" || process_stopped "$work/$1.pid"; }
relay_stop() { process_stop "$work/${1:-relay}.pid"; }

# sessions_ended [OTHERS] is true when there are none but ours and so many others: what they have counted is there to be
# read then.
sessions_ended() {
    [[ $(sql "select count(*) from pg_stat_activity where backend_type = 'client backend'") == $((1 + ${1:-0})) ]]
}

# database_counters prints UPDATES|HOT_UPDATES of the table of events; database_transactions how many have ended, which
# reaches other sessions with a delay; database_cpu_us the server's CPU time.
database_counters() {
    sql "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relid = 'outbox.event'::regclass"
}
database_transactions() {
    PGDATABASE=postgres sql "select xact_commit + xact_rollback from pg_stat_database where datname = 'bench'"
}
database_cpu_us() { postgres_cpu_us "$work/postgres"; }

# wal_position prints how many bytes of WAL there have ever been; wal_images FROM how many of those since then are page
# images (each page's first change after a checkpoint), or nothing where that WAL is no longer there.
wal_position() { sql "select pg_current_wal_insert_lsn() - '0/0'"; }
wal_images() {
    local start end
    start=$(sql "select '0/0'::pg_lsn + $1")
    end=$(sql 'select pg_current_wal_flush_lsn()')
    as_postgres "$work/postgres" pg_waldump --path "$work/postgres/data/pg_wal" --start "$start" --end "$end" --stats \
        2>/dev/null | awk '$1 == "Total" { print $5 }' || true
}

# figure PART CASE FIGURE VALUE [FLOOR] prints one figure, a line of JSON. The floor is what the least that could do the
# job took, or managed, in the same run. figures PART CASE VALUES [FLOORS] prints one for each member of a JSON object,
# with the floor of that name if there is one.
figure() {
    jq --null-input --compact-output --arg part "$1" --arg case "$2" --arg figure "$3" --argjson value "$4" \
        --argjson floor "${5:-null}" '{$part, $case, $figure, $value, $floor}'
}
figures() {
    jq --null-input --compact-output --arg part "$1" --arg case "$2" --argjson values "$3" \
        --argjson floors "${4:-null}" \
        '$values | to_entries[] | {$part, $case, figure: .key, value: .value, floor: $floors[.key]}'
}

# thousands NUMBER prints it with commas.
thousands() { sed -E ':again; s/([0-9])([0-9]{3})(,|$)/\1,\2\3/; t again' <<<"$1"; }
