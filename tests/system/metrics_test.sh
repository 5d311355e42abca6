#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the metrics of relay and consumer say is what has happened: published, refused, throttled, resting, retried, parked;
# a database restart; received, handled, returned, deleted. A real Prometheus scrapes them.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"
# shellcheck source=../lib/prometheus.sh
source "${BASH_SOURCE[0]%/*}/../lib/prometheus.sh"

topic() { printf '{topic="arn:aws:sns:us-east-1:000000000000:%s"}' "$1"; }
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data${3:+, due_at})
         select '$1', 'o-' || n, json_build_object('n', n)${3:+, $3} from generate_series(1, $2) n"
}
published() { printf 'outbox_relay_published_total%s' "$(topic "$1")"; }

# prometheus_query EXPRESSION prints the values, one a line.
prometheus_query() {
    curl --silent --show-error --max-time 5 --get --data-urlencode "query=$1" "http://127.0.0.1:$prometheus_port/api/v1/query" |
        jq --raw-output '.data.result[].value[1]'
}
prometheus_says() { [[ $(prometheus_query "$1") == "$2" ]]; }
prometheus_is_ready() { curl --silent --fail --max-time 5 "http://127.0.0.1:$prometheus_port/-/ready" >/dev/null; }
free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

prometheus_need
system_begin
system_postgres
consume_database events
system_fake
for name in good refused slow gone; do
    sql "select outbox.route('$name.**', 'arn:aws:sns:us-east-1:000000000000:$name')" >/dev/null
done
relay_start relay OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_RETRY_BASE=100ms OUTBOX_RETRY_MAX=200ms OUTBOX_MAX_ATTEMPTS=2
relay_wait_ready relay

# Published: a counter a topic, and the delay from when an event was wanted.
insert good.created 25
wait_for 20 "25 are published" metric_is relay "$(published good)" 25
assert_metric "the delay of each is observed" relay outbox_relay_delivery_delay_seconds_count 25
assert_metric "none is retried, and that is not left out" relay "outbox_relay_retried_total$(topic good)" 0
assert_metric "none is parked" relay "outbox_relay_parked_total$(topic good)" 0
assert_metric "all are accounted for by requests" relay outbox_relay_batch_events_sum 25
requests=$(metric relay outbox_relay_batch_events_count)
assert_metric "each request has its duration" relay outbox_relay_publish_duration_seconds_count "$requests"
wait_for 20 "nothing is in flight" metric_is relay outbox_relay_in_flight_events 0
assert_metric "no request either" relay outbox_relay_in_flight_requests 0
assert_metric "it wakes for all relays" relay outbox_relay_leader 1
assert_match "the database's answers have durations" '^[1-9]' \
    "$(metric relay 'outbox_relay_database_duration_seconds_count{statement="mark"}')"
insert good.scheduled 1 "now() + interval '1 s'"
wait_for 20 "26 are published" metric_is relay "$(published good)" 26
assert_equal "the delay of a scheduled event counts from then on" t \
    "$(sql "select $(metric relay outbox_relay_delivery_delay_seconds_sum) < 0.9 * $(metric relay outbox_relay_delivery_delay_seconds_count)")"

# Refused for the event: retried, then parked.
fault=$(fake_fault '{"kind":"fail_entry","code":"InvalidParameter","senderFault":true,"match":{"topic":"refused","aggregateId":"o-1"}}' | jq --raw-output .id)
insert refused.created 3
wait_for 20 "one is parked" metric_is relay "outbox_relay_parked_total$(topic refused)" 1
wait_for 20 "the others are published" metric_is relay "$(published refused)" 2
assert_metric "its code is counted" relay 'outbox_relay_sns_errors_total{code="InvalidParameter"}' 1
fake_clear "$fault" >/dev/null
fake_fault '{"kind":"fail_entry","code":"Peculiar<1>","senderFault":true,"match":{"topic":"refused"}}' >/dev/null
insert refused.created 1
wait_for 20 "another is parked" metric_is relay "outbox_relay_parked_total$(topic refused)" 2
assert_metric "after it was tried again" relay "outbox_relay_retried_total$(topic refused)" 1
assert_metric "a code that nobody knows becomes no label" relay 'outbox_relay_sns_errors_total{code="other"}' 2

# Throttled.
fake_fault '{"kind":"throttle","rate":100,"burst":20,"count":3,"match":{"topic":"slow"}}' >/dev/null
insert slow.created 60
wait_for 30 "the throttled ones are published" metric_is relay "$(published slow)" 60
assert_match "throttling is counted" '^[1-9]' "$(metric relay "outbox_relay_throttled_total$(topic slow)")"
assert_metric "by topic" relay "outbox_relay_throttled_total$(topic good)" 0
assert_metric "throttled is not refused: nothing is parked" relay "outbox_relay_parked_total$(topic slow)" 0

