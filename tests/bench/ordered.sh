#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures ordered events on a bad day: a backlog for a FIFO topic is published by three relays that are killed in turn,
# while the strict fake fails entries, loses answers and leaves entries out of both lists. Prints how long it took and the
# judgement; fails when an event was lost or out of order. `--help` tells the options.
set -euo pipefail
RELAY_BUILD=${RELAY_BUILD:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/release}
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

usage() {
    cat <<END
usage: tests/bench/ordered.sh [--events N]

  --events N   how many events the backlog has, of 100 aggregates (100000)
RELAY_BUILD is the build folder (build/release).
END
}

events=100000
while (($#)); do
    case $1 in
        --events)
            [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1 needs a whole number from 1"
            events=$2
            shift
            ;;
        --help) usage && exit ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done

settings=(OUTBOX_RETRY_BASE=100ms OUTBOX_RETRY_MAX=1s OUTBOX_REQUEST_TIMEOUT=2s)
all_sent="select count(*) = 0 from outbox.event where sent_at is null"
kills=0
# Each relay has two seconds, unless all is sent earlier.
kill_in_turn() {
    local name
    while true; do
        for name in one two three; do
            ! wait_until 2 sql_is_true "$all_sent" || return 0
            relay_kill "$name" >"$system_dir/kill.log" 2>&1
            kills=$((kills + 1))
            relay_start "$name" "${settings[@]}"
        done
    done
}

system_begin
system_postgres
system_database ordered
system_fake
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null
events_insert "$events"
fake_fault '{"kind":"fail_entry","code":"InternalError","probability":0.01}' >/dev/null
fake_fault '{"kind":"lost","probability":0.01}' >/dev/null
fake_fault '{"kind":"omit_entry","published":true,"probability":0.01}' >/dev/null
before=${EPOCHREALTIME/[.,]/}
for name in one two three; do relay_start "$name" "${settings[@]}"; done
kill_in_turn
say "$events ordered events, $kills relays killed: $(((${EPOCHREALTIME/[.,]/} - before) / 1000)) ms"
events_check "" killed
say "$(tr -d '\n' <<<"$checked")"
for name in one two three; do relay_stop "$name" 0; done
