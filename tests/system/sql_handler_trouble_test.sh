#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Functions in SQL as handlers, when things go wrong: deadlocks, functions that take too long, connections that are cut, a
# server that is not there or comes back, wrong passwords, two processes with the same events, a pooler between.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/sql_driver.sh
source "${BASH_SOURCE[0]%/*}/../lib/sql_driver.sh"
# shellcheck source=../lib/pooler.sh
source "${BASH_SOURCE[0]%/*}/../lib/pooler.sh"

effects() { sql "select count(*) || ' of ' || count(distinct n) from shop.effect where by = '$1'"; }

# password_needed makes the role locked need a password.
password_needed() {
    local hba=$system_dir/postgres/data/pg_hba.conf rules
    sql "create role locked login password 'sesame'"
    rules=$(<"$hba")
    printf 'host all locked 127.0.0.1/32 scram-sha-256\n%s\n' "$rules" >"$hba"
    sql "select pg_reload_conf()" >/dev/null
}

# feed_at_once NAME NUMBER... feeds events in one piece.
feed_at_once() { say "$(events "${@:2}")" | driver_feed "$1"; }

# said_times NAME WORD TIMES
said_times() { (($(grep -c "^$2" "$system_dir/$1.said") == $3)); }

# shuffled SEED FROM TO prints these numbers in some order.
shuffled() { seq "$2" "$3" | shuf --random-source=<(yes "$1"); }

system_begin
PG_OPTIONS="-c deadlock_timeout=100ms" system_postgres
system_empty_database events
inbox_create
sql "create schema shop;
     create table shop.effect (n int, by text);
     create table shop.stock (id int primary key, taken int not null default 0);
     insert into shop.stock (id) select generate_series(1, 20);
     create function shop.note(event jsonb) returns void language sql as
         \$\$ insert into shop.effect (n, by) values ((event->'data'->>'n')::int, 'note') \$\$;
     create function shop.crossed(event jsonb) returns void language plpgsql as \$\$
     declare n int := (event->'data'->>'n')::int;
     begin
         update shop.stock set taken = taken + 1 where id = 1 + n % 2;
         perform pg_sleep(0.15);
         update shop.stock set taken = taken + 1 where id = 2 - n % 2;
     end \$\$;
     create function shop.take(event jsonb) returns void language sql as
         \$\$ update shop.stock set taken = taken + 1 where id = 3 + (hashint4((event->'data'->>'n')::int) & 15) \$\$;
     create function shop.slow(event jsonb) returns void language plpgsql as \$\$
     begin
         if (event->'data'->>'n')::int = 3 then perform pg_sleep(20); end if;
         perform shop.note(event);
     end \$\$;
     create function shop.locking(event jsonb) returns void language plpgsql as \$\$
     begin
         perform from shop.stock where id = 1 for update nowait;
         perform shop.note(event);
     end \$\$;
     create function shop.waiting(event jsonb) returns void language plpgsql as \$\$
     begin
         perform shop.note(event);
         perform pg_sleep(20);
     end \$\$"
export DATABASE_URL=postgresql://postgres@127.0.0.1:$PGPORT/events

# Two connections that take two rows in opposite order.
driver_run crossed OUTBOX_SQL_BATCH=1 OUTBOX_CONSUMER=crossed -- shop.crossed < <(events 1 2 3 4)
assert_equal "deadlocks are nobody's fault" "done=4" "$(outcomes crossed)"
assert_equal "each effect once" 4,4 "$(sql "select string_agg(taken::text, ',') from shop.stock where id < 3")"
assert_equal "there was a deadlock" yes "$(grep -q 'deadlock detected' "$system_dir/postgres/postgres.log" && say yes)"

# Batches that take the same few rows in any order.
# shellcheck disable=SC2046 # one word each
driver_run take OUTBOX_CONSUMER=take -- shop.take < <(events $(seq 1 1000))
assert_equal "batches that are in each other's way" "done=1000 1000" "$(outcomes take) $(sql 'select sum(taken) from shop.stock where id > 2')"

