#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The relay and its consumer with the emulator of the quick start between them: in envelopes and raw, standard and FIFO.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

system_begin
system_postgres
consume_database events
system_emulator
for queue in enveloped raw ordered.fifo; do
    delivery=envelope
    [[ $queue != raw ]] || delivery=raw
    system_queue "$queue" "$delivery"
    sql "truncate shop.seen; select outbox.route('**', '$topic_arn')" >/dev/null
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.created', 'order-' || n % 3, json_build_object('n', n) from generate_series(1, 20) n"
    "$relay" run --until-empty >"$system_dir/relay.log" 2>&1 || fail "the relay failed"
    consume_all "${queue%.fifo}" --queue-url "$queue_url" --on 'order.created=sql:shop.take'
    assert_equal "$queue: each event has its effect once" "20 20" \
        "$(sql 'select count(*) || $$ $$ || count(distinct event_id) from shop.seen')"
    assert_equal "$queue: the queue is empty" 0 "$(emulator_aws count "$queue_url")"
done
assert_equal "in the order of each aggregate" 0 \
    "$(sql 'select count(*) from shop.seen earlier join shop.seen later using (aggregate_id) where earlier.id < later.id and earlier.sequence > later.sequence')"
system_end
