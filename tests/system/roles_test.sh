#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Roles and databases with settings of their own, meant for people and other programs: neither do they stop the relay, nor do
# they make it publish something else. Some are an attack: operators and functions in a schema that the search path has first.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"
# shellcheck source=../lib/drain.sh
source "${BASH_SOURCE[0]%/*}/../lib/drain.sh"

# drain_ordered NAME: the same to a FIFO topic of the fake, since ordered events have statements of their own.
drain_ordered() {
    local code=0
    env --unset=PGOPTIONS DATABASE_URL="$(relay_url)" OUTBOX_TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:orders.fifo \
        timeout 60 "$relay" run --until-empty >"$system_dir/$1.log" 2>&1 || code=$?
    assert_equal "$1: ordered events are published and marked" "0 0" \
        "$code $(sql 'select count(*) from outbox.event where sent_at is null or message_id is null')"
    [[ $code == 0 ]] || tail -n 3 "$system_dir/$1.log" >&2
}

both() {
    insert 40
    assert_drained "$1"
    insert 40
    drain_ordered "$1"
    sql "truncate outbox.event"
    rm "$system_dir/ids of $PGDATABASE"
}

system_begin
system_postgres
system_fake
system_database events
major=$(sql "select current_setting('server_version_num')::int / 10000")

drain_role "datestyle = 'SQL, DMY'" "intervalstyle = 'sql_standard'" "timezone = 'Pacific/Chatham'" "bytea_output = 'escape'" \
    "extra_float_digits = -15" "lc_numeric = 'C'" "xmloption = 'document'" "escape_string_warning = off" "quote_all_identifiers = on"
both "odd formats"
drain_role "default_transaction_isolation = 'serializable'"
both "serializable"
drain_role "default_transaction_isolation = 'repeatable read'" "default_transaction_deferrable = on"
both "repeatable read"

# Read-only by default is meant: the relay says so, and goes on when it may write.
drain_role "default_transaction_read_only = on"
insert 10
relay_start reading DATABASE_URL="$(relay_url)" -- --sink stdout
wait_for 20 "the relay says that it may not write" relay_log reading 'is lost.*read-only transaction'
drain_role
wait_for_sql 20 "and goes on when it may" "select bool_and(sent_at is not null) from outbox.event"
relay_stop reading
sql "truncate outbox.event"

limits=("statement_timeout = '40ms'" "lock_timeout = '1ms'" "idle_in_transaction_session_timeout = '5ms'" "idle_session_timeout = '400ms'")
((major < 17)) || limits+=("transaction_timeout = '60ms'")
drain_role "${limits[@]}"
fake_fault '{"kind":"delay","ms":150}' >/dev/null
both "small limits"
fake_clear >/dev/null
drain_role "row_security = on" "enable_indexscan = off" "enable_indexonlyscan = off" "plan_cache_mode = 'force_generic_plan'" "jit = on" "jit_above_cost = 0"
both "an odd planner"

# An idle relay is not sent away either.
drain_role "idle_session_timeout = '200ms'"
relay_start idle DATABASE_URL="$(relay_url)" -- --sink stdout
relay_wait_ready idle
insert 1
wait_for_sql 20 "it works" "select count(*) = 1 from outbox.event where sent_at is not null"
sql "select pg_sleep(1)" >/dev/null
assert_equal "an idle relay keeps its connections" "" "$(grep 'is lost' "$system_dir/idle.log" || true)"
relay_stop idle
sql "truncate outbox.event"
rm -f "$system_dir/ids of events"

# Literals mean the same whatever standard_conforming_strings says (until PostgreSQL 18 it can be off): for who migrates, for who
# writes, for who operates.
PGDATABASE=postgres sql "alter role all set standard_conforming_strings = off; alter role all set escape_string_warning = off"
system_database backslashes
drain_role
sql "create role writer login in role outbox_writer"
for event in "'order created', 'a'" "'order.created', E'a\\tb'"; do
    assert_fails "no standard_conforming_strings: $event is refused" env PGUSER=writer psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
        --command "select outbox.publish($event, '{}')"
done
assert_equal "no standard_conforming_strings: patterns have dots and stars" "t f t f" \
    "$(sql "select outbox.route('order.*', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null
       sql "select concat_ws(' ', 'order.created.' ~ outbox.pattern_regex('order.*'), 'orderXcreated.' ~ outbox.pattern_regex('order.*'),
                             outbox.topic_of('order.created') is not null, outbox.check_pattern('**') is null)")"
assert_fails "no standard_conforming_strings: a malformed pattern is refused" sql "select outbox.check_pattern('order created')"
both "no standard_conforming_strings"
PGDATABASE=postgres sql "alter role all reset all"

