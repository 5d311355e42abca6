#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A slow handler is not run twice at once, however short the visibility timeout is; and a consumer that is told to stop
# leaves no message hidden, whether it waits, is being received, or is being handled for too long.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

begun() { grep -c begun "$system_dir/runs" || true; }
has_begun() { (($(begun) >= $1)); }
handler_gone() { ! kill -0 "$(<"$system_dir/handler")" 2>/dev/null; }

system_begin
system_fake
: >"$system_dir/runs"

# Two consumers, a visibility of two seconds, a handler of five.
queue_make slow 10
script_make slowly "cat >/dev/null; echo begun >>'$system_dir/runs'; sleep 5; echo ended >>'$system_dir/runs'"
queue_send slow 1
for name in one two; do
    consumer_start "$name" -- --queue-url "$queue_url" --on "**=exec:$script" --visibility-timeout 2s --wait-time 1s
done
wait_for 15 "it has ended" grep -q ended "$system_dir/runs"
wait_for 5 "it is deleted" queue_has slow "0 0"
for name in one two; do relay_stop "$name" 0; done
assert_equal "a handler that is slower than the visibility timeout runs once" "1 begun 1 ended" \
    "$(sort "$system_dir/runs" | uniq -c | xargs)"

# SIGTERM while one message is being handled and another waits for it, in a group of a FIFO queue.
: >"$system_dir/runs"
queue_make stop.fifo
script_make shortly "cat >/dev/null; echo begun >>'$system_dir/runs'; sleep 1"
queue_send stop.fifo 3 --aggregates 1
consumer_start three -- --queue-url "$queue_url" --on "**=exec:$script" --wait-time 1s
wait_for 10 "one is being handled" has_begun 1
relay_stop three 0
assert_equal "what was being handled is deleted, the rest can be received" "2 0" "$(queue_counts stop.fifo)"
assert_equal "and was not begun" 1 "$(begun)"
assert_equal "the counts" "3 1 2" "$(for figure in received handled given_back; do consumed three "$figure"; done | xargs)"

# What a receive under way brings after SIGTERM is given back.
queue_make late
consumer_start four -- --queue-url "$queue_url" --on "**=exec:$script" --wait-time 2s
relay_wait_ready four
wait_for 10 "a receive is under way" sh -c "curl --silent '$fake_url/_fake/stats' | jq --exit-status '.concurrent > 0' >/dev/null"
relay_signal four TERM
wait_for 5 "it stops" relay_log four ' stopping '
queue_send late 1
relay_wait four 0
assert_equal "it is not hidden" "1 0" "$(queue_counts late)"
assert_equal "nor handled" "1 0" "$(consumed four given_back) $(consumed four handled)"

# A handler that takes longer than the time to stop: it is ended before its message is given back, so that it does not run
# beside whoever gets that next, however long SQS takes.
: >"$system_dir/runs"
queue_make long
script_make long "cat >/dev/null; echo begun >>'$system_dir/runs'; sleep 1.5; echo ended >>'$system_dir/runs'"
queue_send long 1
fault=$(fake_fault '{"kind":"delay","ms":1500,"match":{"action":"ChangeMessageVisibilityBatch"}}' | jq --raw-output .id)
consumer_start five OUTBOX_SHUTDOWN_TIMEOUT=500ms -- --queue-url "$queue_url" --on "**=exec:$script" --wait-time 0ms
wait_for 10 "it is being handled" has_begun 1
relay_stop five 7
fake_clear "$fault"
assert_equal "it is given back" "1 0" "$(queue_counts long)"
assert_equal "and was ended" begun "$(<"$system_dir/runs")"
assert_match "and that is said" 'OUTBOX_SHUTDOWN_TIMEOUT' "$(tail -n 1 "$system_dir/five.log")"

# A second signal ends the consumer at once, and its handlers with it.
queue_make twice
script_make twice "cat >/dev/null; echo \$\$ >'$system_dir/handler'; exec sleep 60"
queue_send twice 1
consumer_start six -- --queue-url "$queue_url" --on "**=exec:$script" --wait-time 0ms
wait_for 10 "it is being handled" test -s "$system_dir/handler"
relay_signal six TERM
wait_for 5 "it stops" relay_log six ' stopping '
relay_stop six 7
wait_for 5 "the handler is gone" handler_gone
system_end
