#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How soon an event is with SNS after its commit, while events come at a steady rate and after idle, and what an event
# costs then. The floor is one round trip to the database and one to SNS. Takes a pattern for the names of the cases.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"
# shellcheck source=../../lib/delays.sh
source "${BASH_SOURCE[0]%/*}/../../lib/delays.sh"

pattern=${1:-}

main() {
    bench_prepare
    latency_case 'after idle' --rate 2 --events 20
    latency_case '10/s' --rate 10 --events 60
    latency_case '50/s' --rate 50 --events 300
    latency_case '100/s' --rate 100 --events 500
    latency_case '1,000/s' --rate 1000 --events 8000
    latency_case '10,000/s, ten in a transaction' --rate 10000 --events 60000 --rows 10
    OUTBOX_TOPIC_ARN+=.fifo
    latency_case '50/s, a FIFO topic' --rate 50 --events 300
    latency_case '1,000/s, a FIFO topic' --rate 1000 --events 8000
}

# latency_case NAME ARGUMENT... of bench_load.
latency_case() {
    local name=$1
    shift
    [[ $name =~ $pattern ]] || return 0
    fresh_database
    rm -f "$work/arrivals" "$work/commits"
    stub_start --log "$work/arrivals"
    floor=$(round_trips_ms)
    relay_start
    measured "$name" "$@"
    relay_stop
    stub_stop
}

# The relay's own start is over before the first event.
measured() {
    local name=$1 database relay_us found
    shift
    database=$(database_cpu_us) relay_us=$(process_cpu_us "$work/relay.pid")
    found=$(delays_under_load "$@" --bytes 500)
    database=$(($(database_cpu_us) - database)) relay_us=$(($(process_cpu_us "$work/relay.pid") - relay_us))
    figures latency "$name" "$(jq --argjson relay "$relay_us" --argjson database "$database" '
        def hundredths: . * 100 | round / 100;
        {"p50, ms": (.p50 | hundredths), "p95, ms": (.p95 | hundredths), "p99, ms": (.p99 | hundredths),
         "max, ms": (.max | hundredths), "events/s": (.events_per_s | round),
         "relay CPU, us/event": ($relay / .count | round),
         "database CPU with the INSERT, us/event": ($database / .count | round),
         "published more than once": .repeated}' <<<"$found")" "{\"p50, ms\": $floor}"
}

# One statement and one request, each the mean of many.
round_trips_ms() {
    local statement request
    say 'select' >"$work/statement.sql"
    statement=$("$(postgres_bin pgbench)" --no-vacuum --protocol prepared --transactions 2000 \
        --file "$work/statement.sql" | sed -n 's/^latency average = \([0-9.]*\) ms$/\1/p')
    request=$("$bench_build/tests/bench_floor" --port "${AWS_ENDPOINT_URL##*:}" --http-only --connections 1 \
        --events 20000)
    jq --argjson statement "$statement" '($statement + .seconds / .events * 10 * 1000) * 100 | round / 100' <<<"$request"
}

main "$@"
