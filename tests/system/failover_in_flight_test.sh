#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The primary is killed while events are under way, and a standby promoted that has none of them: what SNS answers
# meanwhile is about events that are gone. New ones have got their ids by the time the relay, which knows both servers,
# connects. It must not take those for sent.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"
# shellcheck source=../lib/standby.sh
source "${BASH_SOURCE[0]%/*}/../lib/standby.sh"

system_begin
system_postgres
system_database events
system_stub --delay 1500
primary=$PGPORT
proxy_start replication "$primary"
# shellcheck disable=SC2154 # set by proxy_start
standby_start standby "$proxy_port_replication"
standby=$postgres_port
relay_start relay OUTBOX_BATCH_ROWS=50 OUTBOX_MAX_IN_FLIGHT=32 \
    DATABASE_URL="host=127.0.0.1,127.0.0.1 port=$primary,$standby target_session_attrs=read-write user=postgres dbname=events"
relay_wait_ready relay
proxy_do replication freeze
events_insert 300
messages_wait 20 100
server_kill postgres
wait_for 20 "the relay notices" relay_log relay 'the database is lost.* events_under_way=[1-9]'
wait_for 20 "SNS has answered" relay_log relay 'the database is lost.* events_under_way=0'
relay_signal relay STOP # so that new events are there before it is
server_promote standby
export PGPORT=$standby
assert_equal "the standby has none of the events" 0 "$(sql 'select count(*) from outbox.event')"
events_insert 300
relay_signal relay CONT
events_wait_all_sent 60
assert_match "the relay had events to mark that are gone" 'marked events that were sent before the connection was lost' \
    "$(<"$system_dir/relay.log")"
assert_table_published "ids of events under way that went back"
relay_stop relay
assert_not_rescued relay
system_end
