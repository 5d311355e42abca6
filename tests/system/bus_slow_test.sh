#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The event bus with slow handlers: they hold up only their aggregates, what takes long goes on beside the turns of the
# others, its end counts whether good or bad, and a relay that is told to stop waits for it.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

settings=(OUTBOX_SINK=handlers OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=200ms OUTBOX_SQL_BATCH=1 OUTBOX_SQL_CONNECTIONS=4)
handlers=(--on 'fast.*=sql:app.fast' --on 'slow.*=sql:app.slow' --on 'bad.*=sql:app.bad' --on 'long.*=sql:app.long')
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$1.moved', '$1-' || n % $3, json_build_object('n', n) from generate_series(1, $2) n"
}
all_handled() { wait_for_sql "${2:-20}" "every $1 event is handled" "select count(*) = 0 from outbox.event where event_type = '$1.moved' and sent_at is null"; }
state_of() { sql "select count(sent_at) || ' ' || count(*) from outbox.event where event_type = '$1.moved'"; }

system_begin
system_postgres
system_database events
"$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
sql "create schema app;
     create table app.effect (id bigint generated always as identity, aggregate_id text, n int);
     create function app.fast(event jsonb) returns void language sql as
        \$\$insert into app.effect (aggregate_id, n) values (event ->> 'aggregateId', (event -> 'data' -> 'n')::int)\$\$;
     create table app.gate (open boolean);
     create function app.slow(event jsonb) returns void language plpgsql as
        \$\$begin
           while not exists (select from app.gate) loop perform pg_sleep(0.02); end loop;
           perform app.fast(event);
        end\$\$;
     create function app.bad(event jsonb) returns void language plpgsql as
        \$\$begin
           while not exists (select from outbox.event o where event_id = (event ->> 'eventId')::uuid and last_error = 'its handlers have not ended yet'
                             and due_at > clock_timestamp()) loop perform pg_sleep(0.02); end loop;
           raise 'too late';
        end\$\$;
     create function app.long(event jsonb) returns void language sql as \$\$select pg_sleep(0.5), app.fast(event)\$\$"

cat >"$system_dir/away.sh" <<'END'
echo >>"$1"
[[ $(wc -l <"$1") == 1 ]] || exit 0
sleep 2
exit 75
END
cat >"$system_dir/wait.sh" <<'END'
echo >>"$1.runs"
until [[ -e $1.gate ]]; do sleep 0.05; done
END
handlers+=(--on "wait.*=exec:bash $system_dir/wait.sh $system_dir/wait")
handlers+=(--on "away.*=exec:bash $system_dir/away.sh $system_dir/away.runs")

# Two slow ones and one behind, beside many fast ones.
relay_start one "${settings[@]}" OUTBOX_MAX_ATTEMPTS=2 -- "${handlers[@]}"
relay_wait_ready one
insert slow 3 2
wait_for_sql 20 "they are put off, and say why" \
    "select count(*) = 2 from outbox.event where event_type = 'slow.moved' and last_error = 'its handlers have not ended yet' and due_at > now()"
insert fast 1000 50
all_handled fast
assert_equal "the others are handled while they are at work" "0 3" "$(state_of slow)"
sql "insert into app.gate values (true)"
all_handled slow
assert_equal "they are handled in the end, each aggregate in order, each event once" "slow-0 2, slow-1 1, slow-1 3" \
    "$(sql "select string_agg(aggregate_id || ' ' || n, ', ' order by aggregate_id, id) from app.effect where aggregate_id like 'slow-%'")"
assert_equal "no attempt is counted" 0 "$(sql "select count(*) from outbox.event where attempts > 0")"

# What fails late fails all the same.
insert bad 2 1
wait_for_sql 20 "it is parked" "select count(parked_at) = 1 from outbox.event where event_type = 'bad.moved'"
assert_match "after all attempts, with the reason" '^2 .*too late' \
    "$(sql "select attempts || ' ' || last_error from outbox.event where event_type = 'bad.moved' and parked_at is not null")"
wait_for_sql 20 "and the one behind it waits" \
    "select last_error = 'waits for an earlier event of its aggregate' from outbox.event where event_type = 'bad.moved' and parked_at is null"

# So does an outage, but it counts for nothing, and it is tried again when it has ended, not when its time is over.
sql "insert into outbox.event (event_type, aggregate_id, data) values ('away.moved', 'away', '{}')"
all_handled away
assert_equal "a program that could not do its work after a while is run again soon" "0 2" \
    "$(sql "select attempts from outbox.event where event_type = 'away.moved'") $(wc -l <"$system_dir/away.runs")"

# Without its database for a moment a relay does not wait for what is at work, and does not begin it a second time.
sql "insert into outbox.event (event_type, aggregate_id, data) values ('wait.moved', 'wait', '{}')"
wait_for 20 "it is at work" test -s "$system_dir/wait.runs"
sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'outbox-relay'" >/dev/null
wait_for 10 "the relay notices" relay_log one 'the database is lost'
insert fast 1 1
all_handled fast 15
assert_equal "others are handled after the loss of the connection" 0 "$(sql "select count(sent_at) from outbox.event where event_type = 'wait.moved'")"
: >"$system_dir/wait.gate"
all_handled wait
assert_equal "what was at work ran once" 1 "$(wc -l <"$system_dir/wait.runs")"

# Told to stop while one is at work: it is waited for, but other relays go on.
sql "delete from app.gate"
insert slow 1 1
wait_for_sql 20 "it is at work" "select count(*) = 1 from pg_stat_activity where query like '%slow%' and state = 'active' and pid <> pg_backend_pid()"
relay_signal one TERM
wait_for 10 "the relay stops" relay_log one ' stopping '
relay_start other "${settings[@]}" -- "${handlers[@]}"
insert fast 1 1
all_handled fast 15
assert_equal "another relay goes on while it is waited for" yes "$(process_running "$system_dir/one.pid" && say yes)"
relay_stop other 0
sql "insert into app.gate values (true)"
relay_wait one 0
assert_equal "it is finished and marked" "4 4" "$(state_of slow)"
assert_equal "and done once" 4 "$(sql "select count(*) from app.effect where aggregate_id like 'slow-%'")"

# A backlog of slow ones does not keep out what is behind it.
insert long 600 600
insert fast 100 10
relay_start two "${settings[@]}" OUTBOX_BATCH_ROWS=200 OUTBOX_SHUTDOWN_TIMEOUT=100ms -- "${handlers[@]}"
all_handled fast 20
assert_match "the fast ones behind it are handled, though most of it is not" '^[0-9]{1,2} 600$' "$(state_of long)"
relay_kill two
system_end
