#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A burst into a table that was tiny when ANALYZE saw it, and when the relay published its first events: what the relay
# reads of the index grows with the events, not with their square.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

readonly burst=5000
updates_are_counted() { sql "select n_tup_upd > $burst from pg_stat_user_tables where relid = 'outbox.event'::regclass" | grep -q t; }
entries_read() { sql "select idx_tup_read from pg_stat_user_indexes where indexrelid = 'outbox.event_pkey'::regclass"; }

# publish_burst NAME publishes two events, one after the other, then the burst.
publish_burst() {
    events_insert 1
    sql 'analyze outbox.event'
    relay_start "$1" OUTBOX_CLAIMS=1 OUTBOX_BATCH_ROWS=100
    events_wait_all_sent 20
    events_insert 1
    events_wait_all_sent 20
    events_insert $burst
    events_wait_all_sent 120
    relay_stop "$1" 0
    wait_for 20 "the counters are there" updates_are_counted
    assert_equal "$1: few index entries are read for an event" t "$(sql "select $(entries_read) < 10 * $burst")"
    say "    $(entries_read) for $burst events"
}

system_begin
PG_OPTIONS='-c autovacuum=off' system_postgres
system_stub
system_database unordered
publish_burst unordered
system_database ordered
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null
publish_burst ordered
system_end
