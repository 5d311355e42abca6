#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Upkeep follows the settings that a reload changes: the retention time, from 0 and to 0, which keeps all, and the URL of
# the database.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"
# shellcheck source=../lib/prometheus.sh
source "${BASH_SOURCE[0]%/*}/../lib/prometheus.sh"

# changes NAME LINE... has the program read these settings.
changes() {
    local name=$1 before
    shift
    before=$(grep -c 'settings read again' "$system_dir/$name.log" || true)
    printf '%s\n' "$@" >"$system_dir/config"
    relay_signal "$name" HUP
    wait_for 20 "$name has read them" read_again "$name" "$before"
}
read_again() { (($(grep -c 'settings read again' "$system_dir/$1.log") > $2)); }
measured() { metric relay outbox_relay_backlog_read_timestamp_seconds; }
measured_after() { [[ $(measured) != "$1" ]]; }
wait_measured() { wait_for 20 "it measures" measured_after "$(measured)"; }
sent() { sql 'select count(*) from outbox.event where sent_at is not null'; }
url() { printf 'DATABASE_URL=postgresql://%s:secret@127.0.0.1:%s/events' "$1" "$PGPORT"; }

system_begin
system_postgres
system_database events
sql "create role one login in role outbox_relay; create role two login in role outbox_relay"
export OUTBOX_SINK=stdout
printf '%s\n' "$(url one)" OUTBOX_RETENTION=1s >"$system_dir/config"
relay_start relay OUTBOX_LISTEN=127.0.0.1:0 -- --config "$system_dir/config"
events_insert 10
wait_for_sql 30 "what is sent is pruned" "select count(*) = 1 from outbox.event"

changes relay "$(url two)" OUTBOX_RETENTION=0
events_insert 10
events_wait_all_sent 20
wait_measured
wait_measured
assert_equal "with 0 nothing is pruned any more" 11 "$(sent)"

sql "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'one'" >/dev/null
wait_for_sql 20 "upkeep connects as the new role" \
    "select count(*) > 0 from pg_stat_activity where usename = 'two' and application_name = 'outbox-relay upkeep'"
changes relay "$(url two)" OUTBOX_RETENTION=1s
wait_for_sql 30 "pruning begins again without a restart" "select count(*) = 1 from outbox.event"
relay_stop relay 0

# A consumer, which has no connection of this kind without a retention time.
export DATABASE_URL=postgresql://postgres@127.0.0.1:$PGPORT/events
system_fake
"$relay" migrate up --inbox >"$system_dir/inbox.log" 2>&1
queue_make orders
: >"$system_dir/config"
consumer_start consumer OUTBOX_QUEUE_URL="$queue_url" OUTBOX_ON='**=exec:true' OUTBOX_WAIT_TIME=1s -- --config "$system_dir/config"
wait_for 20 "the consumer is ready" relay_log consumer ' ready '
sql "insert into inbox.processed_event (consumer, event_id, processed_at) values ('orders', gen_random_uuid(), now() - interval '31 days')"
changes consumer OUTBOX_INBOX_RETENTION=30d
wait_for_sql 30 "what is old is forgotten" "select count(*) = 0 from inbox.processed_event"
printf 'OUTBOX_INBOX_RETENTION=14d\n' >"$system_dir/config"
relay_signal consumer HUP
wait_for 20 "too short a time is refused" relay_log consumer 'the settings cannot be used.*OUTBOX_INBOX_RETENTION must be 15d'
relay_stop consumer 0
system_end
