#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main promise, end to end on the emulator: what is committed arrives in the queues, once, as documented and with the
# receipt in its row; what is rolled back never does; transactions that stay open for seconds arrive when they commit.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

# place_orders COUNT: 8 clients, each transaction an order and its event; a tenth is rolled back.
place_orders() {
    cat >"$system_dir/order.sql" <<'SQL'
\set end random(1, 10)
\set total random(1, 100000)
begin;
insert into orders (total) values (:total) returning id \gset
select outbox.publish('order.created', 'order-' || :id, json_build_object('orderId', :id, 'total', :total),
                      json_build_object('correlationId', 'request-' || :id, 'source', 'shop'));
\if :end = 1
rollback;
\else
commit;
\endif
SQL
    pgbench --no-vacuum --client 8 --jobs 2 --transactions $(($1 / 8)) --file "$system_dir/order.sql" \
        >"$system_dir/pgbench.log" 2>&1 || fail "pgbench failed: $(tail -n 3 "$system_dir/pgbench.log")"
}

# place_slow_order SECONDS END takes its event's id at once and ends much later.
place_slow_order() {
    sql "begin;
         with placed as (insert into orders (total, slow) values (0, true) returning id)
         select outbox.publish('order.created', 'order-' || id, json_build_object('orderId', id, 'total', 0),
                               json_build_object('correlationId', 'request-' || id, 'source', 'shop')) from placed;
         select pg_sleep($1);
         $2" >"$system_dir/slow.log" 2>&1 || fail "the slow order failed: $(tail -n 3 "$system_dir/slow.log")"
}

# A line for each message of a raw queue: what is in the body, and the attributes.
raw_bodies() { jq --raw-output .Body "$1"; }
raw_attributes() {
    jq --raw-output '.MessageAttributes | to_entries | map("\(.key)=\(.value.StringValue)/\(.value.DataType)") | sort | join(" ")' "$1"
}
envelope_receipts() { jq --raw-output '.Body | fromjson | "\(.Message | fromjson | .eventId)|\(.MessageId)"' "$1"; }
envelope_attributes() {
    jq --raw-output '.Body | fromjson | .MessageAttributes | to_entries | map("\(.key)=\(.value.Value)/\(.value.Type)")
        | sort | join(" ")' "$1"
}

# The same lines from the database.
expected_bodies="
    select format('{\"eventId\":\"%s\",\"eventType\":\"%s\",\"eventVersion\":\"%s\",\"aggregateId\":\"%s\",'
                  '\"occurredOn\":\"%s\",\"sequence\":%s,\"data\":%s,\"metadata\":%s}',
                  event_id, event_type, event_version, aggregate_id,
                  to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), id, data, metadata)
    from outbox.event"
expected_attributes="
    select format('aggregate-id=%s/String correlation-id=%s/String event-id=%s/String event-type=%s/String event-version=%s/String',
                  aggregate_id, metadata ->> 'correlationId', event_id, event_type, event_version)
    from outbox.event"

# assert_same NAME FILE_EXPECTED FILE compares two sorted lists; so it sees what is missing, foreign, or there twice.
assert_same() { assert_equal "$1" "" "$(diff "$2" "$3" | head -n 10)"; }

system_begin
system_postgres
system_database shop
system_emulator
sql 'create table orders (id bigint generated always as identity primary key, total int, slow boolean default false)'
system_queue orders raw
raw_url=$queue_url
envelope_url=$(emulator_aws create-queue orders-envelope)
emulator_aws subscribe "$topic_arn" "$envelope_url" envelope >/dev/null

relay_start relay "OUTBOX_TOPIC_ARN=$topic_arn"
relay_wait_ready relay
slow=()
for seconds in 3 4 5; do
    place_slow_order "$seconds" commit &
    slow+=($!)
    place_slow_order "$seconds" rollback &
    slow+=($!)
done
wait_for_sql 10 "the slow transactions hold their ids" \
    "select count(*) = 6 from pg_stat_activity where wait_event = 'PgSleep'"
place_orders 10000
wait "${slow[@]}"
wait_for_sql 60 "every event is sent" 'select count(*) = 0 from outbox.event where sent_at is null'
wait_for_sql 20 "the floor is stored" "select floor = (select max(id) from outbox.event) from outbox.state"
relay_stop relay 0

committed=$(sql 'select count(*) from outbox.event')
rolled_back=$(sql "select max(id) - count(*) from outbox.event")
say "    $committed events committed, $rolled_back rolled back"
assert_equal "every committed order has its event, and no other has" "" \
    "$(sql "select coalesce(e.aggregate_id, 'order-' || o.id) from outbox.event e
            full join orders o on e.aggregate_id = 'order-' || o.id where e.id is null or o.id is null limit 3")"
assert_equal "the transactions that stayed open are among them" 3 "$(sql 'select count(*) from orders where slow')"
assert_equal "some were rolled back" yes "$( ((rolled_back > 500)) && say yes)"

queue_drain "$raw_url" "$system_dir/raw" 20000 1
queue_drain "$envelope_url" "$system_dir/envelope" 20000 1
sql "$expected_bodies" | sort >"$system_dir/expected"
raw_bodies "$system_dir/raw" | sort >"$system_dir/actual"
assert_same "the queue has each committed event once, as documented" "$system_dir/expected" "$system_dir/actual"
sql "$expected_attributes" | sort >"$system_dir/expected"
raw_attributes "$system_dir/raw" | sort >"$system_dir/actual"
assert_same "with its attributes" "$system_dir/expected" "$system_dir/actual"
envelope_attributes "$system_dir/envelope" | sort >"$system_dir/actual"
assert_same "also in the envelope" "$system_dir/expected" "$system_dir/actual"
sql 'select event_id, message_id from outbox.event' | sort >"$system_dir/expected"
envelope_receipts "$system_dir/envelope" | sort >"$system_dir/actual"
assert_same "and each row has the MessageId of its message" "$system_dir/expected" "$system_dir/actual"

assert_equal "the floor has reached the end" "$(sql 'select max(id) from outbox.event')" "$(sql 'select floor from outbox.state')"
assert_equal "the relay counts them" "$committed" "$(sed -nE 's/.* stopped .*sent=([0-9]+).*/\1/p' "$system_dir/relay.log" | tail -n 1)"
assert_equal "nothing failed on the way" 0 "$(sql 'select count(*) from outbox.event where attempts > 0 or last_error is not null')"
assert_not_rescued relay
system_end
