#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nobody keeps others from ordered events while they are published. So one that a person has locked meanwhile is not
# waited for: all others are marked, turns go on, and it is marked when the lock is gone, without being published again.
# And an event that has the id of one that is gone is not taken for that.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/sessions.sh
source "${BASH_SOURCE[0]%/*}/../lib/sessions.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

only_unsent() { wait_for_sql 10 "$1" "select array_agg(id)::text = '{$2}' from outbox.event where sent_at is null"; }
# copies ID prints how often that event was published.
copies() { grep -c "$(sql "select event_id from outbox.event where id = $1")" "$system_dir/published" || true; }
has_copies() { (($(copies "$1") >= $2)); }

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null
events_insert 20
session_begin person 'select outbox.park(5)'
relay_start one OUTBOX_SHUTDOWN_TIMEOUT=1s
only_unsent "all but what is locked is marked" 5
events_insert 105 # of its aggregate, too
only_unsent "so is what comes later" 5
relay_stop one 7
assert_match "who stops meanwhile owes a mark" '1 events were still under way' "$(tail -n 1 "$system_dir/one.log")"
assert_equal "of what was published once" 1 "$(copies 5)"
relay_start two # which knows nothing of that
wait_for 10 "it is published again" has_copies 5 2
events_insert 10
only_unsent "again nobody waits for it" 5
session_end person rollback
events_wait_all_sent 10
relay_stop two 0
assert_equal "nor was it published once more" 2 "$(copies 5)"
events_check '' killed
assert_equal "no connection was lost" 0 "$(cat "$system_dir"/{one,two}.log | grep -c 'is lost' || true)"

# While a handler works, the table is emptied, and its event's id given to another one, before anybody looks.
sql 'truncate outbox.event restart identity; update outbox.state set floor = 0'
script_make slowly "cat >>'$system_dir/handled'; until test -e '$system_dir/go'; do sleep 0.05; done"
relay_start three -- --sink handlers --on "**=exec:$script"
relay_wait_ready three
events_insert 1
wait_for 10 "the first is being handled" test -s "$system_dir/handled"
first=$(sql 'select event_id from outbox.event')
sql "truncate outbox.event restart identity;
     insert into outbox.event (event_type, aggregate_id, data) values ('order.created', 'order-7', '{}')"
touch "$system_dir/go"
events_wait_all_sent 10
relay_stop three 0
assert_match "the first was handled" "$first" "$(<"$system_dir/handled")"
assert_match "so was the second" "$(sql 'select event_id from outbox.event where id = 1')" "$(<"$system_dir/handled")"
system_end
