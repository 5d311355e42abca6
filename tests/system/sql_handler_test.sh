#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Functions in SQL as handlers: whatever a function returns and however it is declared, its effect happens once; one that
# fails is found among the others, which go on; what does not exist is said at the start.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/sql_driver.sh
source "${BASH_SOURCE[0]%/*}/../lib/sql_driver.sh"

effects() { sql "select coalesce(string_agg(distinct n::text, ' '), '') || ' in ' || count(*) from shop.effect where by = '$1'"; }

# kinds_of_functions: name, and how it is declared; each calls shop.note, once for each row it returns.
declare -A kinds=(
    [void]="returns void language sql as \$\$ select shop.note(event, 'void') \$\$"
    [inserting]="returns void language sql as \$\$ insert into shop.effect (n, by) values ((event->'data'->>'n')::int, 'inserting') \$\$"
    [plain]="returns jsonb language plpgsql as \$\$ begin perform shop.note(event, 'plain'); return event; end \$\$"
    [nothing]="returns int language plpgsql as \$\$ begin perform shop.note(event, 'nothing'); return null; end \$\$"
    [stable]="returns int stable language plpgsql as \$\$ begin perform shop.note(event, 'stable'); return 1; end \$\$"
    [stable_sql]="returns void stable language sql as \$\$ select shop.note(event, 'stable_sql') \$\$"
    [immutable]="returns int immutable language plpgsql as \$\$ begin perform shop.note(event, 'immutable'); return 1; end \$\$"
    [strict]="returns int strict immutable language sql as \$\$ select shop.lie(event, 'strict') \$\$"
    [row]="returns shop.effect language plpgsql as \$\$ begin perform shop.note(event, 'row'); return null; end \$\$"
    [record]="returns record language plpgsql as \$\$ begin perform shop.note(event, 'record'); return (1, 'a'::text); end \$\$"
    [outs]="returns record language plpgsql as \$\$ begin perform shop.note(event, 'outs'); a := 1; end \$\$"
    [no_rows]="returns setof int language plpgsql as \$\$ begin perform shop.note(event, 'no_rows'); end \$\$"
    [rows]="returns setof int language plpgsql as \$\$ begin perform shop.note(event, 'rows'); return next 1; return next 2; end \$\$"
    [rows_sql]="returns setof void stable language sql as \$\$ select shop.note(event, 'rows_sql') \$\$"
    [columns]="returns table (a int, b text) language plpgsql as \$\$ begin perform shop.note(event, 'columns'); a := 1; return next; end \$\$"
    [trapping]="returns void language plpgsql as \$\$ begin
        begin perform 1 / 0; exception when division_by_zero then perform shop.note(event, 'trapping'); end; end \$\$"
)

create_functions() {
    local name arguments statements=
    sql "create schema shop;
         create table shop.effect (n int, by text);
         create function shop.note(event jsonb, by text) returns void language sql as
             \$\$ insert into shop.effect (n, by) values ((event->'data'->>'n')::int, by) \$\$;
         create function shop.lie(event jsonb, by text) returns int immutable language plpgsql as
             \$\$ begin perform shop.note(event, by); return 1; end \$\$"
    for name in "${!kinds[@]}"; do
        arguments="event jsonb"
        [[ $name != outs ]] || arguments+=", out a int, out b int"
        statements+="create function shop.\"$name\"($arguments) ${kinds[$name]};"
    done
    sql "$statements
         create schema \"My \"\"Shop\";
         create function \"My \"\"Shop\".\"Größe.(x)\"(event jsonb) returns void language sql as \$\$ select shop.note(event, 'quoted') \$\$"
}

system_begin
PG_OPTIONS="-c deadlock_timeout=100ms" system_postgres
system_empty_database events
export DATABASE_URL=postgresql://postgres@127.0.0.1:$PGPORT/events OUTBOX_SQL_CONNECTIONS=1

driver_run none -- shop.void < <(events 1)
assert_equal "without schema inbox: the exit code" 4 "$driver_code"
assert_match "it is said what to run" 'broken 4 schema inbox, .* is missing in this database: run "outbox-relay migrate up --inbox"' \
    "$(<"$system_dir/none.said")"

inbox_create
create_functions
for name in "${!kinds[@]}"; do
    driver_run kind OUTBOX_CONSUMER="$name" -- "shop.$name" < <(events 1 2 3 && events 1)
    driver_run again OUTBOX_CONSUMER="$name" -- "shop.$name" < <(events 3 4)
    assert_equal "$name: done, and the second time repeated" "done=3 repeated=1, done=1 repeated=1" "$(outcomes kind), $(outcomes again)"
done
assert_equal "each effect of each of ${#kinds[@]} functions once" "$(for name in "${!kinds[@]}"; do say "$name 1,2,3,4"; done | sort)" \
    "$(sql "select by || ' ' || string_agg(n::text, ',' order by n) from shop.effect group by by" | sort)"

