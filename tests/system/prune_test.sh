#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay prune: sent events, and with --inbox the memory of processed ones, step by step.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/pooler.sh
source "${BASH_SOURCE[0]%/*}/../lib/pooler.sh"

# says NAME CODE PATTERN WORD... runs "outbox-relay prune WORD...".
says() {
    local name=$1 code=$2 pattern=$3 status=0 output
    shift 3
    output=$(timeout 60 "$relay" prune "$@" 2>&1 </dev/null) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
    assert_match "$name: answer" "$pattern" "$output"
}

# fill COUNT makes events that were sent ten days ago, and passes them.
fill() {
    sql "insert into outbox.event (event_type, aggregate_id, data, occurred_at)
         select 'order.created', 'o', '{}', now() - interval '10 days' from generate_series(1, $1);
         update outbox.event set sent_at = now() - interval '10 days', message_id = 'm' where sent_at is null and parked_at is null and due_at is null;
         update outbox.state set floor = (select max(id) from outbox.event)"
}
left() { sql 'select count(*) from outbox.event where sent_at is not null'; }

system_begin
system_postgres
system_empty_database events
says "no schema" 4 'schema outbox is missing' --older-than 7d
"$relay" migrate up >"$system_dir/migrate.log"
"$relay" migrate up --inbox >>"$system_dir/migrate.log"
sql "create role operator login in role outbox_relay; create role consumer login in role inbox_consumer; grant inbox_operator to operator"

says "no age" 2 'prune needs --older-than, as in --older-than 7d' 
says "no age with --inbox: one that is not refused" 2 'prune needs --older-than, as in --older-than 30d' --inbox
says "a bad age" 2 'older-than' --older-than yesterday
says "force without --inbox" 2 'force is for --inbox' --older-than 7d force
says "another word" 2 'unexpected argument all' --older-than 7d all

sql "select outbox.publish('order.kept', 'o', '{}') from generate_series(1, 2)" >/dev/null
sql "update outbox.event set occurred_at = now() - interval '30 days' where event_type = 'order.kept'"
sql "select outbox.park(array[1]::bigint[])" >/dev/null
sql "update outbox.event set due_at = 'infinity', last_error = 'no topic' where id = 2"
fill 25000
export PGUSER=operator
says "too young" 0 '^no event is deleted$' --older-than 11d
PGUSER=postgres sql 'update outbox.state set floor = 0'
says "above the floor" 0 '^no event is deleted; older sent ones above the floor are kept \(see outbox.blockers\)$' --older-than 9d
says "too young above the floor" 0 '^no event is deleted$' --older-than 11d
PGUSER=postgres sql 'update outbox.state set floor = (select max(id) from outbox.event)'
says "old" 0 '^24999 sent events are deleted$' --older-than 9d
assert_equal "what is parked and what waits stays" "1 2" "$(sql "select string_agg(id::text, ' ' order by id) from outbox.event where sent_at is null")"
says "again: the newest stays" 0 '^no event is deleted$' --older-than 9d
PGUSER=consumer says "a role without the right" 3 'permission denied .*; the role needs: GRANT outbox_relay TO' --older-than 9d

# One at a time: it waits for whoever prunes, through a pooler as well.
hold() {
    PGUSER=postgres psql --quiet --no-psqlrc --command "select pg_advisory_lock(1869968482, 5), pg_sleep(300)" >"$system_dir/holder.log" 2>&1 &
    holder=$!
    wait_for_sql 10 "somebody else prunes" "select count(*) = 1 from pg_locks where $prune_lock and granted"
}
release() {
    PGUSER=postgres sql "select pg_terminate_backend(pid) from pg_locks where $prune_lock and granted" >/dev/null
    wait "$holder" 2>/dev/null || true
}
wait_waits() { wait_for_sql 20 "it waits" "select count(*) = 1 from pg_locks where $prune_lock and not granted"; }
prune_lock="locktype = 'advisory' and (classid, objid) = (1869968482, 5)"

# Told to stop it finishes its step, and says what it has done.
PGUSER=postgres fill 20000
hold
"$relay" prune --older-than 9d >"$system_dir/stopped" 2>&1 &
pruner=$!
wait_waits
kill -INT "$pruner"
release
code=0
wait "$pruner" || code=$?
assert_equal "stopped: exit code" 0 "$code"
assert_match "stopped: answer" '^[0-9]+ sent events are deleted, then stopped by a signal: call it again for the rest$' "$(cat "$system_dir/stopped")"
assert_equal "it has deleted what it says" "$((20001 - $(grep -oE '^[0-9]+' "$system_dir/stopped")))" "$(left)"

pooler_size=4
PGUSER=postgres pooler_start
hold
PGUSER=postgres PGPORT=$pooler_port "$relay" prune --older-than 9d >"$system_dir/waited" 2>&1 &
pruner=$!
wait_waits
release
code=0
wait "$pruner" || code=$?
assert_equal "then it goes on: exit code" 0 "$code"
assert_equal "all but the newest is gone" 1 "$(left)"

# The memory of consumers.
PGUSER=postgres sql "insert into inbox.processed_event (consumer, event_id, processed_at)
    select 'c', gen_random_uuid(), now() - n * interval '1 day' from generate_series(1, 40) n"
says "less than SQS keeps" 3 'must be 15 days at least; hint: Take 30 days.* or call outbox-relay prune force --inbox\.' --inbox --older-than 3d
says "processed" 0 '^11 processed events are deleted$' --inbox --older-than 30d
says "with force" 0 '^[0-9]+ processed events are deleted$' --inbox --older-than 3d force
says "none is left" 0 '^no processed event is older than that$' --inbox --older-than 30d
assert_equal "what is younger is remembered" t "$(PGUSER=postgres sql "select count(*) in (2, 3) from inbox.processed_event")"
PGUSER=consumer says "a consumer without the right" 3 'permission denied .*; the role needs: GRANT inbox_operator TO' --inbox --older-than 30d
system_end
