#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A consumer's upkeep: what was processed longer ago than OUTBOX_INBOX_RETENTION is forgotten, if it may; a consumer that
# need not forget has no connection for it.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

upkeep_connections() { sql "select count(*) from pg_stat_activity where application_name = 'outbox-relay upkeep'"; }
remember() {
    sql "truncate inbox.processed_event;
         insert into inbox.processed_event (consumer, event_id, processed_at)
         select 'c', gen_random_uuid(), now() - n * interval '1 day' from generate_series(1, 40) n"
}
# consumer NAME [VARIABLE=VALUE...]
consumer() {
    local name=$1
    shift
    consumer_start "$name" PGUSER=consumer OUTBOX_WAIT_TIME=1s "$@" -- --queue-url "$queue_url" --on '**=sql:shop.take'
}
log_has() { grep -qE -- "$2" "$system_dir/$1.log"; }

system_begin
system_postgres
consume_database events
system_fake
queue_make orders
sql "create role consumer login in role inbox_consumer; grant usage on schema shop to consumer;
     grant insert on shop.seen to consumer; grant usage on sequence shop.seen_id_seq to consumer"
export PGUSER=postgres

code=0
output=$("$relay" consume --queue-url "$queue_url" --on '**=sql:shop.take' --inbox-retention 3d 2>&1) || code=$?
assert_equal "too short a memory: exit code" 2 "$code"
assert_match "too short a memory" 'OUTBOX_INBOX_RETENTION must be 15d at least' "$output"

remember
consumer keeps
wait_for_sql 20 "its handlers are connected" "select count(*) > 0 from pg_stat_activity where application_name = 'outbox-relay handlers'"
consumer poor OUTBOX_INBOX_RETENTION=30d
wait_for 30 "the missing right is said" log_has poor 'upkeep fails.*task="forget processed events".*permission denied.*GRANT inbox_operator'
assert_equal "that has one connection, the one that keeps all has none" 1 "$(upkeep_connections)"
relay_stop keeps
sql "grant inbox_operator to consumer"
wait_for 40 "it succeeds when it may" log_has poor 'upkeep succeeds again'
wait_for_sql 10 "what is old is forgotten" 'select count(*) = 29 from inbox.processed_event'
assert_match "the log says how many" 'forgot processed events events=11' "$(grep forgot "$system_dir/poor.log")"
assert_equal "what fails is said once" 1 "$(grep -c 'upkeep fails' "$system_dir/poor.log")"
relay_stop poor
system_end
