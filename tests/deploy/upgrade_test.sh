#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From one schema version to the next, and back, with events written all the time: a program that brings one migration more
# is made of this one, and both run beside each other as README.md says.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/consume.sh
source "$system_root/tests/lib/consume.sh"

# make_next makes $next, the program with a second migration and another view: the same, linked with other SQL files.
make_next() {
    local folder=$system_dir/next command
    mkdir -p "$folder/tree"
    cp -r "$system_root/migrations" "$system_root/sql" "$folder/tree"
    printf "ALTER TABLE outbox.event ADD COLUMN tenant text;\nCOMMENT ON COLUMN outbox.event.tenant IS 'A test';\n" \
        >"$folder/tree/migrations/0002_tenant.up.sql"
    printf 'ALTER TABLE outbox.event DROP COLUMN tenant;\n' >"$folder/tree/migrations/0002_tenant.down.sql"
    printf -- '-- A test\n' >>"$folder/tree/sql/lag.sql"
    cmake -DOUTPUT="$folder/embedded_sql.c" -DROOT="$folder/tree" -P "$system_root/relay/migrate/embed.cmake"
    command=$(ninja -C "$relay_build" -t commands outbox-relay | grep -- ' -o outbox-relay ' | tail -n 1)
    (cd "$relay_build" &&
        cc -std=c17 -I "$system_root/relay" -c "$folder/embedded_sql.c" -o "$folder/embedded_sql.c.o" &&
        cp libmodule_migrate.a "$folder/" && ar r "$folder/libmodule_migrate.a" "$folder/embedded_sql.c.o" &&
        command=${command/ -o outbox-relay / -o $folder\/outbox-relay } &&
        sh -c "${command//libmodule_migrate.a/$folder/libmodule_migrate.a}") >"$system_dir/next.log" 2>&1 ||
        fail "the next version cannot be made"
    next=$folder/outbox-relay
}

# run_fails NAME CODE PATTERN PROGRAM WORD... asserts how it ends.
run_fails() {
    local name=$1 code=$2 pattern=$3 status=0 output
    shift 3
    output=$(timeout 30 "$@" 2>&1) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
    assert_match "$name: what it says" "$pattern" "$output"
}
migrate() { "$@" >"$system_dir/migrate.log" 2>&1 || fail "$*"; }
publish() {
    events_insert 50
    events_wait_all_sent 30
}
# next_start NAME starts a relay of the next version.
next_start() { relay=$next relay_start "$@"; }

system_begin
make_next
system_postgres
system_stub
system_database events
migrate "$relay" migrate up --inbox
relay_start old
publish

run_fails "the next version before its migration" 4 '0002_tenant.up.sql is not applied; run "outbox-relay migrate up"' "$next" run
(while sql "select outbox.publish('order.created', 'busy', '{}')" >/dev/null 2>>"$system_dir/writer.log"; do
    [[ ! -e $system_dir/enough ]] || break
done) &
writer=$!
migrate "$next" migrate up
publish
assert_passed "the version that runs goes on after the migration"
next_start new
relay_wait_ready new
publish
assert_passed "both run beside each other"
sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'outbox-relay%'" >/dev/null
wait_for 30 "the next version connects again" relay_log new 'connected again'
publish
assert_passed "connections lost: the next version goes on"
wait_for 30 "the old one waits, and says why" grep -q 'schema outbox is newer than this program' "$system_dir/old.log"
run_fails "the old version, started again" 4 'newer than this program.*upgrade' "$relay" run
relay_stop new
events_insert 50
migrate "$next" migrate down
migrate "$relay" migrate up
"$relay" migrate status >"$system_dir/status.log" 2>&1 || fail "the schema is not the old version's"
assert_passed "taken back while events wait and more are written: the schema is the old version's"
wait_for 30 "the old one, which has waited, goes on" relay_log old 'connected again'
touch "$system_dir/enough"
wait "$writer"
publish
relay_stop old
run_fails "the next version again" 4 '0002_tenant.up.sql is not applied' "$next" run
assert_nothing_lost
assert_equal "no writer was refused" "" "$(cat "$system_dir/writer.log")"
system_end
