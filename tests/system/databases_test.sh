#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Databases that are out of the ordinary: replicated, with policies, with other encodings, with names that need quotes, with
# prepared transactions, at the end of their ids, two on one server. All is published, or refused with a reason.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/drain.sh
source "${BASH_SOURCE[0]%/*}/../lib/drain.sh"

system_begin
PG_OPTIONS='-c wal_level=logical' system_postgres

# A publication FOR ALL TABLES, whose subscriber has a slot: marks are updates, so the table needs its replica identity.
system_empty_database replicated
sql "create publication everything for all tables"
"$relay" migrate up --inbox >"$system_dir/inbox.log" 2>&1 || fail "migrate up --inbox failed: $(<"$system_dir/inbox.log")"
"$relay" migrate up >"$system_dir/outbox.log" 2>&1 || fail "migrate up failed: $(<"$system_dir/outbox.log")"
sql "select pg_create_logical_replication_slot('subscriber', 'test_decoding')" >/dev/null
drain_role
insert 50
sql "select inbox.first_time('billing', event_id) from outbox.event" >/dev/null
assert_drained "FOR ALL TABLES"
sql "insert into inbox.processed_event (consumer, event_id, processed_at) values ('old', gen_random_uuid(), now() - interval '90 days')"
assert_equal "FOR ALL TABLES: the inbox is pruned" 1 "$(sql "select inbox.prune()")"
assert_equal "FOR ALL TABLES: the subscriber sees events and marks" "50 50" \
    "$(sql "select count(*) filter (where data like '%INSERT%') || ' ' || count(*) filter (where data like '%UPDATE%sent_at%')
            from pg_logical_slot_get_changes('subscriber', null, null) where data like 'table outbox.event:%'")"
sql "alter table outbox.event replica identity full"
insert 20
assert_drained "REPLICA IDENTITY FULL"
sql "select pg_drop_replication_slot('subscriber')" >/dev/null
sql "alter table outbox.event replica identity nothing"
insert 1
relay_start nothing DATABASE_URL="$(relay_url)" -- --sink stdout
wait_for 20 "the relay says why it cannot mark" relay_log nothing 'cannot update table .*"event.* because it does not have a replica identity'
sql "alter table outbox.event replica identity default"
wait_for_sql 20 "and marks when it can" "select bool_and(sent_at is not null) from outbox.event"
relay_stop nothing
assert_equal "REPLICA IDENTITY NOTHING: the event was published once" 1 "$(grep -c '"eventId"' "$system_dir/nothing.log")"

# Row-level security hides rows from whoever has no BYPASSRLS: that is an error, not an empty table.
system_database policies
drain_role
insert 20
sql "alter table outbox.event enable row level security"
assert_refused "row-level security" 3 "row-level security of outbox.event applies to the relay's role"
sql "alter table outbox.event force row level security; create policy half on outbox.event using (id % 2 = 0)"
assert_refused "FORCE and a policy" 3 "row-level security of outbox.event applies to the relay's role"
sql "alter role relay bypassrls"
assert_drained "BYPASSRLS"
sql "alter role relay nobypassrls"

# Encodings. What PostgreSQL converts is published as UTF-8; SQL_ASCII says nothing about its bytes.
for encoding in LATIN1 EUC_JP; do
    PGDATABASE=postgres sql "create database other template template0 encoding '$encoding' lc_collate 'C' lc_ctype 'C'"
    export PGDATABASE=other
    "$relay" migrate up >"$system_dir/migrate.log" 2>&1 || fail "migrate up failed with $encoding: $(<"$system_dir/migrate.log")"
    drain_role
    word=Böb
    [[ $encoding != EUC_JP ]] || word=日本
    PGCLIENTENCODING=UTF8 sql "select outbox.publish('user.renamed', '$word', '{\"name\": \"$word\"}', '{\"correlationId\": \"$word\"}')" >/dev/null
    assert_drained "$encoding"
    assert_equal "$encoding: the message is UTF-8" "$word $word $word" \
        "$(jq --raw-output '.message | "\(.aggregateId) \(.data.name) \(.metadata.correlationId)"' "$system_dir/$encoding.out")"
    PGDATABASE=postgres sql "drop database other"
    rm "$system_dir/ids of other"