# Whoever may create objects in a schema of the path (in PostgreSQL 14 everybody, in public) gets nothing run as the relay, nor
# as the owner: operators whose arguments fit better, functions and tables with the names of pg_catalog's.
system_database attacked
drain_role
sql "create role mallory login; create schema evil authorization mallory; grant usage on schema evil to public; grant create on schema public to mallory"
cat >"$system_dir/attack.sql" <<'SQL'
create table evil.caught (who text default current_user, what text);
grant insert on evil.caught to public;
select format($f$create function %1$I.f%2$s(%3$s, %4$s) returns %5$s language plpgsql as
    $$begin insert into evil.caught (what) values ('%6$s(%3$s, %4$s)'); return null; end$$;
    create operator %1$I.%6$s (function = %1$I.f%2$s, leftarg = %3$s, rightarg = %4$s);$f$,
    place, row_number() over (), l, r, result, operator)
from (values ('evil'), ('public')) as p (place),
     (values ('<', 'bigint', 'bigint', 'boolean'), ('>', 'bigint', 'bigint', 'boolean'), ('<=', 'bigint', 'bigint', 'boolean'),
             ('=', 'bigint', 'bigint', 'boolean'), ('=', 'oid', 'oid', 'boolean'), ('=', 'oid', 'regclass', 'boolean'),
             ('=', 'text', 'text', 'boolean'), ('=', 'name', 'name', 'boolean'), ('=', 'uuid', 'uuid', 'boolean'),
             ('||', 'text', 'text', 'text'), ('||', 'text', 'numeric', 'text'), ('~', 'text', 'text', 'boolean'),
             ('~~', 'text', 'text', 'boolean'), ('+', 'numeric', 'integer', 'numeric'), ('+', 'bigint', 'integer', 'bigint'),
             ('-', 'bigint', 'integer', 'bigint'), ('+', 'smallint', 'bigint', 'bigint'), ('*', 'bigint', 'interval', 'interval'),
             ('+', 'timestamptz', 'interval', 'timestamptz'), ('<=', 'timestamptz', 'timestamptz', 'boolean'),
             ('>', 'timestamptz', 'timestamptz', 'boolean'), ('=', 'timestamptz', 'timestamptz', 'boolean'),
             ('<>', 'bigint', 'bigint', 'boolean'), ('<', 'smallint', 'integer', 'boolean')) as o (operator, l, r, result)
\gexec
select format($f$create function %I.%s returns %s language plpgsql as $$begin insert into evil.caught (what) values ('%2$s'); return null; end$$$f$,
              place, function, result)
from (values ('evil'), ('public')) as p (place),
     (values ('now()', 'timestamptz'), ('clock_timestamp()', 'timestamptz'), ('pg_current_snapshot()', 'pg_snapshot'),
             ('set_config(text, text, boolean)', 'text'), ('pg_try_advisory_lock(integer, integer)', 'boolean'),
             ('pg_notify(text, text)', 'text'), ('octet_length(text)', 'integer'), ('gen_random_uuid()', 'uuid'),
             ('format(text, variadic text[])', 'text'), ('unnest(bigint[])', 'bigint')) as f (function, result)
\gexec
create function evil.seen(what text) returns boolean language plpgsql as $$begin insert into evil.caught (what) values ('a type'); return true; end$$;
create domain evil.text as pg_catalog.text check (evil.seen(value)); create domain evil.uuid as pg_catalog.uuid check (evil.seen(null));
create domain evil.jsonb as pg_catalog.jsonb check (evil.seen(null)); create domain evil.json as pg_catalog.json check (evil.seen(null));
create table evil.pg_trigger (); create table evil.pg_proc (); create table evil.pg_roles (); create table evil.pg_namespace ();
SQL
PGUSER=mallory psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file "$system_dir/attack.sql" >"$system_dir/attack.log" 2>&1 ||
    fail "the attack failed: $(<"$system_dir/attack.log")"
export PGOPTIONS='-c search_path=pg_catalog' # what the test itself asks
for path in "evil, public, pg_catalog" "public"; do
    drain_role "search_path = $path"
    both "search_path $path"
    PGOPTIONS="-c search_path=${path// /}" "$relay" retry --pattern '**' >"$system_dir/retry.log" 2>&1 || fail "retry: $(<"$system_dir/retry.log")"
    PGOPTIONS="-c search_path=${path// /}" "$relay" migrate up >"$system_dir/migrate.log" 2>&1 || fail "migrate up: $(<"$system_dir/migrate.log")"
done
PGOPTIONS="-c search_path=evil,public,pg_catalog" "$relay" migrate up --inbox >"$system_dir/inbox.log" 2>&1 || fail "migrate up --inbox: $(<"$system_dir/inbox.log")"
drain_role "search_path = evil, public, pg_catalog"
sql "grant inbox_consumer to relay; create schema app; create table app.effect (event jsonb); grant usage on schema app to relay;
     grant insert on app.effect to relay;
     create function app.take(event jsonb) returns void language plpgsql as \$\$begin insert into app.effect values (event); end\$\$"
insert 20
code=0
env --unset=PGOPTIONS DATABASE_URL="$(relay_url)" timeout 60 "$relay" run --sink handlers --on 'order.**=sql:app.take' --until-empty \
    >"$system_dir/handlers.log" 2>&1 || code=$?
assert_equal "handlers in SQL do their work" "0 20" "$code $(sql "select count(*) from app.effect")"
assert_equal "nothing of the attacker's has run" "" "$(sql 'select distinct who, what from evil.caught order by 1, 2')"
system_end