# A topic that is not there rests, until it is.
fault=$(fake_fault '{"kind":"missing","match":{"topic":"gone"}}' | jq --raw-output .id)
insert gone.created 2
wait_for 20 "the topic rests" metric_is relay "outbox_relay_topic_resting$(topic gone)" 1
assert_metric "the others do not" relay "outbox_relay_topic_resting$(topic good)" 0
fake_clear "$fault" >/dev/null
wait_for 30 "it works again" metric_is relay "outbox_relay_topic_resting$(topic gone)" 0
wait_for 30 "its events are published" metric_is relay "$(published gone)" 2

# The database restarts while SNS has what the relay has not marked.
fault=$(fake_fault '{"kind":"delay","ms":1500,"match":{"topic":"good"}}' | jq --raw-output .id)
insert good.created 5
wait_for 20 "they are under way" metric_is relay outbox_relay_in_flight_events 5
postgres_stop "$system_dir/postgres" immediate
wait_for 20 "the connections are lost" metric_is_positive relay outbox_relay_database_reconnects_total
assert_metric "none is open" relay outbox_relay_database_connections 0
system_postgres_again
wait_for 30 "they are marked from memory" metric_is relay outbox_relay_duplicates_avoided_total 5
fake_clear "$fault" >/dev/null
assert_metric "nothing is in flight any more" relay outbox_relay_in_flight_events 0
assert_metric "each is published once" relay "$(published good)" 31
assert_equal "so says the fake" 31 "$(jq --raw-output 'select(.topic == "good") | .id' "$system_dir/published" | wc -l)"
assert_metric "nothing needed to be rescued" relay outbox_relay_rescued_total 0
assert_metric "credentials that do not expire have no time" relay outbox_relay_credentials_expiry_timestamp_seconds ""

# A consumer: what is handled, fails, is malformed.
queue_make orders 2
queue_send orders 10
queue_send_text orders 'no event at all'
consumer_start consumer OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_RETRY_BASE=1s OUTBOX_RETRY_MAX=1s OUTBOX_WAIT_TIME=1s -- \
    --queue-url "$(queue_url_of orders)" --on '**=sql:shop.take' --on '**=exec:/bin/true --token sesame'
wait_for 30 "ten are deleted" metric_is consumer outbox_relay_deleted_messages_total 10
assert_metric "each has its age" consumer outbox_relay_message_age_seconds_count 10
assert_metric "the function is done" consumer 'outbox_relay_handled_total{handler="sql:shop.take",outcome="done"}' 10
assert_metric "the program is done" consumer 'outbox_relay_handled_total{handler="exec:true",outcome="done"}' 10
assert_metric "nothing has failed" consumer 'outbox_relay_handled_total{handler="sql:shop.take",outcome="failed"}' 0
assert_metric "each has its duration" consumer 'outbox_relay_handler_duration_seconds_count{handler="sql:shop.take"}' 10
wait_for 20 "the malformed one is refused" metric_is_positive consumer 'outbox_relay_refused_messages_total{reason="malformed"}'
wait_for 20 "and returned" metric_is_positive consumer outbox_relay_returned_messages_total
assert_equal "no argument of a program is told" "" "$(metrics_scrape consumer | grep sesame)"
assert_metric "the relay's families are not the consumer's" consumer outbox_relay_rescued_total ""

assert_metrics_lint relay
assert_metrics_lint consumer

# Prometheus itself.
prometheus_port=$(free_port)
mkdir "$system_dir/prometheus"
cat >"$system_dir/prometheus/prometheus.yml" <<END
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}
rule_files: ["$system_root/deploy/prometheus/alerts.yml"]
scrape_configs:
  - {job_name: outbox-relay, static_configs: [{targets: ["$(metrics_address relay)"]}]}
  - {job_name: outbox-consumer, static_configs: [{targets: ["$(metrics_address consumer)"]}]}
END
process_start "$system_dir/prometheus.pid" "$system_dir/prometheus.log" prometheus \
    --config.file="$system_dir/prometheus/prometheus.yml" --storage.tsdb.path="$system_dir/prometheus/data" \
    --web.listen-address="127.0.0.1:$prometheus_port" --log.level=warn
wait_for 20 "Prometheus is ready" prometheus_is_ready
wait_for 20 "Prometheus has scraped both" prometheus_says 'count(up == 1)' 2
wait_for 20 "Prometheus has the counters" prometheus_says 'sum(outbox_relay_published_total)' "$(metric_sum relay outbox_relay_published_total)"
assert_equal "it has no error" "" "$(curl --silent "http://127.0.0.1:$prometheus_port/api/v1/targets" | jq --raw-output '.data.activeTargets[].lastError')"
assert_equal "the start of the process does not change" 0 "$(prometheus_query 'max(changes(process_start_time_seconds[1m]))')"
assert_equal "it has every rule" "$(grep -c 'alert:' "$system_root/deploy/prometheus/alerts.yml")" \
    "$(curl --silent "http://127.0.0.1:$prometheus_port/api/v1/rules" | jq '[.data.groups[].rules[]] | length')"
assert_equal "it has nothing to warn of" "" "$(<"$system_dir/prometheus.log")"

relay_stop relay 0
relay_stop consumer 0
system_end
