#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The relay against the strict fake: signatures, attributes and groups are as SNS wants them, each event arrives once,
# and a FIFO topic has each aggregate in order.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

arn=arn:aws:sns:us-east-1:000000000000
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$1', 'order-' || n % 100, json_build_object('n', n) from generate_series(1, 1000) n"
}
# published FILTER prints what jq's filter makes of all the lines of the fake's log.
published() { jq --slurp --compact-output "$1" "$system_dir/published"; }
counted() { fake_stats | jq --compact-output "$1"; }

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('ordered.**', '$arn:ordered.fifo')" >/dev/null
insert order.created
insert ordered.moved
sql 'select event_id from outbox.event order by 1' >"$system_dir/committed"

relay_start relay
events_wait_all_sent 60
relay_stop relay 0
assert_equal "every committed event is published, and nothing else" "" \
    "$(jq --raw-output .id "$system_dir/published" | sort -u | diff "$system_dir/committed" - | head -n 10)"
assert_equal "each of them once" 2000 "$(wc -l <"$system_dir/published")"
assert_equal "on the topic of its route" '{"events":1000,"ordered.fifo":1000}' \
    "$(published 'group_by(.topic) | map({key: .[0].topic, value: length}) | from_entries')"
assert_equal "no request is refused" '{}' "$(counted .refused)"
assert_equal "nothing is recognised as a duplicate" 0 "$(counted .deduplicated)"
assert_equal "the message group is the aggregate, the deduplication id the event" true \
    "$(published 'map(select(.topic == "ordered.fifo")) | map(.group == .agg and .dedup == .id) | all')"
assert_equal "each aggregate is in order" true \
    "$(published 'map(select(.topic == "ordered.fifo")) | group_by(.agg) | map(map(.seq) | . == sort) | all')"
assert_equal "the receipts in the database are the fake's" "" "$(diff \
    <(jq --raw-output '.id + "|" + .mid' "$system_dir/published" | sort) \
    <(sql "select event_id || '|' || message_id from outbox.event" | sort) | head -n 10)"

fake_fault '{"kind": "lost", "count": 1}' >/dev/null
fake_fault '{"kind": "expire_token", "count": 1}' >/dev/null
sql "select outbox.publish('order.created', 'order-1', '{}')" >/dev/null
relay_start again OUTBOX_RETRY_BASE=100ms
events_wait_all_sent 30
relay_stop again 0
assert_equal "an answer that is lost makes a duplicate" '["lost","sent"]' "$(published '.[2000:] | map(.answer)')"
assert_equal "the faults have come" '[1,1]' "$(counted '[.faults.lost, .faults.expire_token]')"
assert_equal "none is left" '[]' "$(fake_control GET faults)"

AWS_SECRET_ACCESS_KEY=wrong relay_start forger
sql "select outbox.publish('order.created', 'order-1', '{}')" >/dev/null
wait_for_sql 20 "a wrong signature is not accepted, and the event says so" \
    "select last_error like '%SignatureDoesNotMatch%' from outbox.event order by id desc limit 1"
assert_passed "a wrong signature is not accepted, and the event says so"
relay_stop forger 0
system_end
