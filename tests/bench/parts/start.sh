#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long it takes from the start of the relay's process until SNS receives the first of the events that wait; each
# figure is the median of five starts. The floor is psql, which connects and asks for nothing, then curl, which sends.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"

main() {
    local floor
    bench_prepare
    fresh_database
    floor=$(median_start ask_and_publish)
    figure start '1 event waits' 'start to first publish, ms' "$(median_start relay_after 1)" "$floor"
    figure start '20,000 events wait' 'start to first publish, ms' "$(median_start relay_after 20000)" "$floor"
}

# median_start COMMAND... prints the median of five.
median_start() {
    local turn
    for turn in {1..5}; do
        stub_start
        "$@" >"$work/start.log" 2>&1 || fail "turn $turn failed: $*"
        stub_stats | jq --argjson started "$(<"$work/started")" '(.first_us - $started) / 100 | round / 10'
        stub_stop
    done | sort --numeric-sort | sed -n 3p
}

relay_after() {
    fill "$1" 500
    say "${EPOCHREALTIME/[.,]/}" >"$work/started"
    "$relay" run --until-empty
}

ask_and_publish() {
    say "${EPOCHREALTIME/[.,]/}" >"$work/started"
    sql 'select 1'
    curl --silent --fail --max-time 10 --data-urlencode Action=PublishBatch \
        --data-urlencode PublishBatchRequestEntries.member.1.Id=1 "$AWS_ENDPOINT_URL"
}

main "$@"
