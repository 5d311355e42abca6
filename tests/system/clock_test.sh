#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A machine whose clock is an hour off, in either direction: events flow as if it were right, and a line of the log says
# how wrong it is. A clock that is set right is followed, too.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

clock_skew() { fake_control POST clock "{\"skew_ms\": $1}" >/dev/null; }

# assert_untroubled WHAT asserts that no event was parked or has an attempt, and that nothing had to rest.
assert_untroubled() {
    assert_equal "$1: nothing parked, no attempt counted" "0 0" \
        "$(sql 'select count(parked_at) || $$ $$ || sum(attempts) from outbox.event')"
    assert_equal "$1: nothing rested" 0 "$(grep -c 'rests' "$system_dir/relay.log" || true)"
}

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('queue.*', 'arn:aws:sns:us-east-1:000000000000:queue.fifo')" >/dev/null

clock_skew 3600000
relay_start relay
events_insert 2000
sql "insert into outbox.event (event_type, aggregate_id, data)
     select 'queue.added', 'queue-' || n % 20, json_build_object('n', n) from generate_series(1, 500) n"
events_wait_all_sent 60
assert_untroubled "an hour behind AWS"
assert_match "the log says how far the clock is off, and what to do" 'the clock of this machine is wrong.*NTP.*behind_aws_s=(359[0-9]|3600)' \
    "$(grep 'the clock' "$system_dir/relay.log")"
assert_equal "once" 1 "$(grep -c 'the clock' "$system_dir/relay.log")"
refused=$(fake_stats | jq '.refused.SignatureDoesNotMatch')
events_insert 100
events_wait_all_sent 60
assert_equal "the offset stays: no request is refused any more" "$refused" "$(fake_stats | jq '.refused.SignatureDoesNotMatch')"

clock_skew -3600000
events_insert 2000
events_wait_all_sent 60
assert_untroubled "two hours back, an hour ahead of AWS"
assert_match "and that is said, too" 'the clock of this machine is wrong.*behind_aws_s=-36' "$(grep 'the clock' "$system_dir/relay.log")"

clock_skew 0
events_insert 100
events_wait_all_sent 60
assert_untroubled "set right"
assert_match "a clock that is right again is welcomed" 'the clock of this machine is right again' "$(grep 'the clock' "$system_dir/relay.log")"

relay_stop relay
events_check
assert_equal "all is published once" "4700 0" "$(events_count published) $(events_count duplicates)"
assert_not_rescued relay
system_end
