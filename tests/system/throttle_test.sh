#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Throttling: the relay finds the rate that SNS allows and keeps close to it, parks nothing, and leaves the other topics
# alone; OUTBOX_RATE_LIMIT is kept. Rates are printed, not asserted; that nothing storms is.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$1', 'o-' || n % 100, json_build_object('n', n) from generate_series(1, $2) n"
}
unsent() { sql "select count(*) from outbox.event where event_type like '$1.%' and sent_at is null"; }
all_sent() { wait_for_sql 120 "every $1 event is sent" "select count(*) = 0 from outbox.event where event_type like '$1.%' and sent_at is null"; }
# rate TYPE prints how many a second were sent, from the insert on.
rate() {
    sql "select round(count(*) / extract(epoch from max(sent_at) - min(occurred_at))) from outbox.event where event_type like '$1.%'"
}

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('slow.**', 'arn:aws:sns:us-east-1:000000000000:slow')" >/dev/null
fake_fault '{"kind":"throttle","rate":500,"burst":500,"match":{"topic":"slow"}}' >/dev/null
relay_start relay OUTBOX_LOG_LEVEL=debug
relay_wait_ready relay

insert slow.created 8000
all_sent slow
say "    throttled to 500 a second (500 at once): $(rate slow) a second"
assert_equal "nothing is parked, no attempt counted" 0 "$(sql 'select count(*) from outbox.event where attempts > 0 or parked_at is not null')"
refused=$(fake_stats | jq '.refused.Throttling')
assert_equal "there is no storm: $refused requests of 800 were throttled" yes "$( ((refused < 400)) && say yes)"

insert slow.created 2000
insert good.created 5000
all_sent good
assert_equal "another topic's events overtake those that are throttled" yes "$( (($(unsent slow) > 0)) && say yes)"
all_sent slow
events_check
assert_equal "nothing is sent twice" 0 "$(events_count duplicates)"
relay_stop relay 0

fake_clear >/dev/null
relay_start limited OUTBOX_RATE_LIMIT=1000
insert limited.created 3000
all_sent limited
say "    OUTBOX_RATE_LIMIT=1000: $(rate limited) a second"
assert_equal "OUTBOX_RATE_LIMIT is kept: 3,000 messages take two seconds at least" t \
    "$(sql "select max(sent_at) - min(sent_at) > interval '2 s' from outbox.event where event_type like 'limited.%'")"
relay_stop limited 0
system_end
