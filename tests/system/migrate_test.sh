#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay migrate: up, again, two at once, status, down, and print for a migration tool of the user's own.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

# migrate NAME CODE WORD... runs it, asserts the exit code, and leaves what it printed in $output.
migrate() {
    local name=$1 code=$2 status=0
    shift 2
    output=$("$relay" migrate "$@" 2>&1) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
}
schema_exists() { sql "select to_regnamespace('outbox') is not null"; }

system_begin
system_postgres
system_empty_database events

migrate "status of an empty database" 4 status
assert_match "status says what is pending" '0001_outbox.up.sql +pending' "$output"
assert_match "and what to do" 'run "outbox-relay migrate up"' "$output"
migrate "down of an empty database" 0 down
migrate "up" 0 up
assert_match "up says what it applied" 'applied migrations/0001_outbox.up.sql' "$output"
migrate "up again" 0 up
assert_match "up again finds nothing to do" 'up to date' "$output"
migrate "status" 0 status
assert_match "status says when and by whom" '0001_outbox.up.sql +applied .* by postgres' "$output"

sql "select outbox.publish('order.created', 'o', '{}')" >/dev/null
migrate "down with an unsent event" 4 down
assert_match "down says that events would be lost, and what to do" 'not sent \(1\).*migrate down force' "$output"
assert_equal "and nothing is gone" 1 "$(events_unsent)"
"$relay" run --sink stdout --until-empty >"$system_dir/lines" 2>"$system_dir/relay.log"
migrate "down once all is sent" 0 down
assert_equal "the schema is gone" f "$(schema_exists)"
migrate "up after down" 0 up
sql "select outbox.publish('order.created', 'o', '{}')" >/dev/null
migrate "down force" 0 down force
assert_equal "the schema is gone, unsent events or not" f "$(schema_exists)"
migrate "a word too many" 2 down gently
assert_match "is explained" 'migrate down gently is not understood; write migrate up, down' "$output"

"$relay" migrate up >"$system_dir/up1.log" 2>&1 &
one=$!
"$relay" migrate up >"$system_dir/up2.log" 2>&1 &
two=$!
wait "$one" && wait "$two"
assert_equal "two at once: both succeed, one applies" 1 \
    "$(cat "$system_dir"/up[12].log | grep -c 'applied migrations/0001')"
assert_equal "the other finds nothing to do" 1 "$(cat "$system_dir"/up[12].log | grep -c 'up to date')"

system_empty_database printed
"$relay" migrate print | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --output /dev/null
migrate "status of a database migrated by psql" 0 status
migrate "up finds nothing to do there" 0 up
assert_match "since print says what it applied" 'up to date' "$output"
sql "select outbox.publish('order.created', 'o', '{}')" >/dev/null
"$relay" run --sink stdout --until-empty >"$system_dir/lines" 2>"$system_dir/relay.log"
assert_equal "the relay runs there" 1 "$(wc -l <"$system_dir/lines")"
system_end
