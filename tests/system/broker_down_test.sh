#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The broker is not there when the relay starts, comes, goes in the middle of the work, and comes back: everything is sent,
# no event is blamed, none is parked.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

events=2000
blamed="select count(*) from outbox.event where attempts > 0 or parked_at is not null"

rests() { grep -c 'publishing failed, the topic rests.*topic=arn:aws:sns' "$system_dir/relay.log" || true; }
more_rests_than() { (($(rests) > $1)); }

system_begin
system_postgres
system_database events
system_stub --delay 20 # for its port
process_stop "$system_dir/stub.pid"

relay_start relay OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=8 OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=500ms
relay_wait_ready relay
events_insert "$events"
wait_for 20 "the relay says that the topic rests" more_rests_than 0
assert_equal "no broker at the start: nothing is sent" "$events" "$(events_unsent)"
wait_for_sql 20 "the reason is in the rows" \
    "select count(*) > 0 from outbox.event_status where status = 'pending' and last_error like 'SNS: no answer: %'"
assert_equal "no event is blamed or parked" 0 "$(sql "$blamed")"

system_stub --delay 20
events_wait_all_sent 60
assert_nothing_lost
assert_equal "the relay says that it works again" yes "$(relay_log relay 'publishing works again.*topic=arn:aws:sns' && say yes)"

events_insert "$events"
messages_wait 60 $((events + events / 4))
process_stop "$system_dir/stub.pid"
before=$(rests)
assert_equal "the broker has gone in the middle" yes "$( (($(events_unsent) > 0)) && say yes)"
wait_for 20 "the relay notices" more_rests_than $((before - 1))
assert_equal "still no event is blamed or parked" 0 "$(sql "$blamed")"

system_stub --delay 20
events_wait_all_sent 60
assert_nothing_lost
assert_equal "at most the requests under way are repeated" yes "$( (($(messages_duplicates) <= 8 * 10)) && say yes)"
assert_equal "at the end no event was blamed or parked" 0 "$(sql "$blamed")"
relay_stop relay 0
assert_not_rescued relay
system_end
