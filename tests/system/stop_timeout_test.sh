#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay that is stopped while SNS owes it answers: after OUTBOX_SHUTDOWN_TIMEOUT what is known to be sent is marked and the
# rest left as it was, for the next relay; standard and FIFO topics. A second signal ends it at once.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

published_at_least() { (($(wc -l <"$system_dir/published") >= $1)); }
stalled() { fake_stats | jq '.faults.stall // 0'; }
stalled_more_than() { (($(stalled) > $1)); }

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders'),
            outbox.route('item.**', 'arn:aws:sns:us-east-1:000000000000:items.fifo'),
            outbox.route('stuck.**', 'arn:aws:sns:us-east-1:000000000000:stuck'),
            outbox.route('kept.**', 'arn:aws:sns:us-east-1:000000000000:kept.fifo')" >/dev/null
for topic in stuck kept.fifo; do
    fake_fault "{\"kind\":\"stall\",\"match\":{\"topic\":\"$topic\"}}" >/dev/null
done
sql "insert into outbox.event (event_type, aggregate_id, data)
     select type || '.made', type || n % 3, json_build_object('n', n) from unnest(array['order', 'item']) type, generate_series(1, 30) n
     union all select 'stuck.made', 'stuck' || n, '{}' from generate_series(1, 5) n
     union all select 'kept.made', 'stuck', '{}'"

relay_start one OUTBOX_SHUTDOWN_TIMEOUT=300ms
wait_for 20 "what is not stuck is published" published_at_least 60
wait_for 20 "SNS owes it the answers for both stalled topics" stalled_more_than 1
relay_stop one 7
assert_match "it says how many were under way" '[0-9]+ events were still under way after OUTBOX_SHUTDOWN_TIMEOUT' "$(tail -n 1 "$system_dir/one.log")"
assert_equal "what is known to be sent is marked, and nothing else" "60 0" \
    "$(sql "select count(sent_at) filter (where aggregate_id !~ 'stuck') || ' ' || count(sent_at) filter (where aggregate_id ~ 'stuck') from outbox.event")"

before=$(stalled)
relay_start two
wait_for 20 "SNS owes the second relay an answer" stalled_more_than "$before"
relay_signal two TERM
wait_for 20 "it stops" relay_log two ' stopping '
relay_signal two TERM
relay_wait two 7 5

fake_clear >/dev/null
"$relay" run --until-empty >"$system_dir/three.log" 2>&1 || fail "the third relay failed: $(tail -n 2 "$system_dir/three.log")"
events_wait_all_sent 30
events_check
assert_equal "the rest is published by the next relay, in order, nothing twice" "66 0 0" \
    "$(events_count published) $(events_count disordered) $(events_count duplicates)"
system_end
