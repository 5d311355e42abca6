#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An ordered event where none can be, below the floor, as when somebody has chosen its id: turns have gone past it, so the
# sweep finds it, and a turn publishes it. To a FIFO topic, and to handlers, for which every event is ordered.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.set_wake_up(false)" >/dev/null # so that the relay stays awake, and sweeps
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null
for sink in sns handlers; do
    relay_start "$sink" OUTBOX_POLL_INTERVAL=100ms -- --sink "$sink" --on '**=exec:true'
    events_insert 20
    wait_for_sql 20 "all is settled" 'select floor = (select max(id) from outbox.event) from outbox.state'
    lowest=$(sql 'select min(id) from outbox.event')
    sql "delete from outbox.event where id = $lowest;
         insert into outbox.event (id, event_type, aggregate_id, data) overriding system value
         values ($lowest, 'order.created', 'order-1', '{}')"
    events_wait_all_sent 10
    relay_stop "$sink" 0
    assert_match "it was the sweep that found it" ' rescued=1$' "$(grep ' stopped ' "$system_dir/$sink.log")"
done
system_end
