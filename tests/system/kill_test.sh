#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay that is killed in the middle of its work loses nothing and repeats at most what was in flight; one that is asked
# to stop repeats nothing.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

events=20000 claims=4 batch_rows=50

# kill_at NAME MESSAGES kills a new relay as soon as the stub has so many messages.
kill_at() {
    relay_start "$1"
    messages_wait 60 "$2"
    relay_kill "$1"
    sessions_wait_ended
    stub_stats >"$system_dir/stats" # an answer, so the stub has read all that came before
    assert_equal "relay $1 was killed in the middle" yes "$( (($(events_unsent) > 0)) && say yes)"
    in_flight=$(($(messages_distinct) - $(sql 'select count(*) from outbox.event where sent_at is not null')))
    assert_equal "at most what was claimed is published and not marked ($in_flight)" yes \
        "$( ((in_flight <= claims * batch_rows)) && say yes)"
    bound=$((bound + in_flight))
}

# The server rolls back what the dead relay had claimed when it notices that the connection is closed.
sessions_wait_ended() {
    wait_for_sql 20 "the relay's sessions end" "select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'"
}

system_begin
system_postgres
system_database events
system_stub --delay 20
export OUTBOX_CLAIMS=$claims OUTBOX_BATCH_ROWS=$batch_rows OUTBOX_MAX_IN_FLIGHT=16
events_insert "$events"
bound=0

kill_at first 2000
kill_at second 6000
kill_at third 10000

relay_start stopped
messages_wait 60 14000
relay_stop stopped 0
sessions_wait_ended
assert_equal "the relay was stopped in the middle" yes "$( (($(events_unsent) > 0)) && say yes)"
assert_marks_match "after SIGTERM everything that was published is marked"
duplicates=$(messages_duplicates)

relay_start last -- --until-empty
relay_wait last 0 60
assert_nothing_lost
assert_equal "what SIGTERM interrupted is not published twice" "$duplicates" "$(messages_duplicates)"
assert_equal "exactly what was in flight at each kill is published twice" "$bound" "$duplicates"
for name in stopped last; do
    assert_not_rescued "$name"
done
system_end
