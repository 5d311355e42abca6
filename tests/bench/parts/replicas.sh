#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast one, two and four relays drain the same backlog together, with answers after 20 ms as well, and whether
# anything is published more than once. BENCH_EVENTS is how many events the backlog has.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"

events=${BENCH_EVENTS:-200000}

main() {
    local delay count one
    bench_prepare
    for delay in 0 20; do
        one=null
        for count in 1 2 4; do
            together "$count" "$delay"
        done
    done
}

# together COUNT DELAY. One relay's speed is what the others are compared with.
together() {
    local count=$1 delay=$2 number stats speed
    fresh_database
    fill "$events" 500
    stub_start --delay "$delay"
    for ((number = 1; number <= count; number++)); do
        process_start "$work/relay$number.pid" "$work/relay$number.log" "$relay" run --until-empty
    done
    for ((number = 1; number <= count; number++)); do
        wait_until 120 process_stopped "$work/relay$number.pid" || fail "relay $number has not ended"
    done
    stats=$(stub_stats)
    stub_stop
    speed=$(jq '.messages / ([.last_us - .first_us, 1] | max) * 1e6 | round' <<<"$stats")
    [[ $one != null ]] || one=$speed
    figures replicas "$count, answers after $delay ms" "$(jq --argjson speed "$speed" --argjson events "$events" \
        '{"events/s": $speed, "published more than once": (.messages - $events)}' <<<"$stats")" "{\"events/s\": $one}"
}

main "$@"