driver_run quoted OUTBOX_CONSUMER=quoted -- '"My ""Shop"."Größe.(x)"' < <(events 1 2)
assert_equal "quoted names" "done=2 1 2 in 2" "$(outcomes quoted) $(effects quoted)"

# Statements are prepared; when they are gone all the same, behind a pooler that hides, it goes on without.
sql "create function shop.prepared(event jsonb) returns void language plpgsql as \$\$
     begin
         insert into shop.effect select count(*), 'prepared' from pg_prepared_statements where name like 'outbox_relay_call%';
         if event->'data'->>'n' = '3' then deallocate all; end if;
     end \$\$"
driver_run prepared OUTBOX_CONSUMER=prepared -- shop.prepared < <(events 1 2)
driver_run gone OUTBOX_CONSUMER=prepared -- shop.prepared < <(events 3 4 5 6 7 8)
assert_equal "prepared statements are used, and not needed" "done=2 done=6 0 1" \
    "$(outcomes prepared) $(outcomes gone) $(sql "select string_agg(distinct n::text, ' ' order by n::text) from shop.effect where by = 'prepared'")"
assert_equal "it says so" 1 "$(grep -c 'prepared statements fail, .* sqlstate=26000' "$system_dir/gone.log")"
sql "create sequence shop.calls;
     create function shop.outdated(event jsonb) returns void language plpgsql as \$\$
     begin
         if nextval('shop.calls') = 1 then -- which is not rolled back
             raise 'cached plan must not change result type' using errcode = '0A000';
         end if;
     end \$\$"
driver_run outdated OUTBOX_CONSUMER=outdated -- shop.outdated < <(events 1 2 3)
assert_equal "nor are those whose plan is outdated" "done=3 1" \
    "$(outcomes outdated) $(grep -c 'prepared statements fail, .* sqlstate=0A000' "$system_dir/outdated.log")"
sql "truncate shop.effect"

# Several functions for one event, in the order of the lines; the second sees what the first has done.
sql "create function shop.second(event jsonb) returns void stable language plpgsql as \$\$
     begin
         if not exists (select from shop.effect where n = (event->'data'->>'n')::int and by = 'void') then
             raise 'the first was not there';
         end if;
         perform shop.note(event, 'second');
     end \$\$;
     truncate shop.effect"
driver_run both OUTBOX_CONSUMER=both -- shop.void shop.second < <(events 11 12 13 14 15 16)
driver_run both_again OUTBOX_CONSUMER=both -- shop.void shop.second < <(events 11)
assert_equal "two functions for each event" "done=6 repeated=1" "$(outcomes both) $(outcomes both_again)"
assert_equal "both ran once, in order" 6,6 "$(sql "select count(*) filter (where by = 'void') || ',' || count(*) filter (where by = 'second') from shop.effect")"
driver_run order OUTBOX_CONSUMER=both -- shop.second shop.void < <(events 17)
assert_match "it is told which of two functions failed" 'failed [-0-9]* shop.second: the first was not there \(SQLSTATE P0001\)' "$(<"$system_dir/order.said")"
assert_equal "and nothing of the event is left" "0,0" \
    "$(sql "select (select count(*) from shop.effect where n = 17) || ',' || (select count(*) from inbox.processed_event where event_id = '$(event_id 17)')")"

# Failing ones among others.
sql "create function shop.picky(event jsonb) returns void language plpgsql as \$\$
     begin
         if (event->'data'->>'n')::int % 10 = 7 then raise 'no % please', event->'data'->>'n' using detail = 'sesame', errcode = '23514'; end if;
         perform shop.note(event, 'picky');
     end \$\$"
# shellcheck disable=SC2046 # one word each
driver_run picky OUTBOX_CONSUMER=picky -- shop.picky < <(events $(seq 1 100))
assert_equal "ten of a hundred fail" "done=90 failed=10" "$(outcomes picky)"
assert_equal "those that should" "failed failed done" "$(outcomes picky 7 97 98)"
assert_match "with the reason" 'failed 00000000-0000-4000-8000-000000000047 shop.picky: no 47 please \(SQLSTATE 23514\)$' \
    "$(grep 000047 "$system_dir/picky.said")"
assert_equal "and no more than that" 0 "$(grep -c sesame "$system_dir/picky.said" || true)"
assert_equal "the others have had their effect once" "90,90" "$(sql "select count(*) || ',' || count(distinct n) from shop.effect where by = 'picky'")"
assert_equal "failed ones are not remembered" 90 "$(sql "select count(*) from inbox.processed_event where consumer = 'picky'")"

# What one leaves in the transaction makes the next one fail, but not for good.
sql "create function shop.untidy(event jsonb) returns void language plpgsql as \$\$
     begin create temporary table mess () on commit drop; perform shop.note(event, 'untidy'); end \$\$"
driver_run untidy OUTBOX_CONSUMER=untidy -- shop.untidy < <(events 1 2 3 4 5 6 7 8)
assert_equal "what an event leaves behind does not fail another" "done=8 8" "$(outcomes untidy) $(sql "select count(*) from shop.effect where by = 'untidy'")"

