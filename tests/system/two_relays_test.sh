#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two relays share the work while producers insert: nothing is lost, and nothing is published twice.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"


# 4 clients, each 50 transactions of 100 events.
produce() {
    cat >"$system_dir/produce.sql" <<'SQL'
insert into outbox.event (event_type, aggregate_id, data)
select 'order.created', 'order-' || n, json_build_object('n', n) from generate_series(1, 100) n;
SQL
    pgbench --no-vacuum --client 4 --transactions 50 --file "$system_dir/produce.sql" >"$system_dir/pgbench.log" 2>&1
}

sent_by() { sed -nE 's/.* stopped .*sent=([0-9]+).*/\1/p' "$system_dir/$1.log" | tail -n 1; }

system_begin
system_postgres
system_database events
system_stub --delay 20
export OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=8 OUTBOX_POLL_INTERVAL=20ms
relay_start one
relay_start two
relay_wait_ready one
relay_wait_ready two

produce || fail "pgbench failed: $(tail -n 3 "$system_dir/pgbench.log")"
events_wait_all_sent 60
relay_stop one 0
relay_stop two 0

assert_nothing_lost
assert_equal "nothing is published twice" 0 "$(messages_duplicates)"
assert_match "both have worked: $(sent_by one) and $(sent_by two) events" '^[1-9][0-9]* [1-9][0-9]*$' "$(sent_by one) $(sent_by two)"
assert_equal "together they have sent them all" 20000 $(($(sent_by one) + $(sent_by two)))
assert_not_rescued one
assert_not_rescued two
system_end
