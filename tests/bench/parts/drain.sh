#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast the relay drains a backlog and what that costs it and the database, by the size of the payload, by the time
# SNS takes to answer, and with TLS. Takes a pattern for the names of the cases. BENCH_MATRIX=yes is every combination,
# BENCH_ONCE=yes adds the large backlog; BENCH_EVENTS and BENCH_LARGE are how many events of 0.5 kB a backlog has.
set -euo pipefail
# shellcheck source=../../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../../lib/bench.sh"

usual_events=${BENCH_EVENTS:-200000}
large_events=${BENCH_LARGE:-2000000}
pattern=${1:-}
declare -A at_once # events/s, by size and TLS

main() {
    bench_prepare
    if [[ ${BENCH_MATRIX:-} ]]; then
        cases_matrix
    else
        cases_usual
    fi
    [[ ! ${BENCH_ONCE:-} ]] || drain_case 500 0 '' "$large_events"
}

cases_usual() {
    local bytes
    for bytes in 200 500 2000 16000; do
        drain_case "$bytes" 0
    done
    drain_case 500 5
    drain_case 500 20
    drain_case 500 0 tls
}

cases_matrix() {
    local bytes delay tls
    for bytes in 200 500 2000 16000; do
        for tls in '' tls; do
            for delay in 0 5 20; do
                drain_case "$bytes" "$delay" "$tls"
            done
        done
    done
}

# drain_case BYTES DELAY [tls] [EVENTS]
drain_case() {
    local bytes=$1 delay=$2 tls=${3:-} events name values floors
    events=${4:-$(events_of "$bytes")}
    name="$(thousands "$events") of $(jq --null-input "$bytes / 1000") kB, $(answers "$delay")${tls:+, TLS}"
    [[ $name =~ $pattern ]] || return 0
    values=$(drained "$relay" run --until-empty)
    floors=$(drained floor | jq 'with_entries(select(.key | test("/event|events/s")))')
    figures drain "$name" "$values" "$floors"
    compare_with_at_once "$(jq '."events/s"' <<<"$values")"
}

compare_with_at_once() {
    local key="$events of $bytes $tls"
    if ((delay == 0)); then
        at_once[$key]=$1
    elif [[ ${at_once[$key]:-} ]]; then
        figure drain "$name" 'events/s, % of that at once' $((100 * $1 / at_once[$key]))
    fi
}

# The floor: nothing is claimed, checked or encoded. It needs more connections where answers take time. (In place of the
# shell, so that it is what is measured.)
floor() {
    exec "$bench_build/tests/bench_floor" --port "${AWS_ENDPOINT_URL##*:}" --bytes "$bytes" \
        --connections $((delay > 0 ? 400 : 64)) ${AWS_CA_BUNDLE:+--ca "$AWS_CA_BUNDLE"}
}

# events_of BYTES: about as many bytes in all, so that large payloads take no longer.
events_of() {
    case $1 in
        2000) say $((usual_events / 4)) ;;
        16000) say $((usual_events / 20)) ;;
        *) say "$usual_events" ;;
    esac
}

answers() {
    if (($1 == 0)); then
        say 'at once'
    else
        say "after $1 ms"
    fi
}

# drained COMMAND... runs what drains a backlog and prints, as JSON, how fast that was and what it cost.
drained() {
    local wal cpu before after process images
    fresh_database
    fill "$events" "$bytes"
    "stub_start${tls:+_tls}" --delay "$delay"
    wal=$(wal_position) cpu=$(database_cpu_us) before=$(database_counters)
    process=$(measure_process "$@" 2>"$work/drain.log") || fail "$1 failed"
    wait_until 10 sessions_ended || fail "sessions have not ended"
    cpu=$(($(database_cpu_us) - cpu)) after=$(database_counters)
    images=$(wal_images "$wal") wal=$(($(wal_position) - wal))
    stub_stats | jq --compact-output --argjson events "$events" --argjson process "$process" --argjson cpu "$cpu" \
        --argjson wal "$wal" --argjson images "${images:-null}" --arg before "$before" --arg after "$after" '
        def per_event: . / $events * 100 | round / 100;
        [[$before, $after][] / "|" | map(tonumber)] as [$b, $a]
        | {"events/s": (.messages / ([.last_us - .first_us, 1] | max) * 1e6 | round),
           "relay CPU, us/event": ($process.cpu_us | per_event),
           "database CPU, us/event": ($cpu | per_event),
           "stand-in CPU, us/event": (.cpu_us | per_event),
           "WAL, bytes/event": ($wal / $events | round)}
          + if $images then {"WAL without page images, bytes/event": (($wal - $images) / $events | round)} else {} end
          + {"HOT updates, %": (($a[1] - $b[1]) / ([$a[0] - $b[0], 1] | max) * 1000 | round / 10),
           "relay peak memory, MiB": ($process.peak_kb / 102.4 | round / 10),
           "published more than once": (.messages - $events)}'
    stub_stop
}

main "$@"
