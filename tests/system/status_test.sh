#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay status: each of its lines is provoked, and its exit code says whether somebody is needed.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

topic=arn:aws:sns:us-east-1:000000000000:events

# status NAME CODE [WORD...] runs it, asserts the exit code, and leaves what it printed in $output.
status() {
    local name=$1 code=$2 actual=0
    shift 2
    output=$(timeout 20 "$relay" status "$@" 2>&1 </dev/null) || actual=$?
    assert_equal "$name: exit code" "$code" "$actual"
}
says() { assert_match "$1" "$2" "$output"; }
says_not() { if [[ $output =~ $2 ]]; then assert_failed "$1" "$output"; else assert_passed "$1"; fi; }
# What the server has not read is the question.
server_owes_an_answer() {
    awk -v port=":$(printf %04X "$PGPORT")" '
        index($2, port) && $4 == "01" { split($5, queue, ":"); if (queue[2] != "00000000") found = 1 }
        END { exit !found }' /proc/net/tcp
}
# Between two reports: stopped in the middle of one, it would have taken the question already.
server_rests() {
    backend=$(sql "select pid from pg_stat_activity where application_name = 'outbox-relay status' and state = 'idle'
                   and clock_timestamp() - state_change between interval '0.3 s' and interval '1 s'")
    [[ $backend ]]
}
admin() { PGUSER=postgres sql "$1"; }

system_begin
system_postgres
system_empty_database events
export PGUSER=postgres
status "no schema" 4
says "it says so" 'schema outbox is missing.*run "outbox-relay migrate up"'
"$relay" migrate up >"$system_dir/migrate.log"
sql "create role reader login in role outbox_reader; create role service login in role outbox_writer; grant pg_read_all_stats to reader"
export PGUSER=reader

status "an empty outbox" 0
says "the title" '^Outbox of database events, PostgreSQL [0-9.]+, schema version 1, read at 20[0-9-]+T[0-9:.]+Z'
says "no relay" 'no relay is connected'
says_not "nothing needs attention" 'Needs attention'
PGUSER=service status "a writer" 3
says "it may not look" 'permission denied'
PGPORT=1 status "no database" 3
says "it says so" 'cannot connect to PostgreSQL'

# No relay, and events in every state; what writers choose is harmless on a terminal.
admin "select outbox.publish('order.created', 'o-' || n, '{}') from generate_series(1, 5) n" >/dev/null
admin "select outbox.publish('order.later', 'o', '{}', due_at => now() + interval '1 hour')" >/dev/null
admin "insert into outbox.event (event_type, aggregate_id, data) values ('order.odd', E'\u202Egnp.exe', '{}')"
admin "select outbox.park(array[7]::bigint[], 'a test')" >/dev/null
admin "update outbox.event set last_error = E'\u001b[2J\u001b]0;owned\u0007' where id = 7"
admin "update outbox.event set due_at = 'infinity', last_error = 'no topic: none', occurred_at = now() - interval '1 hour' where id = 5"
admin "update outbox.event set due_at = now() + interval '1 hour', attempts = 1, last_error = 'x' where id = 4"
admin "select outbox.pause('$topic', 'moving house')" >/dev/null
status "much is wrong" 8
says "no relay, first of all" $'Needs attention\n! no relay is connected while 5 events are to be published: start "outbox-relay run"'
says "parked" $'\n! 1 event is parked: mend the cause, then "outbox-relay retry" it\n'
says "paused" $'\n! '"$topic is paused: its events wait until \"outbox-relay resume $topic\""
says "waiting" $'\n! 1 event has waited for 1h: no topic: none\n'
says "totals" $'\n +pending +oldest +retrying +waiting +scheduled +parked\n +3 +[0-9a-z ]+ +1 +1 +1 +1\n'
says "by type" $'\n +order.created +3 +[0-9a-z ]+ +1 +1 +0 +0 '
says "why they wait" $'Waiting\n +events +oldest +for what\n +1 +1h +no topic: none\n'
says "what is parked" 'Parked'
says "how to retry it" 'when the cause is mended: outbox-relay retry 7'
says "paused topics" "Paused topics.*$topic +20[0-9TZ:-]+ +postgres +moving house"
says "the table" 'Table outbox.event.* rows.*all below id 0 is settled, the newest is 7'
says "the count" 'outbox-relay: 4 things need attention'
assert_equal "no character moves the cursor" "" "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <<<"$output" | od -An -c)"
says_not "nor turns the direction of writing" $'\u202E'

status "as JSON" 8 --json
assert_equal "it is the report as it came" "3 1 1 1 1 events" \
    "$(sed '$d' <<<"$output" | jq --raw-output '[.totals | .pending, .retrying, .waiting, .scheduled, .parked] + [.database.name] | join(" ")')"
assert_equal "in one document on one line" 1 "$(sed '$d' <<<"$output" | wc -l)"

# A relay that leads, and a transaction that holds back the floor.
admin "select outbox.resume('$topic'); select outbox.retry(4, 5, 7)" >/dev/null
relay_start relay PGUSER=postgres -- --sink stdout
wait_for_sql 20 "all is sent" "select count(*) = 1 from outbox.event where sent_at is null"
psql --quiet --no-psqlrc --username postgres --command "begin; create table mine (); select pg_sleep(300)" >"$system_dir/holder.log" 2>&1 &
holder=$!
wait_for_sql 30 "it is old enough to be named" "select count(*) = 1 from outbox.blockers"
status "all is well" 0
says "the relay" 'outbox-relay +127.0.0.1 +[0-9]+ +20[0-9TZ:-]+ +leads: writers wake it'
says "the blocker" $'Blockers\n.*transaction +[0-9]+ +postgres, psql.* the floor'
says "its remedy" '-> .*SELECT pg_terminate_backend\([0-9]+\);'
admin "select pg_terminate_backend(pid) from outbox.blockers" >/dev/null
wait "$holder" 2>/dev/null || true
relay_stop relay

# Again and again: what is no terminal gets one after the other.
"$relay" status --watch >"$system_dir/watched" 2>"$system_dir/watched.err" &
watcher=$!
wait_for 20 "it is shown twice" bash -c "((\$(grep -c '^Outbox of' '$system_dir/watched') >= 2))"
kill -INT "$watcher"
code=0
wait "$watcher" || code=$?
assert_equal "interrupted, it ends with" 0 "$code"
assert_match "an empty line is between" $'\n\nOutbox of' "$(cat "$system_dir/watched")"

# While the database owes an answer it can be interrupted as well.
"$relay" status --watch >"$system_dir/watched" 2>"$system_dir/watched.err" &
watcher=$!
wait_for 20 "it is shown" grep -q '^Outbox of' "$system_dir/watched"
wait_for 20 "its server rests" server_rests
kill -STOP "$backend"
wait_for 20 "it asks" server_owes_an_answer
kill -INT "$watcher"
wait_for 10 "it ends" bash -c "! kill -0 $watcher 2>/dev/null"
kill -CONT "$backend"
code=0
wait "$watcher" || code=$?
assert_equal "interrupted while it waits, it ends with" 0 "$code"

# On a terminal it draws over what it had, and leaves the screen as it was.
script --quiet --return --command "stty cols 80 rows 30; echo \$\$ >'$system_dir/drawer'; exec '$relay' status --watch" \
    "$system_dir/screen" >/dev/null 2>&1 </dev/null &
screen=$!
wait_for 20 "it is drawn twice" bash -c "((\$(grep -aoc 'Outbox of' '$system_dir/screen') >= 2))"
kill -INT "$(cat "$system_dir/drawer")"
code=0
wait "$screen" || code=$?
assert_equal "interrupted there, it ends with" 0 "$code"
drawn=$(cat -v "$system_dir/screen")
assert_match "the alternate screen" '\^\[\[\?1049h' "$drawn"
assert_match "drawn over" '\^\[\[H' "$drawn"
assert_match "left again" '\^\[\[\?1049l' "$drawn"
assert_equal "no line is wider than the terminal" 0 \
    "$(sed 's/…/./g; s/\x1b\[[?0-9]*[A-Za-z]//g; s/\r$//' "$system_dir/screen" | grep -v '^Script\|^Outbox' | awk 'length > 80' | wc -l)"
system_end
