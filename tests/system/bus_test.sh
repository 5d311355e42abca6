#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The relay as an event bus, without a broker: which handlers run; each event's effect once, though relays are killed; the
# events of an aggregate in order, whatever fails; parking and going on by hand.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

settings=(OUTBOX_SINK=handlers OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=200ms)
publish() { sql "select outbox.publish('$1', '$2', '{}')" >/dev/null; }
# insert COUNT NAME AGGREGATES
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$2.moved', '$2-' || n % $3, json_build_object('n', n) from generate_series(1, $1) n"
}
all_handled() { wait_for_sql 60 "every event is handled" "select count(*) = 0 from outbox.event where sent_at is null and parked_at is null ${1:-}"; }
effects_at_least() { wait_for_sql 30 "$1 effects" "select count(*) >= $1 from app.effect"; }
# disordered NAME, repeated NAME: the effects that came before an earlier event's, and those that came twice.
disordered() {
    sql "select count(*) from (select n, lag(n) over (partition by aggregate_id order by id) as before
         from app.effect where aggregate_id like '$1-%') e where n <= before"
}
repeated() { sql "select count(*) - count(distinct event_id) from app.effect where aggregate_id like '$1-%'"; }

system_begin
system_postgres
system_database events
"$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
sql "create schema app;
     create table app.effect (id bigint generated always as identity, handler text, event_id uuid, event_type text, aggregate_id text, n int);
     create table app.fault (aggregate_id text, n int);
     create function app.note(handler text, event jsonb) returns void language sql as
        \$\$insert into app.effect (handler, event_id, event_type, aggregate_id, n)
           values (handler, (event ->> 'eventId')::uuid, event ->> 'eventType', event ->> 'aggregateId', (event -> 'data' -> 'n')::int)\$\$;
     create function app.moved(event jsonb) returns void language plpgsql as
        \$\$begin
           if random() < 0.03 or exists (select from app.fault f where f.aggregate_id = event ->> 'aggregateId' and f.n = (event -> 'data' -> 'n')::int) then
               raise 'this one cannot be moved';
           end if;
           perform app.note('moved', event);
        end\$\$"
for name in exact star stars all first last; do
    sql "create function app.on_$name(event jsonb) returns void language sql as \$\$select app.note('$name', event)\$\$"
done

status=0
"$relay" run --sink handlers >"$system_dir/none.log" 2>&1 || status=$?
assert_equal "without a handler there is nothing to do" 2 "$status"
assert_match "and the error says how to name one" 'no handlers; name one with --on PATTERN=HANDLER' "$(<"$system_dir/none.log")"
"$relay" run --sink stdout --until-empty --on 'no handler' 2>"$system_dir/elsewhere.log"
assert_equal "with another sink handlers are said not to run, once" 1 \
    "$(grep -c ' warn  no handler runs: --on (OUTBOX_ON) counts only with --sink handlers$' "$system_dir/elsewhere.log")"
status=0
timeout --signal=KILL 20 "$relay" run --sink handlers --on '**=sql:app.absent' >"$system_dir/absent.log" 2>&1 || status=$?
assert_equal "a handler that does not exist ends the relay" 2 "$status"
assert_match "and is named" 'app\.absent' "$(<"$system_dir/absent.log")"

# Patterns.
publish order.created o-1
publish order.line.added o-1
publish order o-2
publish user.registered u-1
status=0
"$relay" run --sink handlers --until-empty --on 'order.created=sql:app.on_exact' --on 'order.*=sql:app.on_star' \
    --on 'order.**=sql:app.on_stars' --on '*.registered=sql:app.on_last' --on 'user.**.left=sql:app.on_first' \
    2>"$system_dir/patterns.log" || status=$?
assert_equal "all is handled" 0 "$status"
assert_equal "each pattern by all that it matches" \
    "order stars, order.created exact star stars, order.line.added stars, user.registered last" \
    "$(sql "select string_agg(e, ', ' order by e) from (select event_type || ' ' || string_agg(handler, ' ' order by handler) as e from app.effect group by event_type) x")"