# A row that another transaction keeps: tried again a few times, then failed.
coproc hold { psql --no-psqlrc --quiet --tuples-only --no-align; }
hold_in=${hold[1]} hold_pid=$!
printf 'begin; update shop.stock set taken = taken where id = 1; select 1;\n' >&"$hold_in"
wait_for_sql 10 "the row is locked" "select exists (select from pg_stat_activity where state = 'idle in transaction')"
driver_run locking OUTBOX_CONSUMER=locking OUTBOX_SQL_CONNECTIONS=1 -- shop.locking < <(events 1)
printf 'rollback;\n\\q\n' >&"$hold_in"
wait "$hold_pid" || true
assert_equal "a lock that is not to be had" "failed=1" "$(outcomes locking)"
assert_match "is told" 'failed .* shop.locking: could not obtain lock on row .*55P03' "$(<"$system_dir/locking.said")"

# A function that takes too long.
driver_run slow OUTBOX_CONSUMER=slow OUTBOX_HANDLER_TIMEOUT=300ms -- shop.slow < <(events 1 2 3 4 5)
assert_equal "one that takes too long fails alone" "done=4 failed=1 failed" "$(outcomes slow) $(outcomes slow 3)"
assert_match "and says so" 'failed .* shop.slow: canceling statement due to statement timeout \(SQLSTATE 57014\)' "$(<"$system_dir/slow.said")"
assert_equal "the others have had their effect once" "4 of 4" "$(effects note)"

# One that ends its connection each time takes the others with it only for a while.
sql "create function shop.ending(event jsonb) returns void language plpgsql as \$\$
     begin
         if (event->'data'->>'n')::int = 104 then perform pg_terminate_backend(pg_backend_pid()), pg_sleep(20); end if;
         perform shop.note(event);
     end \$\$"
driver_open ending OUTBOX_CONSUMER=ending OUTBOX_SQL_CONNECTIONS=1 OUTBOX_SQL_BATCH=4 -- shop.ending
driver_wait ending 10 '^ready'
for n in {1..20}; do # the batch grows
    feed_at_once ending $((4 * n)) $((4 * n + 1)) $((4 * n + 2)) $((4 * n + 3))
    driver_wait ending 10 "^done .*$((4 * n + 3))$"
done
for n in 1 2 3; do
    feed_at_once ending 101 102 103 104
    wait_for 10 "loss $n" said_times ending recovered "$n"
done
driver_close ending
assert_equal "which ends the connection is an outage each time" "outage outage outage" "$(outcomes ending 104)"
assert_match "the first time all are" '^outage .*101 ' "$(grep 101 "$system_dir/ending.said")"
assert_equal "but the others get through" 3 "$(grep -cE '^done .*10[123]$' "$system_dir/ending.said")"

# The connection is cut in the middle.
sql "truncate shop.effect"
driver_open cut OUTBOX_CONSUMER=cut OUTBOX_SQL_CONNECTIONS=1 -- shop.waiting
driver_wait cut 10 '^ready'
events 1 2 | driver_feed cut
wait_for_sql 10 "the function runs" "select exists (select from pg_stat_activity where wait_event = 'PgSleep')"
events 3 | driver_feed cut
sql "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'" >/dev/null
driver_wait cut 10 '^recovered'
sql "create or replace function shop.waiting(event jsonb) returns void language sql as \$\$ select shop.note(event) \$\$"
driver_sort cut
assert_equal "what was under way, and what waited, is an outage" "outage outage outage" "$(outcomes cut 1 2 3)"
assert_match "with the reason" 'outage .* terminating connection due to administrator command' "$(<"$system_dir/cut.said")"
assert_equal "nothing of it is left" "0 of 0" "$(effects note)"
events 1 2 3 | driver_feed cut
driver_wait cut 10 '^done .*3$'

