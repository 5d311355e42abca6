#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast `consume` takes messages from a queue (the stand-in of stub.c) and what that costs: through a handler in SQL,
# each with its row in inbox.processed_event, and without a handler, so that they are only deleted. The floor of the
# first is pgbench, with two sessions and fifty of these in a statement. BENCH_MESSAGES is how many messages the queue
# has.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"

messages=${BENCH_MESSAGES:-50000}

main() {
    bench_prepare
    consumed 'SQL handler' 'order.created=sql:shop.take' "$(floor)"
    consumed 'no handler' 'nothing.happened=sql:shop.take'
}

consumer_database() {
    fresh_database
    "$relay" migrate up --inbox >"$work/migrate.log" 2>&1 || fail "migrate up --inbox failed"
    sql "create schema shop;
         create table shop.seen (id bigserial primary key, event_id uuid, sequence bigint);
         create function shop.take(event jsonb) returns void language plpgsql as \$\$
         begin
             insert into shop.seen (event_id, sequence)
             values ((event->>'eventId')::uuid, (event->>'sequence')::bigint);
         end \$\$"
}

# consumed NAME HANDLER [FLOOR]
consumed() {
    local name=$1 handler=$2 floor=${3:-null} database process elapsed
    consumer_database
    stub_start --queue "$messages"
    database=$(database_cpu_us) elapsed=${EPOCHREALTIME/[.,]/}
    process=$(measure_process "$relay" consume --queue-url "$AWS_ENDPOINT_URL/000000000000/bench" --until-empty \
        --on "$handler" 2>"$work/consume.log") || fail "the consumer failed"
    elapsed=$((${EPOCHREALTIME/[.,]/} - elapsed)) database=$(($(database_cpu_us) - database))
    [[ $(stub_stats | jq .deleted) == "$messages" ]] || fail "not every message was deleted"
    [[ $name == no* || $(sql 'select count(*) from shop.seen') == "$messages" ]] ||
        fail "not every message has its effect"
    stub_stop
    figures consume "$name" "$(jq --argjson n "$messages" --argjson us "$elapsed" --argjson database "$database" '
        {"messages/s": ($n / $us * 1e6 | round), "consumer CPU, us/message": (.cpu_us / $n * 10 | round / 10),
         "database CPU, us/message": ($database / $n * 10 | round / 10),
         "consumer peak memory, MiB": (.peak_kb / 102.4 | round / 10)}' <<<"$process")" "{\"messages/s\": $floor}"
}

floor() {
    local statement
    consumer_database
    say "with new as (insert into inbox.processed_event (consumer, event_id)
             select 'floor', gen_random_uuid() from generate_series(1, 50) returning event_id)
         select shop.take(jsonb_build_object('eventId', event_id, 'sequence', 1)) from new" | tr '\n' ' ' >"$work/floor.sql"
    statement=$("$(postgres_bin pgbench)" --no-vacuum --protocol prepared --client 2 --transactions 500 \
        --file "$work/floor.sql" | sed -n 's/^tps = \([0-9.]*\) .*/\1/p')
    jq --null-input "$statement * 50 | round"
}

main "$@"
