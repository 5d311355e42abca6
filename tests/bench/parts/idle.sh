#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a relay costs that has nothing to do, and how much memory it holds then, also after it had much to do. BENCH_IDLE
# is how many seconds are watched (20).
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"

seconds=${BENCH_IDLE:-20}

main() {
    bench_prepare
    fresh_database
    stub_start
    relay_start
    idling
    memory 'nothing to do'
    fill 200000 500
    wait_until 120 all_sent || fail "the events have not been sent"
    sleep 3 # the relay gives memory back after a quiet second
    memory 'after 200,000 events'
}

# Two seconds pass first, so that the start is not in it. What other sessions than ours have counted reaches
# pg_stat_database with a delay, which a rate over seconds can bear.
idling() {
    local cpu database transactions
    sleep 2
    transactions=$(database_transactions) database=$(database_cpu_us) cpu=$(process_cpu_us "$work/relay.pid")
    sleep "$seconds"
    cpu=$(($(process_cpu_us "$work/relay.pid") - cpu)) database=$(($(database_cpu_us) - database))
    transactions=$(($(database_transactions) - transactions))
    figures idle 'nothing to do' "$(jq --null-input --argjson s "$seconds" --argjson cpu "$cpu" \
        --argjson database "$database" --argjson transactions "$transactions" '
        {"relay CPU, ms/s": ($cpu / $s / 10 | round / 100), "database CPU, ms/s": ($database / $s / 10 | round / 100),
         "transactions/min": ($transactions * 60 / $s | round)}')"
}

all_sent() { [[ $(sql 'select count(*) from outbox.event where sent_at is null') == 0 ]]; }

# memory CASE
memory() {
    local id
    read -r id _ <"$work/relay.pid"
    figure idle "$1" 'relay memory, MiB' "$(awk '$1 == "VmRSS:" { printf "%.1f", $2 / 1024 }' "/proc/$id/status")"
}

main "$@"
