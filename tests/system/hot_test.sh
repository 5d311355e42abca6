#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a drain costs the database: every mark is a HOT update, no index grows, and the relay never reads the whole table.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

counter() { sql "select $1 from pg_stat_user_tables where relid = 'outbox.event'::regclass"; }
index_sizes() { sql "select indexrelid::regclass, pg_relation_size(indexrelid) from pg_index where indrelid = 'outbox.event'::regclass order by 1"; }
# Sessions report what they have counted when they end, at the latest.
sessions_wait_ended() {
    wait_for_sql 20 "the relay's sessions end" "select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'"
}

updates_are_counted() { (($(counter n_tup_upd) >= 20000)); }

system_begin
PG_OPTIONS='-c autovacuum=off' system_postgres
system_database events
system_stub
sql "insert into outbox.event (event_type, aggregate_id, data)
     select 'order.created', 'order-' || n % 100, json_build_object('n', n, 'note', repeat('x', 500)) from generate_series(1, 20000) n"
sessions_wait_ended
indexes=$(index_sizes) table=$(sql "select pg_relation_size('outbox.event')") scans=$(counter seq_scan)

relay_start relay
messages_wait 60 20000
relay_stop relay 0
sessions_wait_ended
# (Up to PostgreSQL 14 they are told to a collector, which takes a moment.)
wait_for 20 "the counters are there" updates_are_counted
assert_equal "the relay never scans the table" "$scans" "$(counter seq_scan)"
assert_equal "it finds events by index" t "$(counter 'idx_scan > 0')"
assert_nothing_lost
assert_equal "each event is updated once" 20000 "$(counter n_tup_upd)"
assert_equal "each update is HOT" 20000 "$(counter n_tup_hot_upd)"
assert_equal "no index has grown" "$indexes" "$(index_sizes)"
assert_equal "the table has not grown" "$table" "$(sql "select pg_relation_size('outbox.event')")"
assert_not_rescued relay
system_end
