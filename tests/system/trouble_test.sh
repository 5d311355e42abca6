#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Trouble that once stopped the relay: a session that ends while it fetches, a topic that is missing beside one that is
# not, a connection too many, a session whose defaults are unusual, ids that begin anew.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

# end_fetching_session ends the session of a claim that is being fetched; true when there was one.
end_fetching_session() {
    [[ $(sql "select count(pg_terminate_backend(pid)) from pg_stat_activity
              where application_name = 'outbox-relay claim' and state = 'active' and query like '%FOR NO KEY UPDATE%'") != 0 ]]
}

system_begin
system_postgres
system_stub

system_database fetching
sql "insert into outbox.event (event_type, aggregate_id, data)
     select 'order.created', 'o', json_build_object('n', repeat(md5(n::text), 6000)) from generate_series(1, 333) n"
relay_start fetching OUTBOX_CLAIMS=1 OUTBOX_MAX_IN_FLIGHT=4
wait_for 30 "a session that fetches has been ended" end_fetching_session
wait_for_sql 60 "all is sent after a session has ended while it fetched" \
    'select count(*) = 0 from outbox.event where sent_at is null'
assert_match "it connects again" "connected again" "$(<"$system_dir/fetching.log")"
relay_stop fetching

system_database limited
sql "create role limited login connection limit 3 in role outbox_relay"
: >"$system_dir/messages"
events_insert 4000
relay_start limited PGUSER=limited OUTBOX_BATCH_ROWS=100 OUTBOX_MAX_IN_FLIGHT=1 # slow, so that one claim is not enough
events_wait_all_sent 60
relay_stop limited
assert_nothing_lost
assert_equal "a connection that cannot be had repeats nothing" 0 "$(messages_duplicates)"
assert_match "and is said" "a further connection to PostgreSQL cannot be opened" "$(<"$system_dir/limited.log")"

system_database isolated
sql "alter database isolated set default_transaction_isolation = 'serializable'"
events_insert 2000
: >"$system_dir/messages"
relay_start isolated OUTBOX_BATCH_ROWS=100
relay_start beside OUTBOX_BATCH_ROWS=100
events_wait_all_sent 60
assert_equal "a database's own defaults change nothing" 0 "$(messages_duplicates)"

sql 'truncate outbox.event restart identity'
events_insert 10
events_wait_all_sent 30
passed=$((passed + 1))
say "ok - events whose ids begin anew are sent"
relay_stop isolated
relay_stop beside

process_stop "$system_dir/stub.pid"
system_emulator
system_database topics
system_queue healthy
sql "select outbox.route('good.*', '$topic_arn'), outbox.route('bad.*', '${topic_arn%:*}:missing')" >/dev/null
sql "insert into outbox.event (event_type, aggregate_id, data) select 'bad.created', 'o', '{}' from generate_series(1, 5000)"
relay_start topics
wait_for 20 "the missing topic rests" relay_log topics 'the topic rests.*missing'
sql "insert into outbox.event (event_type, aggregate_id, data) values ('good.created', 'o', '{}')"
wait_for_sql 20 "the healthy topic's event is sent" "select sent_at is not null from outbox.event where event_type = 'good.created'"
assert_equal "no attempt counts against the others" "5000 0 0" \
    "$(sql "select count(*) || ' ' || sum(attempts) || ' ' || count(parked_at) from outbox.event where sent_at is null")"
emulator_aws create-topic missing >/dev/null
wait_for_sql 120 "they are sent once the topic is there" 'select count(*) = 0 from outbox.event where sent_at is null'
assert_equal "and nothing is left" 0 "$(events_unsent)"
relay_stop topics
system_end
