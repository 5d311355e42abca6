#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where relays share the work, the events that would tell a relay that a topic works again may be taken by another one.
# What it has made wait is let go all the same, at once: on a standard topic and on a FIFO one.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

# take_what_is_due does what another relay does that takes all that comes due, until nothing is left but what waits for the
# topic.
take_what_is_due() {
    sql "update outbox.event set sent_at = now(), due_at = null where sent_at is null and due_at < 'infinity'"
    sql_is_true "select bool_and(due_at = 'infinity') from outbox.event where sent_at is null"
}

routes_read() { (($(grep -c 'routes read' "$system_dir/one.log") >= $1)); }

# topic_in_trouble NAME
topic_in_trouble() {
    local topic=arn:aws:sns:us-east-1:000000000000:$1 before
    before=$(grep -c 'routes read' "$system_dir/one.log" || true)
    sql "select outbox.route('order.**', '$topic')" >/dev/null
    wait_for 10 "the route is read" routes_read $((before + 1))
    fake_fault '{"kind":"status","status":503}' >/dev/null
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.moved', 'o-' || n, '{}' from generate_series(1, 500) n"
    wait_for_sql 20 "most of them wait" "select count(*) > 300 from outbox.event where due_at = 'infinity' and sent_at is null"
    wait_for 20 "the others are taken" take_what_is_due
    fake_clear >/dev/null
    wait_for_sql 10 "$1: all are sent" 'select count(*) = 0 from outbox.event where sent_at is null'
    assert_equal "$1: no attempt is counted" 0 "$(sql 'select max(attempts) from outbox.event')"
}

system_begin
system_postgres
system_database events
system_fake
relay_start one OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=500ms
relay_wait_ready one
topic_in_trouble orders
topic_in_trouble orders.fifo
relay_stop one 0
assert_not_rescued one
system_end