done
PGDATABASE=postgres sql "create database ascii template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'"
export PGDATABASE=ascii
status=0
"$relay" migrate up >"$system_dir/migrate.log" 2>&1 || status=$?
assert_match "SQL_ASCII: migrate refuses it and says why" "^3 .*database ascii has the encoding SQL_ASCII.*Use a database with the encoding UTF8" \
    "$status $(<"$system_dir/migrate.log")"
assert_equal "and leaves nothing behind" "" "$(sql "select to_regnamespace('outbox')")"
assert_refused "SQL_ASCII" 3 'this database has the encoding SQL_ASCII'

# Names that need quotes; an owner who is no superuser, in a database whose public schema is closed.
export PGDATABASE=postgres
sql 'create role "The ""Owner" login'
sql 'create database "My ""Shop" owner "The ""Owner"'
export PGDATABASE='My "Shop'
sql "revoke all on schema public from public"
PGUSER='The "Owner' "$relay" migrate up >"$system_dir/migrate.log" 2>&1 || fail "migrate up failed: $(<"$system_dir/migrate.log")"
sql 'create role "Relay Nr. 1" login in role outbox_relay; create role "Writer;--" login in role outbox_writer'
PGUSER='Writer;--' sql "select outbox.publish('order.created', '1', '{}')" >/dev/null
assert_drained "names that need quotes" DATABASE_URL="host=127.0.0.1 port=$PGPORT dbname='My \"Shop' user='Relay Nr. 1'"
"$relay" pause arn:aws:sns:us-east-1:000000000000:orders >/dev/null
assert_equal "names that need quotes: the schema is its owner's" 'The "Owner' \
    "$(sql "select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'outbox'")"

# Prepared transactions: their events are published when they are committed, others meanwhile.
system_database two_phase
drain_role
sql "select outbox.set_wake_up(false)" >/dev/null
sql "begin; select outbox.publish('order.created', 'first', '{}'); prepare transaction 'one'" >/dev/null
insert 10
relay_start two_phase DATABASE_URL="$(relay_url)" OUTBOX_POLL_INTERVAL=50ms -- --sink stdout
wait_for_sql 20 "others are published" "select count(*) = 10 from outbox.event where sent_at is not null"
sql "commit prepared 'one'"
wait_for_sql 20 "so is the prepared one when it is committed" "select count(*) = 11 from outbox.event where sent_at is not null"
relay_stop two_phase
assert_not_rescued two_phase

# Writers with session_replication_role = replica, whose triggers do not fire otherwise, wake the relay up as well.
system_database replica
drain_role
relay_start replica DATABASE_URL="$(relay_url)" OUTBOX_POLL_INTERVAL=1h -- --sink stdout
relay_wait_ready replica
sleeping="select count(*) = 1 from pg_locks where locktype = 'advisory' and classid = 1869968482 and objid = 1 and mode = 'ExclusiveLock'
          and database = (select oid from pg_database where datname = current_database())"
wait_for_sql 20 "the relay sleeps" "$sleeping"
PGOPTIONS='-c session_replication_role=replica' insert 30
wait_for_sql 20 "they are found all the same" "select count(*) = 30 from outbox.event where sent_at is not null"

# A second database on the server has its own relay, its own locks and its own sleep.
first=$PGDATABASE
system_database second
drain_role
relay_start second DATABASE_URL="$(relay_url)" OUTBOX_POLL_INTERVAL=1h -- --sink stdout
relay_wait_ready second
wait_for_sql 20 "a relay on another database of the server leads and sleeps as well" "$sleeping"
insert 30
wait_for_sql 20 "it is woken up" "select count(*) = 30 from outbox.event where sent_at is not null"
PGDATABASE=$first insert 5
PGDATABASE=$first wait_for_sql 20 "and so is the first" "select count(*) = 35 from outbox.event where sent_at is not null"
relay_stop second
relay_stop replica

# Ids near the end of bigint: the relay serves the last one, and the writer behind it is told.
system_database last_ids
drain_role
sql "alter sequence outbox.event_id_seq restart with 9223372036854775797"
insert 11
assert_drained "the last ids"
assert_match "the last ids: the last is published" 9223372036854775807 "$(<"$system_dir/the last ids.out")"
assert_fails "the last ids: no writer gets another" insert 1
assert_drained "nothing after the last ids"
system_end
