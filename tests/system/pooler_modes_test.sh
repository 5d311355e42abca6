#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PgBouncer in transaction and in session mode, with few connections: all commands that talk to the database. Relays with
# ordered events, consumers with handlers in SQL (prepared statements are not used behind a pooler), operating and looking.
# Migrations are refused, and leave nothing behind in the pool.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"
# shellcheck source=../lib/pooler.sh
source "${BASH_SOURCE[0]%/*}/../lib/pooler.sh"

# pooled COMMAND... runs the program through the pooler, and prints what it says.
pooled() { DATABASE_URL=$url timeout 60 "$relay" "$@" 2>&1; }

insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$1', 'order-' || n % 5, json_build_object('n', n) from generate_series(1, 30) n"
}

system_begin
system_postgres
consume_database events
sql "create role relay login in role outbox_relay, outbox_writer, inbox_consumer; grant usage on schema shop to relay;
     grant insert, select on shop.seen to relay; grant usage on sequence shop.seen_id_seq to relay"
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:$consume_account:plain'),
            outbox.route('item.**', 'arn:aws:sns:us-east-1:$consume_account:ordered.fifo')" >/dev/null
pooler_size=6

for pooler_mode in transaction session; do
    rm -f "$system_dir/published"
    system_fake
    queue_make plain
    queue_make ordered.fifo
    queue_subscribe plain plain
    queue_subscribe ordered.fifo ordered.fifo
    unset pooler_port
    pooler_start
    url=postgresql://relay@127.0.0.1:$pooler_port/events
    insert order.created
    insert item.moved
    # Two relays share the connections; in session mode one more would find none.
    relay_start "one_$pooler_mode" DATABASE_URL="$url" OUTBOX_CLAIMS=2 OUTBOX_POLL_INTERVAL=50ms
    relay_start "two_$pooler_mode" DATABASE_URL="$url" OUTBOX_CLAIMS=2 OUTBOX_POLL_INTERVAL=50ms
    events_wait_all_sent 30
    insert item.moved
    events_wait_all_sent 30
    relay_stop "one_$pooler_mode"
    relay_stop "two_$pooler_mode"
    events_check
    assert_equal "$pooler_mode: each ordered event in its order, nothing twice" "0 0" "$(events_count disordered) $(events_count duplicates)"
    for queue in plain ordered.fifo; do
        consume_all "${queue%.*}_$pooler_mode" --queue-url "$(queue_url_of "$queue")" --database-url "$url" --on '**=sql:shop.take'
    done
    assert_equal "$pooler_mode: what they consume has its effect once" "90 90" \
        "$(sql "select count(*) || ' ' || count(distinct event_id) from shop.seen")"
    assert_match "$pooler_mode: publish" '[0-9a-f-]{36}' "$(pooled publish order.created order-1 '{}')"
    assert_match "$pooler_mode: park" '1 event is parked' "$(pooled park "$(sql 'select max(id) from outbox.event')")"
    assert_match "$pooler_mode: retry" '1 event will be tried again' "$(pooled retry --pattern '**')"
    assert_match "$pooler_mode: migrate status" '0001_outbox.up.sql +applied' "$(pooled migrate status)"
    status=0
    said=$(pooled migrate up) || status=$?
    assert_match "$pooler_mode: migrate up is refused, with the reason" "^3 .*a pooler .*stands between" "$status $said"
    assert_equal "$pooler_mode: no lock and no setting stays behind" "0 0" \
        "$(sql "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = 'events')") $(
            PGUSER=relay PGPORT=$pooler_port sql "select count(*) from pg_settings where source = 'session' and name in ('search_path', 'row_security', 'statement_timeout')")"
    process_stop "$system_dir/pooler.pid"
    process_stop "$system_dir/fake.pid"
    sql 'truncate outbox.event, shop.seen, inbox.processed_event'
done
system_end
