#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be handled goes to the dead-letter queue after as many receives as the queue allows, the others go on; of a
# FIFO queue only its group waits. Bodies that are no events go the same way.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

quick=(OUTBOX_RETRY_BASE=1ms OUTBOX_RETRY_MAX=1ms OUTBOX_WAIT_TIME=1s)

system_begin
system_postgres
consume_database events
system_fake

queue_make work 3
queue_send work 30 --fail 7 --fail 20
queue_send_text work 'no JSON'
queue_send_text work '{"hello":"world"}'
consumer_start standard "${quick[@]}" -- --queue-url "$queue_url" --on 'order.created=sql:shop.take'
wait_for 20 "four are with the dead letters" queue_has dead-work "4 0"
wait_for 10 "the others are deleted" queue_has work "0 0"
assert_equal "all others have their effect" 28 "$(sql 'select count(*) from shop.seen')"
relay_stop standard 0
assert_equal "each that failed has failed three times" 6 "$(consumed standard failed)"
assert_equal "each malformed one three times" 6 "$(consumed standard malformed)"
assert_match "the log says why an event failed" 'out of stock' "$(cat "$system_dir/standard.log")"

# A backoff is given to the queue: the message is hidden and comes again later.
queue_make later 5
queue_send later 1 --fail 1
consumer_start backoff OUTBOX_RETRY_BASE=60s OUTBOX_WAIT_TIME=1s -- --queue-url "$queue_url" --on 'order.created=sql:shop.take'
relay_wait_ready backoff
wait_for 10 "it has failed once" relay_log backoff 'out of stock'
wait_for 10 "it is hidden" queue_has later "0 1"
fake_advance 20000 >/dev/null
assert_equal "it does not come again early" "0 1" "$(queue_counts later)"
fake_advance 41000 >/dev/null
wait_for 10 "it comes again in time" sh -c "[ \$(grep -c 'out of stock' '$system_dir/backoff.log') -ge 2 ]"
relay_stop backoff 0

# Group order-1 of three: its second event fails. Those behind it are received with it each time, are never begun, and go to
# the dead letters with it; the other groups do not wait, nor does what comes later.
queue_make line.fifo 3
script_make line "event=\$(cat); jq --raw-output '\"\\(.aggregateId) \\(.sequence)\"' <<<\"\$event\" >>'$system_dir/runs'
! grep -q '\"fail\":true' <<<\"\$event\""
runs_of() { sed -n "s/^$1 //p" "$system_dir/runs" | xargs; }
queue_send line.fifo 12 --aggregates 3 --fail 4
consumer_start ordered "${quick[@]}" -- --queue-url "$queue_url" --on "**=exec:$script"
wait_for 20 "they are with the dead letters" queue_has dead-line.fifo "3 0"
queue_send line.fifo 1 --aggregates 3 --first 13
wait_for 10 "the others are deleted" queue_has line.fifo "0 0"
relay_stop ordered 0
assert_equal "a group is handled in order, and goes no further than what fails" "1 4 4 4 13" "$(runs_of order-1)"
assert_equal "another does not wait" "3 6 9 12" "$(runs_of order-0)"
assert_equal "nor does the third" "2 5 8 11" "$(runs_of order-2)"
assert_equal "it has failed three times" 3 "$(consumed ordered failed)"
system_end
