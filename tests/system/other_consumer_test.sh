#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A consumer that is not ours (npm's sqs-consumer and pg, with the README's handleMessage) is idempotent by inbox.first_time:
# events arrive in two queues, one of them raw, and from each queue twice; each effect happens once.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

events=20

# consume NAME QUEUE_URL runs a consumer in the background.
consume() {
    process_start "$system_dir/$1.pid" "$system_dir/$1.log" env PGDATABASE=billing PGUSER=billing_service \
        node "$system_root/tests/consumer/consumer.mjs" "$2" "$events"
}
# consumed NAME waits for its end.
consumed() { wait_for 30 "consumer $1 is done" process_stopped "$system_dir/$1.pid"; }
deliveries() { grep -c " $2\$" "$system_dir/$1.log"; }

system_begin
npm_install "$system_root/tests/consumer" "another consumer"
system_postgres
system_database shop
system_emulator
system_queue orders
raw_url=$(emulator_aws create-queue orders-raw)
emulator_aws subscribe "$topic_arn" "$raw_url" raw >/dev/null

# The consumer's database is its own.
system_empty_database billing
"$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
sql "create table invoice (event_id uuid, order_id text);
     create role billing_service login in role inbox_consumer; grant insert on invoice to billing_service"

export PGDATABASE=shop
sql "select outbox.publish('order.created', 'order-' || n, json_build_object('n', n)) from generate_series(1, $events) n" >/dev/null
OUTBOX_TOPIC_ARN=$topic_arn "$relay" run --until-empty 2>"$system_dir/relay.log"
sql "select event_id from outbox.event" | sort >"$system_dir/committed"

consume envelope "$queue_url"
consume raw "$raw_url"
consumed envelope
consumed raw
for name in envelope raw; do
    assert_equal "$name: every message is delivered" "$events" "$(deliveries $name first)"
    assert_equal "$name: and again" "$events" "$(deliveries $name again)"
done

export PGDATABASE=billing
sql "select event_id from invoice" | sort >"$system_dir/effects"
assert_equal "each effect happens once" "" "$(diff "$system_dir/committed" "$system_dir/effects")"
assert_equal "each event is remembered once" "$events" "$(sql "select count(*) from inbox.processed_event where consumer = 'billing'")"
system_end