# The server crashes, and comes back.
postgres_stop "$system_dir/postgres" immediate
wait_for 10 "the loss is noticed" grep -q 'out of reach' "$system_dir/cut.log"
events 4 | driver_feed cut
driver_wait cut 10 '^outage .*4 '
system_postgres_again
wait_for 20 "it is there again" said_times cut recovered 2
events 1 4 | driver_feed cut
driver_wait cut 10 '^done .*4$'
driver_close cut
assert_equal "what was done before is repeated" 1 "$(grep -c '^repeated .*1$' "$system_dir/cut.said")"
assert_equal "each effect once" "4 of 4" "$(effects note)"

# A server that is not there at the start.
postgres_stop "$system_dir/postgres"
driver_open early OUTBOX_CONSUMER=early -- shop.note
wait_for 10 "it says that it waits" grep -q 'out of reach .*Connection refused' "$system_dir/early.log"
system_postgres_again
driver_wait early 20 '^ready'
events 1 | driver_feed early
driver_close early
assert_equal "it waits for the server at the start" "done=1" "$(outcomes early)"
assert_equal "and recovers from nothing" 0 "$(grep -c '^recovered' "$system_dir/early.said" || true)"

password_needed
driver_run locked "DATABASE_URL=postgresql://locked:wrong@127.0.0.1:$PGPORT/events" -- shop.note < <(events 1)
assert_match "a wrong password is no outage" '^broken 3 .*password authentication failed for user "locked"' "$(<"$system_dir/locked.said")"
driver_run locked "DATABASE_URL=postgresql://locked@127.0.0.1:$PGPORT/events" -- shop.note < <(events 1)
assert_match "nor is none" '^broken 3 .*no password supplied' "$(<"$system_dir/locked.said")"

# Two processes with the same events in different orders.
sql "truncate shop.effect"
# shellcheck disable=SC2046
driver_begin one OUTBOX_CONSUMER=two -- shop.note < <(events $(shuffled a 1 5000))
# shellcheck disable=SC2046
driver_begin two OUTBOX_CONSUMER=two -- shop.note < <(events $(shuffled b 1 5000))
driver_end one
driver_end two
assert_equal "two processes: each effect once" "5000 of 5000" "$(effects note)"
cat "$system_dir/one.out" "$system_dir/two.out" >"$system_dir/all.out"
assert_equal "two processes: one of them has done it" "done=5000 repeated=5000" "$(outcomes all)"

# A process that is killed in the middle.
sql "truncate shop.effect"
# shellcheck disable=SC2046
driver_begin killed OUTBOX_CONSUMER=killed -- shop.note < <(events $(seq 1 5000))
wait_for_sql 10 "it is in the middle" "select count(*) > 200 from shop.effect"
# shellcheck disable=SC2154 # driver_begin sets it
kill -KILL "$driver_pid_killed"
driver_end killed 2>/dev/null
assert_equal "it was killed before the end" yes "$(sql "select case when count(*) < 5000 then 'yes' end from shop.effect")"
driver_run after OUTBOX_CONSUMER=killed -- shop.note < "$system_dir/killed.in"
assert_equal "a process was killed: each effect once" "5000 of 5000" "$(effects note)"

# Behind a pooler in transaction mode.
pooler_size=3
pooler_start
sql "truncate shop.effect"
pooled=DATABASE_URL=postgresql://postgres@127.0.0.1:$pooler_port/events
# shellcheck disable=SC2046
driver_run pooled "$pooled" OUTBOX_CONSUMER=pooled OUTBOX_SQL_CONNECTIONS=4 -- shop.note shop.take < <(events $(seq 1 300))
assert_equal "pooled: done" "done=300 300 of 300" "$(outcomes pooled) $(effects note)"
assert_equal "pooled: nothing stays behind" "0 0 off" \
    "$(PGPORT=$pooler_port sql "select current_setting('statement_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout') || ' '
                                || case when count(*) = 0 then 'off' else 'prepared' end from pg_prepared_statements")"
system_end
