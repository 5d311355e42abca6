#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL is restarted in the middle of the work, and each of the relay's sessions is ended: the relay connects again and
# loses nothing. After a restart it repeats nothing either, since it remembers what it has sent.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"

events=4000

# Those that publish.
relay_sessions="pg_stat_activity where application_name in ('outbox-relay', 'outbox-relay claim')"

# restart MODE stops the server in the middle of a drain, and starts it again.
restart() {
    local already
    already=$(messages_count)
    events_insert "$events"
    messages_wait 60 $((already + events / 4))
    assert_equal "$1 restart: in the middle" yes "$( (($(events_unsent) > 0)) && say yes)"
    postgres_stop "$system_dir/postgres" "$1"
    system_postgres_again
    recovery_begin
    recovery_end "$1 restart"
    events_wait_all_sent 60
    assert_nothing_lost
    assert_equal "$1 restart: nothing is published twice" 0 "$(messages_duplicates)"
    assert_equal "$1 restart: the relay is still running" yes "$(process_running "$system_dir/relay.pid" && say yes)"
}

# terminate_each ends the relay's oldest, second oldest, … session, each time in the middle of a drain.
terminate_each() {
    local count=$1 index already
    for ((index = 0; index < count; index++)); do
        already=$(messages_count)
        events_insert "$events"
        messages_wait 60 $((already + events / 4))
        assert_equal "session $index is ended" t \
            "$(sql "select pg_terminate_backend((select pid from $relay_sessions order by backend_start offset $index limit 1))")"
        events_wait_all_sent 60
    done
    assert_nothing_lost
    # Another claim of the relay may take the rows of a session that has ended before the relay has heard of the end;
    # it knows them, and leaves them alone.
    assert_equal "ended sessions: nothing is published twice" 0 "$(messages_duplicates)"
}

system_begin
system_postgres
system_database events
sql 'create role relay login in role outbox_relay'
system_stub --delay 20
relay_start relay PGUSER=relay OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=8
relay_wait_ready relay

restart fast
restart immediate
terminate_each "$(sql "select count(*) from $relay_sessions")"

assert_equal "each loss is logged with its reason" yes \
    "$( (($(grep -c 'the database is lost, connecting again.*reason=' "$system_dir/relay.log") >= 7)) && say yes)"
relay_stop relay 0
assert_not_rescued relay
system_end
