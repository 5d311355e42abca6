#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Order on a FIFO topic: three relays, kills and a frozen one, answers lost, entries that fail in the middle of a batch,
# whole batches refused. The events of each aggregate arrive in order, each once; one that is refused for good holds up
# its own aggregate only, or (OUTBOX_PARKED_HEAD=pass) nobody.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

settings=(OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=500ms OUTBOX_REQUEST_TIMEOUT=2s OUTBOX_BATCH_ROWS=200)
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.moved', '${2:-o}-' || n % ${3:-100}, json_build_object('n', n) from generate_series(1, $1) n"
}
unsent() { sql 'select count(*) from outbox.event where sent_at is null'; }
all_sent() { wait_for_sql 120 "every event is sent" "select count(*) = 0 from outbox.event where sent_at is null and parked_at is null ${1:-}"; }
# longest_pause, by the fake's log, between the first message and the last, in milliseconds.
longest_pause() { jq --slurp '[.[].t] | sort | [., .[1:]] | transpose | map(select(.[1]) | .[1] - .[0]) | max / 1000 | round' "$system_dir/published"; }
sent_at_least() { wait_for_sql 60 "$1 events are sent" "select count(*) >= $1 from outbox.event where sent_at is not null"; }

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null

for name in one two three; do relay_start "$name" "${settings[@]}"; done
for name in one two three; do relay_wait_ready "$name"; done
fake_fault '{"kind":"fail_entry","code":"InternalError","probability":0.03}' >/dev/null
fake_fault '{"kind":"omit_entry","published":true,"probability":0.02}' >/dev/null
fake_fault '{"kind":"lost","probability":0.02}' >/dev/null
fake_fault '{"kind":"status","status":503,"probability":0.02}' >/dev/null
insert 6000
sent_at_least 1000
relay_kill one
sent_at_least 2000
relay_start one "${settings[@]}"
relay_signal two STOP
sent_at_least 3500
relay_signal two CONT
relay_signal three STOP
sent_at_least 4500
relay_signal three CONT
all_sent
events_check "" killed
say "# with relays killed and frozen, the longest time without a message: $(longest_pause) ms"
assert_equal "all are published" 6000 "$(events_count published)"
assert_equal "each aggregate in order, and no duplicate delivered" "0 0" "$(events_count disordered) $(events_count duplicates)"
say "    $(events_count deduplicated) were sent again and recognised"
fake_clear >/dev/null

# A poisoned aggregate.
fake_fault '{"kind":"poison","match":{"body":"\"n\" : 7}"}}' >/dev/null
insert 200 poison 10
all_sent "and aggregate_id <> 'poison-7'"
wait_for_sql 20 "what is behind the poison waits" \
    "select count(*) = 19 from outbox.event where aggregate_id = 'poison-7' and parked_at is null and due_at = 'infinity'"
assert_equal "one event is parked, those behind it wait, all others are sent" "1 20" \
    "$(sql "select count(parked_at) || ' ' || count(*) from outbox.event where sent_at is null")"
insert 20 poison 10
all_sent "and aggregate_id <> 'poison-7'"
fake_clear >/dev/null
assert_match "retried by hand" '^1 event will be tried again' "$(sql "select outbox.retry('order.**')")"
wait_for_sql 60 "the aggregate goes on" 'select count(*) = 0 from outbox.event where sent_at is null'
events_check "" killed
assert_equal "the whole aggregate is published in its order" 0 "$(events_count disordered)"
for name in one two three; do
    relay_stop "$name" 0
    assert_not_rescued "$name"
done

fake_fault '{"kind":"poison","match":{"body":"\"n\" : 7}"}}' >/dev/null
relay_start passing "${settings[@]}" OUTBOX_PARKED_HEAD=pass
insert 200 passing 10
all_sent
assert_equal "with OUTBOX_PARKED_HEAD=pass a parked event is passed" "passing-7 7" \
    "$(sql "select aggregate_id || ' ' || (data ->> 'n') from outbox.event where parked_at is not null")"
assert_equal "and those behind it are published" 199 "$(sql "select count(*) from outbox.event where aggregate_id like 'passing-%' and sent_at is not null")"
relay_stop passing 0
system_end