publish nobody.cares n-1
"$relay" run --sink handlers --until-empty --on 'order.**=sql:app.on_all' 2>>"$system_dir/patterns.log"
assert_equal "an event that nobody handles is done as well, and says so" "no handler" \
    "$(sql "select message_id from outbox.event where event_type = 'nobody.cares' and sent_at is not null")"
assert_equal "the others have their receipt" handled "$(sql "select distinct message_id from outbox.event where event_type <> 'nobody.cares'")"

# Killed when the handlers have committed, and there is no mark: the row is locked here.
publish order.locked l-1
coproc holder { psql --no-psqlrc --quiet --no-align --tuples-only; }
# shellcheck disable=SC2154 # coproc sets it
holder_id=$holder_PID
printf 'begin; select 1 from outbox.event where aggregate_id = %s for update;\n' "'l-1'" >&"${holder[1]}"
read -r -u "${holder[0]}"
relay_start killed "${settings[@]}" -- --on '**=sql:app.on_all'
wait_for_sql 20 "the effect is there" "select count(*) = 1 from app.effect where aggregate_id = 'l-1'"
relay_kill killed
printf 'rollback;\n\\q\n' >&"${holder[1]}"
wait "$holder_id"
assert_equal "the mark is lost" 1 "$(events_unsent)"
"$relay" run --sink handlers --until-empty --on '**=sql:app.on_all' 2>"$system_dir/again.log"
assert_equal "it is marked, and its effect is there once" "0 1" \
    "$(events_unsent) $(sql "select count(*) from app.effect where aggregate_id = 'l-1'")"

# Two relays, failures, a kill, a frozen one.
for name in one two; do relay_start "$name" "${settings[@]}" OUTBOX_BATCH_ROWS=200 -- --on '*.moved=sql:app.moved'; done
for name in one two; do relay_wait_ready "$name"; done
before=$(sql 'select count(*) from app.effect')
insert 2000 m 60
effects_at_least $((before + 400))
relay_kill one
effects_at_least $((before + 800))
relay_start one "${settings[@]}" OUTBOX_BATCH_ROWS=200 -- --on '*.moved=sql:app.moved'
effects_at_least $((before + 1200))
relay_signal two STOP
effects_at_least $((before + 1600))
relay_signal two CONT
all_handled
assert_equal "every event has had its effect, once" "2000 0" \
    "$(sql "select count(*) from app.effect where aggregate_id like 'm-%'") $(repeated m)"
assert_equal "and those of each aggregate in order" 0 "$(disordered m)"
assert_equal "nothing is parked" 0 "$(sql 'select count(*) from outbox.event where parked_at is not null')"
relay_stop one 0
relay_stop two 0

# One that fails for good holds up its aggregate, until somebody decides.
sql "insert into app.fault values ('p-3', 23)"
relay_start one "${settings[@]}" OUTBOX_MAX_ATTEMPTS=3 -- --on '*.moved=sql:app.moved'
insert 200 p 10
all_handled "and aggregate_id <> 'p-3'"
wait_for_sql 20 "it is parked" "select parked_at is not null from outbox.event where aggregate_id = 'p-3' and data ->> 'n' = '23'"
assert_match "with its reason, after all attempts" '^3 .*this one cannot be moved' \
    "$(sql "select attempts || ' ' || last_error from outbox.event where aggregate_id = 'p-3' and data ->> 'n' = '23'")"
assert_equal "what is before it is handled, what is behind it waits" "2 18" \
    "$(sql "select count(sent_at) || ' ' || count(*) - count(sent_at) from outbox.event where aggregate_id = 'p-3'")"
sql "delete from app.fault"
assert_match "retried by hand" '^1 event will be tried again' "$(sql "select outbox.retry('p.**')")"
all_handled "or parked_at is not null"
assert_equal "all is handled, in order and once" "200 0 0" \
    "$(sql "select count(*) from app.effect where aggregate_id like 'p-%'") $(disordered p) $(repeated p)"
relay_stop one 0
assert_not_rescued one
system_end
