#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which topic an event goes to, and in which form: no route, then one, the most specific of several, formats, and a FIFO
# topic, whose queue keeps the order of each aggregate.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

publish() { sql "select outbox.publish('$1', '${2:-o}', '{\"total\": 5}', '{\"source\": \"shop\"}')" >/dev/null; }
route() { sql "select outbox.route('$1', '$2', $3)" >/dev/null; }
all_sent() { wait_for_sql 20 "every event is sent" 'select count(*) = 0 from outbox.event where sent_at is null'; }
# received NAME COUNT FILTER prints what jq's filter makes of the messages in the raw queue NAME.
received() {
    queue_drain "${queues[$1]}" "$system_dir/received" "$2" 1
    jq --compact-output "$3" "$system_dir/received"
}

system_begin
system_postgres
system_database events
system_emulator
declare -A topics queues
for name in any orders paid cloud data ordered.fifo; do
    system_queue "$name" raw
    topics[$name]=$topic_arn queues[$name]=$queue_url
done

relay_start relay
relay_wait_ready relay
publish order.created
wait_for_sql 20 "an event without a topic waits, and says why" \
    "select status = 'pending' and attempts = 0 and last_error like 'no topic%' from outbox.event_status"
assert_passed "an event without a topic waits, and says why"

route '**' "${topics[any]}" null
all_sent
assert_equal "a route is used at once, also for events that wait" '"order.created"' \
    "$(received any 1 '.Body | fromjson | .eventType')"

route 'order.*' "${topics[orders]}" null
route 'order.paid' "${topics[paid]}" null
route 'cloud.**' "${topics[cloud]}" "'cloudevents'"
route 'data.**' "${topics[data]}" "'data'"
route 'ordered.**' "${topics[ordered.fifo]}" null
wait_for 20 "the relay has read the six routes" relay_log relay 'routes read.*routes=6'
for type in order.created order.paid order.line.added cloud.seen data.seen; do
    publish "$type"
done
all_sent
assert_equal "* is one word" '["order.created"]' "$(received orders 9 '[.Body | fromjson | .eventType]')"
assert_equal "a literal is more specific than *" '["order.paid"]' "$(received paid 9 '[.Body | fromjson | .eventType]')"
assert_equal "** takes what no other route takes" '["order.line.added"]' "$(received any 9 '[.Body | fromjson | .eventType]')"
assert_equal "format data is the payload alone" '{"total":5}' "$(received data 9 '.Body | fromjson')"
assert_equal "format cloudevents" '["1.0","shop","cloud.seen","o","application/json",{"total":5}]' \
    "$(received cloud 9 '.Body | fromjson | [.specversion, .source, .type, .subject, .datacontenttype, .data]')"

sql "insert into outbox.event (event_type, aggregate_id, data)
     select 'ordered.moved', 'o-' || n % 5, json_build_object('n', n) from generate_series(1, 200) n"
all_sent
# A FIFO queue hands out a group's next messages only when the earlier ones are deleted, which emulator_aws does.
queue_drain "${queues[ordered.fifo]}" "$system_dir/fifo" 200 5
assert_equal "the FIFO queue has them all" 200 "$(wc -l <"$system_dir/fifo")"
assert_equal "the message group is the aggregate" true "$(jq --slurp \
    'map((.Body | fromjson | .aggregateId) == .Attributes.MessageGroupId) | all' "$system_dir/fifo")"
assert_equal "the deduplication id is the event's" true "$(jq --slurp \
    'map((.Body | fromjson | .eventId) == .Attributes.MessageDeduplicationId) | all' "$system_dir/fifo")"
assert_equal "and each aggregate is in order" true "$(jq --slurp \
    'map(.Body | fromjson) | group_by(.aggregateId) | map(map(.data.n) | . == sort) | all' "$system_dir/fifo")"

sql "select outbox.unroute('**')" >/dev/null
wait_for 20 "the relay has read the routes" relay_log relay 'routes read.*routes=5'
publish user.left
wait_for_sql 20 "an event whose route was removed waits" \
    "select last_error like 'no topic%' from outbox.event where event_type = 'user.left'"
assert_passed "an event whose route was removed waits"
relay_stop relay 0
assert_not_rescued relay
system_end
