#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From the outbox to the effect: the relay publishes, topics deliver to queues in envelopes and raw, standard and FIFO, and
# consumers run handlers in SQL, by HTTP and as programs. What is handled is deleted, and what comes twice is recognised.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

# fails NAME CODE PATTERN ARGUMENT... runs consume with the arguments.
fails() {
    local name=$1 code=$2 pattern=$3 status=0 output
    shift 3
    output=$(timeout 20 "$relay" consume "$@" 2>&1 </dev/null) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
    assert_match "$name: message" "$pattern" "$output"
}

system_begin
system_postgres
consume_database events
system_fake
for queue in enveloped raw ordered.fifo; do
    queue_make "$queue" 3
done
queue_subscribe orders enveloped
queue_subscribe orders raw raw
queue_subscribe ordered.fifo ordered.fifo

fails "no queue" 2 'consume needs a queue: set --queue-url or OUTBOX_QUEUE_URL' --on '**=sql:shop.take'
fails "no handler" 2 'consume needs a handler: set --on or OUTBOX_ON' --queue-url "$(queue_url_of raw)"
fails "no queue's URL" 2 'the queue URL is "orders": it must begin with https' --queue-url orders --on '**=sql:shop.take'
fails "no such queue" 6 'QueueDoesNotExist: .*; check OUTBOX_QUEUE_URL' --queue-url "$(queue_url_of none)" --on '**=sql:shop.take'
fault=$(fake_fault '{"kind":"deny","match":{"queue":"raw"}}' | jq --raw-output .id)
fails "not allowed" 6 'AccessDenied: .*; the role or user needs sqs:ReceiveMessage' --queue-url "$(queue_url_of raw)" --on '**=sql:shop.take'
fake_clear "$fault" >/dev/null

# Ten orders of three aggregates and two events that nobody handles, to a standard and a FIFO topic.
for topic in orders ordered.fifo; do
    sql "select outbox.route('**', 'arn:aws:sns:us-east-1:000000000000:$topic')" >/dev/null
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.created', 'order-' || n % 3, json_build_object('n', n) from generate_series(1, 10) n
         union all select 'user.registered', 'user-' || n, '{}' from generate_series(1, 2) n"
    "$relay" run --until-empty >"$system_dir/relay.log" 2>&1 || fail "the relay failed"
done

node "$system_root/tests/lib/endpoint.mjs" "$system_dir/posted" >"$system_dir/endpoint.log" &
printf '%s %s\n' $! "$(process_start_time $!)" >"$system_dir/endpoint.pid"
wait_until 10 grep -q '^listening on ' "$system_dir/endpoint.log" || fail "the endpoint did not start"
endpoint=http://$(sed -n 's/^listening on //p' "$system_dir/endpoint.log")/events
script_make traced "cat >/dev/null; echo \"\${TRACEPARENT:-none}\" >>'$system_dir/traces'"
traced=$script
script_make note "event=\$(cat); echo \"\$event\" >>'$system_dir/noted'"

consume_all enveloped --queue-url "$(queue_url_of enveloped)" --on 'order.created=sql:shop.take' \
    --on "order.*=exec:$script" --on "order.**=http:$endpoint"
assert_equal "each event has its effect in SQL" 10 "$(sql 'select count(distinct event_id) from shop.seen')"
assert_equal "and once" 10 "$(sql 'select count(*) from shop.seen')"
assert_equal "the program has run for each" 10 "$(grep -c order.created "$system_dir/noted")"
assert_equal "each was posted with its id" 10 "$(jq --raw-output 'select(.key == .body.eventId) | .key' "$system_dir/posted" | sort -u | wc -l)"
assert_equal "the counts" "12 10 2 0 0" "$(for figure in received handled without_handler repeated failed; do consumed enveloped "$figure"; done | xargs)"
assert_equal "the queue is empty" "0 0" "$(queue_counts enveloped)"

# A trace goes all the way: from the metadata by the message's attribute and the queue to the application. What is no
# trace goes nowhere.
trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
sql "select outbox.route('**', 'arn:aws:sns:us-east-1:000000000000:orders');
     insert into outbox.event (event_type, aggregate_id, data, metadata)
     values ('order.traced', 'order-t', '{}', '{\"traceparent\": \"$trace\"}'),
            ('order.traced', 'order-u', '{}', '{\"traceparent\": \"$trace\\r\\nX-Evil: 1\"}')" >/dev/null
"$relay" run --until-empty >"$system_dir/relay.log" 2>&1 || fail "the relay failed"
consume_all traced --queue-url "$(queue_url_of enveloped)" --on "order.traced=http:$endpoint" --on "order.traced=exec:$traced"
assert_equal "the application's request is of the trace" "$trace null" \
    "$(jq --raw-output 'select(.body.eventType == "order.traced") | .trace' "$system_dir/posted" | sort | xargs)"
assert_equal "so is the program" "$trace none" "$(sort "$system_dir/traces" | xargs)"

# The same events from the other queue, under the same name, are known; under another they are not.
consume_all raw --queue-url "$(queue_url_of raw)" --consumer enveloped --on 'order.created=sql:shop.take'
assert_equal "events that were handled are recognised" "10 10" "$(sql 'select count(*) from shop.seen') $(consumed raw repeated)"
assert_equal "and their messages deleted" "0 0" "$(queue_counts raw)"
queue_send raw 5 --copies 2
consume_all again --queue-url "$(queue_url_of raw)" --on 'order.created=sql:shop.take'
assert_equal "events that come twice have their effect once" "15 5" "$(sql 'select count(*) from shop.seen') $(consumed again repeated)"

sql "truncate shop.seen"
consume_all ordered --queue-url "$(queue_url_of ordered.fifo)" --on 'order.created=sql:shop.take'
assert_equal "a FIFO queue's events are all handled" 10 "$(sql 'select count(*) from shop.seen')"
assert_equal "in the order of each aggregate" 0 \
    "$(sql 'select count(*) from shop.seen earlier join shop.seen later using (aggregate_id) where earlier.id < later.id and earlier.sequence > later.sequence')"
assert_equal "the FIFO queue is empty" "0 0" "$(queue_counts ordered.fifo)"

system_end