# A transaction that a function makes read-only, and a server that is.
sql "create function shop.reading(event jsonb) returns void language plpgsql as \$\$
     begin
         if event->'data'->>'n' = '3' then set local transaction_read_only = on; end if;
         perform shop.note(event, 'reading');
         if event->'data'->>'n' = '5' then set local transaction_read_only = on; end if;
     end \$\$"
driver_run reading OUTBOX_CONSUMER=reading -- shop.reading < <(events 1 2 3 4 5 6 7 8 9)
assert_equal "who makes the transaction read-only fails alone" "done=8 failed=1 failed" "$(outcomes reading) $(outcomes reading 3)"
assert_match "with the reason" 'failed .* shop.reading: cannot execute INSERT in a read-only transaction \(SQLSTATE 25006\)' "$(<"$system_dir/reading.said")"
driver_run read_only OUTBOX_CONSUMER=reading PGOPTIONS="-c default_transaction_read_only=on" -- shop.reading < <(events 11 12)
assert_equal "a server that is read-only is an outage" "outage=2" "$(outcomes read_only)"

# An error that comes at COMMIT.
sql "create table shop.customer (id int primary key);
     create table shop.bill (customer int references shop.customer deferrable initially deferred);
     insert into shop.customer select n from generate_series(1, 40) n where n not in (5, 23);
     create function shop.bill(event jsonb) returns void language sql as \$\$ insert into shop.bill values ((event->'data'->>'n')::int) \$\$"
# shellcheck disable=SC2046
driver_run bill OUTBOX_CONSUMER=bill -- shop.bill < <(events $(seq 1 40))
assert_equal "a deferred constraint" "done=38 failed=2 failed failed" "$(outcomes bill) $(outcomes bill 5 23)"
assert_match "its reason" 'at the end of the transaction: insert or update on table "bill" violates foreign key constraint .*SQLSTATE 23503' \
    "$(grep 000005 "$system_dir/bill.said")"
assert_equal "the others are stored once" 38 "$(sql 'select count(*) from shop.bill')"

# Functions that may not do what they try.
sql "create function shop.committing(event jsonb) returns void language plpgsql as \$\$ begin perform shop.note(event, 'committing'); commit; end \$\$"
driver_run committing -- shop.committing < <(events 1)
assert_match "a function cannot end the transaction" 'failed .* shop.committing: invalid transaction termination \(SQLSTATE 2D000\)' "$(<"$system_dir/committing.said")"
driver_run zero OUTBOX_CONSUMER=zero -- shop.void < <(printf '{"eventId":"%s","data":"\\u0000"}\n' "$(event_id 1)")
assert_match "what jsonb does not take" 'failed .* shop.void: unsupported Unicode escape sequence' "$(<"$system_dir/zero.said")"

# What does not exist, or may not be used.
assert_broken() {
    local name=$1 code=$2 pattern=$3
    shift 3
    driver_run broken "$@" < <(events 1)
    assert_match "$name" "^broken $code $pattern" "$(<"$system_dir/broken.said")"
}
sql "create function shop.wrong(event json) returns void language sql as ''; create procedure shop.procedure(event jsonb) language sql as ''"
assert_broken "a function that is missing" 2 'handler sql:shop.nosuch: there is no function of that name with one argument of type jsonb in this database; it should look like CREATE FUNCTION "shop"."nosuch"\(event jsonb\) RETURNS void$' -- shop.void shop.nosuch
assert_broken "a schema that is missing" 2 'handler sql:shoq.void: there is no schema of that name in this database; ' -- shoq.void
assert_broken "a function of other arguments" 2 'handler sql:shop.wrong: .* in this database, but shop.wrong\(event json\); ' -- shop.wrong
assert_broken "a procedure" 2 'handler sql:shop.procedure is not a plain function: ' -- shop.procedure
sql "create role shopper login; revoke execute on function shop.void from public"
shopper=DATABASE_URL=postgresql://shopper@127.0.0.1:$PGPORT/events
assert_broken "no right to schema inbox" 3 'role "shopper" may not use schema inbox: GRANT inbox_consumer TO "shopper"$' "$shopper" -- shop.void
sql "grant inbox_consumer to shopper"
assert_broken "no right to the function's schema" 3 'handler sql:shop.void: .*: GRANT USAGE ON SCHEMA "shop" TO "shopper"$' "$shopper" -- shop.void
sql "grant usage on schema shop to shopper"
assert_broken "no right to the function" 3 'handler sql:shop.void: .*: GRANT EXECUTE ON FUNCTION "shop"."void"\(jsonb\) TO "shopper"$' "$shopper" -- shop.void
sql "grant execute on function shop.void to shopper; grant insert on shop.effect to shopper"
driver_run shopper OUTBOX_CONSUMER=shopper "$shopper" -- shop.void < <(events 1)
assert_equal "with all rights" "done=1" "$(outcomes shopper)"
assert_broken "a connection string that is none" 2 '.*' DATABASE_URL=postgresql://%zz -- shop.void
system_end
