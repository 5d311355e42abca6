#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Grafana's dashboard: it is one by Grafana's own types, names metrics that there are, and each of its queries has an
# answer when a real Prometheus scrapes a relay and a consumer at work; those about trouble, when there is trouble. What is
# wrong in it is found. (Grafana itself does not run here.)
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/consume.sh
source "$system_root/tests/lib/consume.sh"
# shellcheck source=../lib/prometheus.sh
source "$system_root/tests/lib/prometheus.sh"

board=$system_root/deploy/grafana/outbox-relay.json
tool=$system_root/tests/deploy/dashboard.mjs

# What has no value while all is well: the panels that tell of trouble, and of credentials that expire.
in_trouble='Alerts
Failures
Failures of SQS'

dashboard() { node "$tool" "$@"; }

# mistake WHAT PATTERN FILTER notes that the dashboard with jq's FILTER applied must be refused, for what matches PATTERN;
# mistakes_refused checks them all.
mistake() {
    local wrong=$system_dir/wrong-$((${#mistakes[@]} + 1)).json
    jq "$3" "$board" >"$wrong"
    ! cmp --silent <(jq . "$board") "$wrong" || fail "the mistake changes nothing: $3"
    mistakes+=("$wrong") mistake_names+=("$1") mistake_patterns+=("$2")
}
mistakes_refused() {
    local i
    dashboard check "$system_dir/names" "${mistakes[@]}" >"$system_dir/refused"
    for i in "${!mistakes[@]}"; do
        assert_match "refused: ${mistake_names[i]}" "${mistake_patterns[i]}" "$(grep -F "${mistakes[i]}: " "$system_dir/refused")"
    done
}
mistakes=() mistake_names=() mistake_patterns=()

# names_of: the names of series that there are, of the program's own list and, for the process, of a scrape.
names_of() {
    "$relay" help metrics | awk -F ' *[|] *' '$2 ~ /^`/ {
        gsub("`", "", $2)
        if ($3 == "histogram") print $2 "_bucket\n" $2 "_sum\n" $2 "_count"; else print $2 }'
    metrics_scrape relay | sed -nE 's/^(process_[a-z_]+) .*/\1/p'
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
prometheus_is_ready() { curl --silent --fail --max-time 5 "$prometheus_url/-/ready" >/dev/null; }

# silent COMMAND prints the titles of the panels with a query that has no value yet, and all other complaints as they are.
silent() {
    dashboard "$1" "$prometheus_url" "$board" >"$system_dir/silent"
    sed -E 's/^([^:]+): .*(outbox_relay_|ALERTS|process_).*/\1/' "$system_dir/silent" | sort -u
}
silent_is() { [[ $(silent "$1") == "$2" ]]; }
silent_among() { ! silent nonzero | grep -qxF "$1"; }

npm_install "$system_root/tests/deploy" "what validates a dashboard"
prometheus_need
system_begin
system_postgres
consume_database events
system_fake
for name in good slow refused gone; do
    fake_control POST topics "{\"name\":\"$name\"}" >/dev/null
    sql "select outbox.route('$name.**', 'arn:aws:sns:us-east-1:000000000000:$name')" >/dev/null
done
queue_make orders 100
queue_subscribe good orders

# A transaction that stays open: ten seconds later it is a blocker.
process_start "$system_dir/open.pid" "$system_dir/open.log" psql --no-psqlrc --quiet \
    --command "begin; select txid_current(); select pg_sleep(600)"
expiry=$(date --utc --date '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
relay_start relay OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_RETRY_BASE=100ms OUTBOX_RETRY_MAX=200ms OUTBOX_MAX_ATTEMPTS=2 \
    AWS_CREDENTIAL_EXPIRATION="$expiry"
consumer_start consumer OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_RETRY_BASE=1s OUTBOX_RETRY_MAX=1s OUTBOX_WAIT_TIME=1s -- \
    --queue-url "$(queue_url_of orders)" --on '**=sql:shop.take'
relay_wait_ready relay
# Events while the test goes on, as many as a shop has.
cat >"$system_dir/load.sql" <<'END'
insert into outbox.event (event_type, aggregate_id, data)
select case when n <= 10 then 'slow.created' when n = 11 then 'refused.created' else 'good.created' end, 'o-' || n, '{}'
from generate_series(1, 40) n \watch 0.2
END
process_start "$system_dir/load.pid" "$system_dir/load.log" psql --no-psqlrc --quiet --file "$system_dir/load.sql"

prometheus_port=$(free_port) prometheus_url=http://127.0.0.1:$prometheus_port
mkdir "$system_dir/prometheus"
cat >"$system_dir/prometheus/prometheus.yml" <<END
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: ["$system_root/deploy/prometheus/*.yml"]
scrape_configs:
  - {job_name: outbox-relay, static_configs: [{targets: ["$(metrics_address relay)"]}]}
  - {job_name: outbox-consumer, static_configs: [{targets: ["$(metrics_address consumer)"]}]}
END
process_start "$system_dir/prometheus.pid" "$system_dir/prometheus.log" prometheus \
    --config.file="$system_dir/prometheus/prometheus.yml" --storage.tsdb.path="$system_dir/prometheus/data" \
    --web.listen-address="127.0.0.1:$prometheus_port" --log.level=warn
wait_for 20 "Prometheus is ready" prometheus_is_ready

# It is a dashboard, and its queries are PromQL.
names_of >"$system_dir/names"
assert_equal "nothing is wrong with it" "" "$(dashboard check "$system_dir/names" "$board")"
dashboard rules "$board" >"$system_dir/rules.yml"
assert_match "promtool reads every query" 'SUCCESS: [0-9]+ rules found' "$(promtool check rules "$system_dir/rules.yml" 2>&1)"

# Mistakes.
mistake "a metric that there is not" 'Pending events: there is no metric outbox_relay_pending_event' \
    '(.. | .expr? // empty) |= sub("max by \\(job, topic\\) \\(outbox_relay_pending_events"; "max by (job, topic) (outbox_relay_pending_event")'
mistake "a histogram's name without its suffix" 'there is no metric outbox_relay_delivery_delay_seconds' \
    '(.. | .expr? // empty) |= sub("delivery_delay_seconds_bucket"; "delivery_delay_seconds")'
mistake "a data source of one's own" 'Published: its data source is fixed' \
    '(.panels[] | select(.title == "Published") | .datasource) = {type: "prometheus", uid: "prometheus"}'
mistake "an id that comes twice" 'its id 2 is not one of its own' '.panels[3].id = 2'
mistake "a panel over another" 'it lies over Ready' '.panels[2].gridPos.x = 2'
mistake "a panel off the grid" 'it is not on the grid' '.panels[2].gridPos.w = 24'
mistake "a unit that there is not" 'its unit seconds is none of' '.panels[4].fieldConfig.defaults.unit = "seconds"'
mistake "a target that asks nothing" 'a target has no expr' 'del(.panels[1].targets[0].expr)'
mistake "a panel without words" 'it has no description' 'del(.panels[1].description)'
mistake "an option that Grafana does not know" 'options: / must NOT have additional properties .*"colourMode"' \
    '.panels[1].options.colourMode = "value"'
mistake "a value that Grafana does not know" 'options: /graphMode must be equal to one of' '.panels[1].options.graphMode = "bars"'
mistake "another version of the schema" 'schemaVersion is not 41' '.schemaVersion = 16'
# shellcheck disable=SC2016 # the dollars are the dashboard's
mistake "a variable that there is not" 'there is no variable \$node' \
    '(.panels[1].targets[0].expr) |= sub("\\$instance"; "$node")'
mistake "a query for all jobs" 'does not heed the chosen job' '.panels[3].targets[0].expr = "sum(outbox_relay_pending_events)"'
mistake "thresholds that fall" 'its thresholds do not rise' '.panels[1].fieldConfig.defaults.thresholds.steps[1].value = 2'
mistakes_refused
jq '.panels[1].targets[0].expr += ")"' "$board" >"$system_dir/wrong.json"
dashboard rules "$system_dir/wrong.json" >"$system_dir/rules.yml"
assert_fails "refused: what is not PromQL" promtool check rules "$system_dir/rules.yml"

# All is well: every query has a value, but for those about trouble.
wait_until 60 silent_is ask "$in_trouble" || true
assert_equal "every query has a value, but for those about trouble" "$in_trouble" "$(silent ask)"
jq '(.panels[] | select(.title == "Published, by topic") | .targets[0].legendFormat) = "{{tpoic}}"' "$board" >"$system_dir/wrong.json"
assert_match "refused: a legend of a label that there is not" 'no label tpoic' "$(dashboard ask "$prometheus_url" "$system_dir/wrong.json")"
jq '.panels[1].targets[0].expr |= sub("outbox_relay_ready"; "outbox_relay_raedy")' "$board" >"$system_dir/wrong.json"
assert_match "refused: a query that has no answer" '^Ready: ' "$(dashboard ask "$prometheus_url" "$system_dir/wrong.json")"

# Trouble of each kind.
fake_fault '{"kind":"throttle","rate":30,"burst":20,"match":{"topic":"slow"}}' >/dev/null
fake_fault '{"kind":"fail_entry","code":"InvalidParameter","senderFault":true,"match":{"topic":"refused"}}' >/dev/null
fake_fault '{"kind":"missing","match":{"topic":"gone"}}' >/dev/null
fake_fault '{"kind":"fail_entry","code":"InternalError","probability":0.2,"match":{"action":"DeleteMessageBatch"}}' >/dev/null
sql "insert into outbox.event (event_type, aggregate_id, data, due_at)
     values ('gone.created', 'o-1', '{}', now()), ('good.created', 'o-1', '{}', now() + interval '1 hour')"
sql "insert into outbox.event (event_type, aggregate_id, data) select 'good.created', 'o-' || n, '{\"fail\": 1}' from generate_series(1, 5) n"
for ((i = 0; i < 3; i++)); do
    queue_send_text orders 'no event at all'
done
for panel in Alerts "Oldest pending event" "Parked events" "Resting topics" "Oldest blocker" "Not due" "Put off and parked" \
    Failures "Age, by kind" Throttled "Failures of SQS" Messages Handlers Floor; do
    wait_until 60 silent_among "$panel" || true
    assert_equal "the trouble shows: $panel" "" "$(grep "^$panel:" "$system_dir/silent")"
done
assert_equal "Prometheus has nothing to warn of" "" "$(<"$system_dir/prometheus.log")"

process_stop "$system_dir/load.pid" 5
process_stop "$system_dir/open.pid" 5
fake_clear >/dev/null
relay_stop consumer 0
relay_stop relay 0
system_end
