#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OUTBOX_CLAIM_TIMEOUT where SNS is slow and the events are large, so that the relay holds all it may and the rest of a claim
# waits: in the relay's memory, or in PostgreSQL, which has not sent it yet. Either is given back, so no transaction stays
# open for as long as SNS takes; and all of it is published later, once.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

# insert COUNT: of 60 kB each; the relay takes in 16 MiB, some 275 of them, and has a MiB wait, some 17.
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.made', n::text, json_build_object('n', repeat('x', 60000)) from generate_series(1, $1) n"
}
held_up="exists (select from pg_stat_activity where application_name = 'outbox-relay claim' and wait_event = 'ClientWrite')"
unsent() { sql "select count(*) from outbox.event where sent_at is null"; }

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders')" >/dev/null
relay_start one OUTBOX_CLAIM_TIMEOUT=1s
relay_wait_ready one

# They have all come, and some wait for room. SNS takes longer than they may wait.
fake_fault '{"kind":"delay","ms":6000}' >/dev/null
insert 285
wait_for_sql 20 "SNS takes some" "select exists (select from outbox.event where sent_at is not null)"
left=$(unsent)
assert_match "what had no room has been given back, not waited for" '^[1-9][0-9]*$' "$left"
fake_clear >/dev/null
events_wait_all_sent 30

# They have not all come: the server cannot send more. SNS does not answer at all.
fake_fault '{"kind":"stall"}' >/dev/null
insert 1000
wait_for_sql 20 "the server waits to send the rest" "select $held_up"
wait_for_sql 20 "it has sent all of it" "select not $held_up"
assert_equal "that was before SNS was given up" 0 "$(grep -c 'publishing failed' "$system_dir/one.log" || true)"
fake_clear >/dev/null
events_wait_all_sent 60
events_check
assert_equal "all are published, once" "1285 0" "$(events_count published) $(events_count duplicates)"
relay_stop one
system_end
