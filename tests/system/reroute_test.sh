#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A route that leads to a FIFO topic from now on, while events are under way by the old one: what has not been handed to SNS
# goes the new way, and in a turn, which alone keeps the order.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

route() { sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:$1')" >/dev/null; }
# published_to TOPIC prints aggregate and number of each message to it, in the order that SNS took them.
published_to() { jq --raw-output --arg topic "$1" 'select(.topic == $topic) | "\(.agg) \(.seq)"' "$system_dir/published"; }
has_read_more() { (($(grep -c ' routes read ' "$system_dir/one.log") > before)); }
has_read_twice() { (($(grep -c ' routes read ' "$system_dir/one.log") >= 2)); }

system_begin
system_postgres
system_database events
system_fake
route orders
relay_start one OUTBOX_LOG_LEVEL=debug
relay_wait_ready one

# Of 60 kB each: the relay takes in 16 MiB, some 275 of them; the others wait in its memory.
fake_fault '{"kind":"delay","ms":8000}' >/dev/null
sql "insert into outbox.event (event_type, aggregate_id, data)
     select 'order.moved', n % 3, json_build_object('n', n, 'filler', repeat('x', 60000)) from generate_series(1, 285) n"
wait_for 20 "all are claimed" relay_log one ' claimed kind=forward events=285'
route orders.fifo
wait_for 20 "the relay has read the route, after the first" has_read_twice
fake_clear >/dev/null
events_wait_all_sent 30
published_to orders >"$system_dir/old"
published_to orders.fifo >"$system_dir/new"
new=$(wc -l <"$system_dir/new")
assert_match "some went the old way" '^[1-9][0-9]*$' "$(wc -l <"$system_dir/old")"
assert_match "the others went the new way" '^[1-9][0-9]*$' "$new"
assert_equal "all of these in turns" "$new" \
    "$(sed -n 's/.* claimed kind=ordered events=\([0-9]*\) .*/\1/p' "$system_dir/one.log" | awk '{ sum += $1 } END { print +sum }')"
assert_equal "each aggregate of these in order" "$(sort --key 1,1n --key 2,2n "$system_dir/new")" \
    "$(sort --stable --key 1,1n "$system_dir/new")"
assert_equal "every event went one way, once" "285 285" \
    "$(cat "$system_dir/old" "$system_dir/new" | wc -l) $(cat "$system_dir/old" "$system_dir/new" | sort -u | wc -l)"

# Turns do not wait for the claims under way when a change has nothing to do with order.
sql "select outbox.route('slow.**', 'arn:aws:sns:us-east-1:000000000000:slow')" >/dev/null
fake_fault '{"kind":"delay","ms":60000,"match":{"topic":"slow"}}' >/dev/null
sql "insert into outbox.event (event_type, aggregate_id, data) values ('slow.moved', 'a', '{}')"
wait_for 10 "its request is under way" sh -c "curl --silent '$fake_url/_fake/stats' | jq --exit-status '.concurrent > 0' >/dev/null"
before=$(grep -c ' routes read ' "$system_dir/one.log")
sql "select outbox.pause('arn:aws:sns:us-east-1:000000000000:orders')" >/dev/null
wait_for 10 "the relay has read of the pause" has_read_more
sql "insert into outbox.event (event_type, aggregate_id, data) values ('order.moved', 'a', '{}')"
wait_for_sql 5 "an ordered event is sent beside it" "select count(*) = 0 from outbox.event where event_type = 'order.moved' and sent_at is null"
relay_kill one
system_end
