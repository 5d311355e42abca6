#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A topic that is throttled to a few events a second, with a few more than that among the events of another topic all the
# time: they keep none of the claims, so that the other topic's events go out at once; and the slow one gets its rate.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

system_begin
system_postgres
system_database events
system_fake
for name in good slow; do
    sql "select outbox.route('$name.**', 'arn:aws:sns:us-east-1:000000000000:$name')" >/dev/null
done
relay_start relay
relay_wait_ready relay
fake_fault '{"kind":"throttle","rate":2,"burst":2,"match":{"topic":"slow"}}' >/dev/null

# 5 slow ones and 195 others a second, for 8 seconds.
for _ in {1..40}; do
    echo "insert into outbox.event (event_type, aggregate_id, data)
          select case n when 1 then 'slow.created' else 'good.created' end, 'o-' || n, '{}' from generate_series(1, 40) n;
          select pg_sleep(0.2);"
done | psql -Xqv ON_ERROR_STOP=1 >/dev/null
wait_for_sql 20 "every good event is sent" \
    "select count(*) = 0 from outbox.event where event_type = 'good.created' and sent_at is null"
slowest=$(sql "select round(extract(epoch from max(sent_at - occurred_at)), 1) from outbox.event where event_type = 'good.created'")
assert_equal "no good event has waited for long (the longest $slowest s)" t "$(sql "select $slowest < 5")"
sent=$(sql "select count(*) from outbox.event where event_type = 'slow.created' and sent_at is not null")
assert_equal "slow ones wait, and were sent at their pace: $sent of 40" yes "$( ((sent >= 6 && sent < 38)) && say yes)"
assert_equal "nothing is parked, no attempt counted" 0 \
    "$(sql 'select count(*) from outbox.event where attempts > 0 or parked_at is not null')"
fake_clear >/dev/null
wait_for_sql 60 "the slow ones are sent as well" "select count(*) = 0 from outbox.event where sent_at is null"
events_check
assert_equal "nothing is sent twice" 0 "$(events_count duplicates)"
relay_stop relay 0
system_end
