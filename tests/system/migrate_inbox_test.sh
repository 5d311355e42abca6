#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay migrate … --inbox: the same commands for the schema of consumers, beside schema outbox and without it. What
# consumers have processed is not forgotten unasked.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

# migrate NAME CODE WORD... runs it, asserts the exit code, and leaves what it printed in $output.
migrate() {
    local name=$1 code=$2 status=0
    shift 2
    output=$("$relay" migrate "$@" 2>&1) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
}
schemas() { sql "select coalesce(string_agg(nspname, ' ' order by nspname), '') from pg_namespace where nspname in ('inbox', 'outbox')"; }

system_begin
system_postgres
system_empty_database consumer

migrate "status of an empty database" 4 status --inbox
assert_match "status says what is pending" 'migrations/inbox/0001_inbox.up.sql +pending' "$output"
assert_match "and what to do" 'schema inbox is missing in this database; run "outbox-relay migrate up --inbox"' "$output"
migrate "down of an empty database" 0 down --inbox
assert_match "down finds nothing" 'schema inbox is not there' "$output"
migrate "up" 0 up --inbox
assert_match "up says what it applied" 'applied migrations/inbox/0001_inbox.up.sql' "$output"
assert_match "functions and views too" 'applied the functions and views of sql/inbox/' "$output"
assert_equal "there is schema inbox alone" inbox "$(schemas)"
migrate "up again" 0 up --inbox
assert_match "up again finds nothing to do" 'schema inbox is up to date \(migration 1\)' "$output"
migrate "status" 0 status --inbox
assert_match "status says when and by whom" 'migrations/inbox/0001_inbox.up.sql +applied .* by postgres' "$output"
assert_match "and the same of functions and views" 'sql/inbox/ +applied .* by postgres' "$output"
migrate "status of schema outbox" 4 status
assert_match "that one is missing" 'schema outbox is missing' "$output"

migrate "up of schema outbox beside it" 0 up
assert_match "it is applied" 'applied migrations/0001_outbox.up.sql' "$output"
assert_equal "nothing of the inbox is" 0 "$(grep -c inbox <<<"$output" || true)"
assert_equal "both are there" "inbox outbox" "$(schemas)"
migrate "up of both again" 0 up --inbox
assert_match "neither disturbs the other" 'up to date' "$output"
migrate "status of both" 0 status

assert_equal "the inbox works" t "$(sql "select inbox.first_time('billing', '11111111-1111-4111-8111-111111111111')")"
migrate "down while events are remembered" 4 down --inbox
assert_match "down says what would happen, and what to do" \
    'processed \(1\) and would forget them, so that .* takes effect again; .*"outbox-relay migrate down force --inbox"' "$output"
assert_equal "and they are remembered" f "$(sql "select inbox.first_time('billing', '11111111-1111-4111-8111-111111111111')")"
sql "insert into inbox.processed_event (consumer, event_id) select 'billing', gen_random_uuid() from generate_series(1, 1000)"
migrate "down while many are" 4 down --inbox
assert_match "they are not all counted" 'processed \(1000 or more\)' "$output"
migrate "down force" 0 down force --inbox
assert_equal "the schema is gone, the other one stays" outbox "$(schemas)"
migrate "up after down" 0 up --inbox
migrate "down of an empty inbox" 0 down --inbox
migrate "down of schema outbox" 0 down
assert_equal "both are gone" "" "$(schemas)"

migrate "up once more" 0 up --inbox
sql "update inbox.migration set checksum = 'feedfeedfeed' where version = 0"
migrate "up with other functions" 0 up --inbox
assert_match "they are applied again" 'applied the functions and views of sql/inbox/' "$output"
sql "update inbox.migration set checksum = 'feedfeedfeed' where version = 1"
migrate "up on another release's schema" 4 up --inbox
assert_match "names the file" \
    'migrations/inbox/0001_inbox.up.sql is not the file that was applied to this database .*applied: feedfeedfeed' "$output"
sql "delete from inbox.migration where version = 1; insert into inbox.migration values (99, '0099_future.up.sql', 'x')"
migrate "down of a newer schema" 4 down --inbox
assert_match "says so" 'schema inbox is newer than this program: it has migration 99' "$output"

system_empty_database printed
"$relay" migrate print --inbox | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --output /dev/null
migrate "status of a database migrated by psql" 0 status --inbox
assert_equal "print holds one schema" inbox "$(schemas)"
"$relay" migrate print | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --output /dev/null
assert_equal "each print holds its own" "inbox outbox" "$(schemas)"
migrate "status of the other" 0 status

system_empty_database together
"$relay" migrate up >"$system_dir/up1.log" 2>&1 &
one=$!
"$relay" migrate up --inbox >"$system_dir/up2.log" 2>&1 &
two=$!
wait "$one" && wait "$two"
assert_equal "both at once" "inbox outbox" "$(schemas)"
migrate "--inbox is explained" 0 --help
assert_match "in the help" '--inbox' "$output"
system_end
