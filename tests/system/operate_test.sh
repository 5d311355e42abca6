#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What people do by hand, from the command line and with the relay's own role: retry, park, pause, resume.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/sessions.sh
source "${BASH_SOURCE[0]%/*}/../lib/sessions.sh"

topic=arn:aws:sns:us-east-1:000000000000:events

# says NAME CODE PATTERN WORD... runs "outbox-relay WORD...".
says() {
    local name=$1 code=$2 pattern=$3 status=0 output
    shift 3
    output=$(timeout 20 "$relay" "$@" 2>&1 </dev/null) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
    assert_match "$name: answer" "$pattern" "$output"
}

publish_all() { "$relay" run --sink stdout --until-empty >>"$system_dir/lines" 2>>"$system_dir/relay.log"; }
published() { jq --raw-output .message.sequence "$system_dir/lines" | sort -n | paste -sd ' '; }

system_begin
system_postgres
system_empty_database events
says "no schema" 4 'schema outbox is missing.*run "outbox-relay migrate up"' retry 1
"$relay" migrate up >"$system_dir/migrate.log"
sql "create role operator login in role outbox_relay; create role service login in role outbox_writer"
export PGUSER=operator
sql_as_admin() { PGUSER=postgres sql "$1"; }

sql_as_admin "select outbox.publish('order.created', 'o-' || n, '{}') from generate_series(1, 6) n" >/dev/null
says "park" 0 '^2 events are parked; left alone: 1 does not exist$' park 1 2 99 --reason 'ticket 7'
assert_equal "what is parked says by whom and why" "1|parked|parked by operator: ticket 7
2|parked|parked by operator: ticket 7" "$(sql 'select id, status, last_error from outbox.parked order by id')"
says "park without a reason" 0 '^1 event is parked$' park 3
says "park again" 0 '^no event is parked; left alone: 1 was parked before$' park 3
: >"$system_dir/lines"
publish_all
assert_equal "what is parked is not published" "4 5 6" "$(published)"

says "retry" 0 '^1 event will be tried again: 1 was parked; left alone: 1 is sent already, 1 does not exist$' retry 1 4 99
publish_all
assert_equal "what is retried is published" "1 4 5 6" "$(published)"
says "retry by pattern" 0 '^2 events will be tried again: 2 were parked$' retry --pattern 'order.*'
publish_all
assert_equal "all is published, once" "1 2 3 4 5 6" "$(published)"
says "nothing to retry" 0 '^no event will be tried again$' retry '--pattern=**'
says "park what is sent" 0 '^no event is parked; left alone: 1 is sent already$' park 1

# A relay that sleeps is woken.
sql_as_admin "select outbox.publish('order.created', 'late', '{}')" >/dev/null
sql "update outbox.event set due_at = now() + interval '1 hour', attempts = 2, last_error = 'x' where aggregate_id = 'late'"
relay_start relay OUTBOX_POLL_INTERVAL=1h -- --sink stdout
relay_wait_ready relay
wait_for_sql 20 "the relay sleeps" \
    "select count(*) = 1 from pg_locks where locktype = 'advisory' and (classid, objid, mode) = (1869968482, 1, 'ExclusiveLock')"
says "retry what is put off" 0 '^1 event will be tried again: 1 was put off$' retry 7
wait_for_sql 20 "a sleeping relay publishes it at once" "select sent_at is not null from outbox.event where id = 7"
assert_passed "a sleeping relay publishes it at once"
relay_stop relay

# One that is to end when nothing is left waits for what is put off, and says so.
sql_as_admin "select outbox.publish('order.created', 'put off', '{}')" >/dev/null
sql "update outbox.event set due_at = now() + interval '1 hour', attempts = 2, last_error = 'x' where id = 8"
relay_start last -- --sink stdout --until-empty
wait_for 20 "it says that something is left" relay_log last 'not empty yet.* outbox-relay status '
says "retry what is left" 0 '^1 event will be tried again: 1 was put off$' retry 8
relay_wait last 0

# Whoever gives up while a call waits for somebody's lock.
waiting_to_park() { # COUNT
    sql_as_admin "select count(*) = $1 from pg_stat_activity where application_name = 'outbox-relay park' and wait_event_type = 'Lock'" |
        grep -q t
}
sql_as_admin "select outbox.publish('order.created', 'given-up', '{}')" >/dev/null
id=$(sql 'select max(id) from outbox.event')
session_begin person "select from outbox.event where id = $id for update"
process_start "$system_dir/park.pid" "$system_dir/park.log" "$relay" park "$id"
wait_for 20 "park waits for a lock" waiting_to_park 1
process_stop "$system_dir/park.pid"
wait_for 20 "the server does no longer" waiting_to_park 0
session_end person rollback
says "nothing is parked afterwards" 0 '^1 event is parked$' park "$id"
sql_as_admin "delete from outbox.event where id = $id"

says "pause" 0 "^$topic is paused; no route goes there, at most" pause "$topic" --reason 'moving house'
assert_equal "the table says by whom and why" "$topic|operator|moving house" \
    "$(sql 'select topic_arn, paused_by, reason from outbox.paused_topic')"
says "pause again" 0 "^$topic is paused already \(since .*, by operator: moving house\)$" pause "$topic"
says "resume" 0 "^$topic is no longer paused \(since .*, by operator: moving house\)$" resume "$topic"
says "resume again" 0 "^$topic is not paused$" resume "$topic"

says "an id that is none" 2 'retry1 is not the id of an event: that is a whole number from 1, as in column id of' retry retry1
says "an event_id" 2 '0fb321da-8bb8-4b1b-a078-762fd2ee6845 is not the id of an event: ' park 0fb321da-8bb8-4b1b-a078-762fd2ee6845
says "id 0" 2 '^outbox-relay: 0 is not the id' park 0
says "an id that is too large" 2 '9223372036854775808 is not the id' retry 9223372036854775808
says "a URL for an id" 2 '\(not shown: it could hold a password\) is not the id' retry postgresql://me:hunter2@db/shop
says "nothing to retry is named" 2 'retry needs either the ids of events or --pattern; see outbox-relay help retry' retry
says "ids and a pattern" 2 'retry needs either the ids of events or --pattern' retry 1 --pattern '**'
says "no id to park" 2 'park needs ID\.\.\.; see outbox-relay help park' park
says "an option of another command" 2 '--reason is not an option of retry' retry 1 --reason x
says "a bad pattern" 3 'pattern "Order" is refused: it must be words.*hint: Write order.created' retry --pattern Order
says "an id for a pattern" 3 'pattern "5" is refused: .*; or call outbox-relay retry 5\.$' retry --pattern 5
says "a topic's name" 3 'pausing the topic: topic_arn "events" is refused: it must be the ARN.*hint: Write it like arn:' pause events
says "a topic's name, resumed" 3 'resuming the topic: topic_arn "events" is refused: it must be the ARN' resume events
says "a reason of two lines" 3 'reason "a\\nb" is refused' park 1 --reason $'a\nb'
PGUSER=service says "a writer" 3 'permission denied' park 1

says "help" 0 'Usage: outbox-relay retry ID\.\.\. \| --pattern PATTERN \[OPTION\.\.\.\].*--pattern TEXT' help retry
# shellcheck disable=SC2046 # each is a word
says "many ids" 0 '^no event will be tried again; left alone: 8 are sent already, 992 do not exist$' retry $(seq 1000)
# shellcheck disable=SC2046
says "too many ids" 2 'unexpected argument 1001; see outbox-relay help retry' retry $(seq 1001)
system_end
