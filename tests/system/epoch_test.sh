#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A cluster whose transaction ids have wrapped around: ids have 64 bits in a snapshot and 32 in the rows. The relay works just
# before the end of an epoch, across it and in the next one, with late committers.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

[[ ! ${POSTGRES_BIN:-} || -x $POSTGRES_BIN/pg_resetwal ]] || { say "skipped: this PostgreSQL comes without pg_resetwal" && exit; }
system_begin
export PG_OPTIONS='-c autovacuum=off'
system_postgres
for database in postgres template1; do # what is frozen is seen by whatever id comes next
    PGDATABASE=$database sql 'vacuum freeze'
done
postgres_stop "$system_dir/postgres"
# Epoch 7, and 3,000 transactions before the end of it; the segment of pg_xact that the ids are in is not there yet.
segment=$system_dir/postgres/data/pg_xact/0FFF
head -c 262144 /dev/zero >"$segment"
((EUID != 0)) || chown postgres: "$segment"
(as_postgres "$system_dir/postgres" pg_resetwal --epoch 7 --next-transaction-id 4294964296 --oldest-transaction-id 4294964296 \
    --pgdata "$system_dir/postgres/data") >"$system_dir/resetwal.log" 2>&1 || fail "pg_resetwal failed: $(<"$system_dir/resetwal.log")"
system_postgres_again
system_database events
assert_equal "the epoch is 7" 7 "$(sql "select pg_current_xact_id()::text::numeric / 4294967296" | cut -d . -f 1)"
system_stub
export OUTBOX_POLL_INTERVAL=50ms
relay_start one
relay_wait_ready one

# late NAME begins a transaction that draws an id and stays open until NAME.go is there.
late() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 >"$system_dir/$1.log" 2>&1 <<SQL &
begin;
insert into outbox.event (event_type, aggregate_id, data) values ('order.late', '$1', '{}');
\! until [ -e "$system_dir/$1.go" ]; do sleep 0.05; done
commit;
SQL
    wait_for_sql 20 "$1 is open" "select count(*) >= 1 from pg_stat_activity where state = 'idle in transaction' and query like '%''$1''%'"
}
events_insert 500
late before
cat >"$system_dir/burn.sql" <<'SQL'
insert into outbox.event (event_type, aggregate_id, data) values ('order.created', 'order', '{}');
SQL
pgbench --no-vacuum --client 4 --transactions 1000 --file "$system_dir/burn.sql" >"$system_dir/pgbench.log" 2>&1 || fail "pgbench failed"
assert_equal "the epoch is 8" 8 "$(sql "select pg_current_xact_id()::text::numeric / 4294967296" | cut -d . -f 1)"
wait_for_sql 30 "all that is committed is published across the end of the epoch" "select count(*) = 4500 from outbox.event where sent_at is not null"
late after
events_insert 500
: >"$system_dir/before.go"
wait_for_sql 20 "what began in the epoch before is published when it commits" "select sent_at is not null from outbox.event where aggregate_id = 'before'"
: >"$system_dir/after.go"
events_wait_all_sent 30
assert_nothing_lost
assert_equal "nothing is published twice" 0 "$(messages_duplicates)"
relay_stop one
assert_not_rescued one
system_end
