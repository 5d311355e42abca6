#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Helm chart: rendered as Helm does, with every file of ci/, Kubernetes takes every object, and what is asked of
# deploy/kubernetes is asked here. Values that mean nothing are refused, mistakes in templates found, and the rendered
# containers' arguments and variables start the real program.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/consume.sh
source "$system_root/tests/lib/consume.sh"
# shellcheck source=../lib/kubernetes.sh
source "$system_root/tests/lib/kubernetes.sh"

outside=(--outside "shop,shop-database,shop-consumer,shop-owner,database-authorities")
# values_refused YAML PATTERN: with these values, on top of those of ci/all-values.yaml, nothing is installed.
values_refused() {
    local status=0 output
    printf '%s\n' "$1" >"$system_dir/wrong.yaml"
    output=$(helm_render wrong "$helm_chart/ci/all-values.yaml" "$system_dir/wrong.yaml" 2>&1) || status=$?
    assert_match "refused: ${1//$'\n'/; }" "^1 .*$2" "$status $output"
}
# template_refused FILE SED PATTERN: with that edit in a template the chart does not render, or not to what is right.
template_refused() {
    local helm_chart=$system_dir/wrong status=0 output
    rm -rf "$helm_chart"
    cp -rL "$system_root/deploy/helm/outbox-relay" "$helm_chart"
    sed -i -E "$2" "$helm_chart/$1"
    ! cmp --silent "$helm_chart/$1" "$system_root/deploy/helm/outbox-relay/$1" || fail "this changes nothing: $2"
    output=$({ helm_render mistake "$helm_chart/ci/all-values.yaml" && kubernetes_check "${outside[@]}" "$system_dir/mistake.yaml"; } 2>&1) || status=$?
    assert_match "refused: $1: $2" "^1 .*$3" "$status $output"
}
object() { # KIND NAME FILTER: a value of the objects that were rendered last
    node --input-type=module - "$system_root/tests/deploy" "$system_dir/$rendered.yaml" "$1" "$2" <<'END' | jq --raw-output "$3"
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const [folder, file, kind, name] = process.argv.slice(2);
const { parseAllDocuments } = createRequire(`${folder}/`)('yaml');
const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
console.log(JSON.stringify(objects.find((each) => each?.kind === kind && each.metadata.name === name)));
END
}

system_begin
kubernetes_begin
helm_begin
declare -A expected=(
    [relay]="6 objects: ConfigMap Deployment Pod PodDisruptionBudget Service ServiceAccount"
    [consumers]="5 objects: ConfigMap Deployment PodDisruptionBudget Service ServiceAccount"
    [all]="21 objects: ConfigMap Deployment Job NetworkPolicy Pod PodDisruptionBudget PrometheusRule ScaledObject Secret Service ServiceAccount ServiceMonitor"
)
for values in "$helm_chart"/ci/*-values.yaml; do
    rendered=$(basename "$values" -values.yaml)
    helm_render "$rendered" "$values" || fail "the chart does not render with $values"
    assert_equal "with ci/$rendered-values.yaml" "${expected[$rendered]:-}" "$(kubernetes_check "${outside[@]}" "$system_dir/$rendered.yaml")"
done
status=0 output=$(helm_render default 2>&1) || status=$?
assert_match "without a database the chart says what to set" '^1 .*set database.existingSecret .* or database.url' "$status $output"
assert_match "and on an old Kubernetes that it is too old" '^1 .*requires kubeVersion: >=1.25.0-0' \
    "$(status=0 output=$(KUBERNETES=1.24.9 helm_render old "$helm_chart/ci/relay-values.yaml" 2>&1) || status=$?; echo "$status $output")"

rendered=relay
assert_equal "large numbers stay numbers" "500 1048576 1000000" \
    "$(object ConfigMap shop-outbox-relay '.data | "\(.OUTBOX_BATCH_ROWS) \(.OUTBOX_MAX_MESSAGE_BYTES) \(.OUTBOX_RATE_LIMIT)"')"
assert_equal "an account for IAM roles" arn:aws:iam::123456789012:role/outbox-relay \
    "$(object ServiceAccount shop-outbox-relay '.metadata.annotations["eks.amazonaws.com/role-arn"]')"
checksum=$(object Deployment shop-outbox-relay '.spec.template.metadata.annotations["checksum/config"]')
printf 'relay: {env: {OUTBOX_BATCH_ROWS: 501}}\n' >"$system_dir/more.yaml"
helm_render changed "$helm_chart/ci/relay-values.yaml" "$system_dir/more.yaml"
rendered=changed
assert_match "a setting that changes makes new pods" "^[0-9a-f]{64} [0-9a-f]{64}$" \
    "$checksum $(object Deployment shop-outbox-relay '.spec.template.metadata.annotations["checksum/config"]' | grep -vx "$checksum")"
rendered=all
assert_equal "a pattern may have two handlers" $'order.*=sql:shop.project_order\norder.*=http:http://mailer/\norder.created=sql:shop.reserve_stock' \
    "$(object ConfigMap shop-outbox-relay-orders .data.OUTBOX_ON)"
assert_equal "the migration comes before, the test after" "pre-install,pre-upgrade test" \
    "$(object Job shop-outbox-relay-migrate '.metadata.annotations["helm.sh/hook"]') $(object Pod shop-outbox-relay-test '.metadata.annotations["helm.sh/hook"]')"
assert_equal "the alerts are those of deploy/prometheus" \
    "$(node -e 'const [module, file] = process.argv.slice(1); console.log(JSON.stringify(require(module).parse(require("fs").readFileSync(file, "utf8"))))' \
        "$system_root/tests/deploy/node_modules/yaml" "$system_root/deploy/prometheus/alerts.yml" | jq --compact-output .groups)" \
    "$(object PrometheusRule shop-outbox-relay '.spec.groups | tojson')"
assert_match "the notes name the pods, and each consumer's queue" 'deployment/shop-outbox-relay .*Consumer orders receives from https://sqs' \
    "$(jq --raw-output .notes "$system_dir/all.json" | tr '\n' ' ')"
RELEASE=a-release-whose-name-is-as-long-as-helm-allows-it-to helm_render long "$helm_chart/ci/all-values.yaml"
assert_equal "with the longest of names" "${expected[all]}" "$(kubernetes_check "${outside[@]}" "$system_dir/long.yaml")"

values_refused 'relay: {replicas: 3}' '/relay must NOT have additional properties.*replicas'
values_refused 'relay: {replicaCount: "3"}' '/relay/replicaCount must be integer'
values_refused 'relay: {env: {DATABASE_URL: postgresql://a}}' '/relay/env property name'
values_refused 'relay: {env: {OUTBOX_LISTEN: ":80"}}' '/relay/env property name'
values_refused 'relay: {env: {OUTBOX_BATCH_ROWS: [1]}}' 'OUTBOX_BATCH_ROWS must be'
values_refused 'relay: {terminationGracePeriodSeconds: 27}' 'relay.terminationGracePeriodSeconds is 27: it must be more than OUTBOX_SHUTDOWN_TIMEOUT \(25 s\)'
values_refused 'relay: {env: {OUTBOX_SHUTDOWN_TIMEOUT: 2m}}' 'OUTBOX_SHUTDOWN_TIMEOUT \(120 s\)'
values_refused 'image: {tag: latest, digest: ""}' '/image/tag must NOT be valid'
values_refused 'image: {digest: "sha256:0"}' '/image/digest must match'
values_refused 'adminPort: 80' '/adminPort must be >= 1024'
values_refused 'log: {level: trace}' '/log/level must be equal to one of'
values_refused 'consumers: {Orders: {queueUrl: "https://a/b", handlers: {"**": "exec:true"}}}' '/consumers property name'
values_refused 'consumers: {bills: {handlers: {"**": "exec:true"}}}' "must have required property .queueUrl"
values_refused 'consumers: {orders: {handlers: {"order.*": "shop.take"}}}' '/consumers/orders/handlers/order.* must match'
values_refused 'consumers: {orders: {autoscaling: {awsRegion: ""}}}' 'consumers.orders.autoscaling.awsRegion is needed'
values_refused 'database: {url: ""}' 'set database.existingSecret'
values_refused $'relay: {enabled: false}\ndatabase: {url: ""}\nconsumers: {orders: {database: {existingSecret: ""}}}' \
    'sql:shop.project_order needs a database: set consumers.orders.database.existingSecret'
values_refused 'relay: {env: {AWS_CONTAINER_AUTHORIZATION_TOKEN: x}}' '/relay/env property name'
values_refused 'migrate: {existingSecret: ""}' 'migrate.existingSecret is needed'
values_refused 'serviceMonitr: {enabled: true}' 'must NOT have additional properties.*serviceMonitr'

template_refused templates/relay.yaml 's/^(  replicas): .*/\1Count: 2/' 'spec/replicasCount is no field'
template_refused templates/relay.yaml 's/nindent 6 \}\}$/nindent 5 }}/' '.'
template_refused templates/_helpers.tpl 's/path: .readyz/path: \/ready/' 'readinessProbe asks /ready'
template_refused templates/_helpers.tpl '/resources:/,+1d' 'resources.requests.cpu is missing'
template_refused templates/serviceaccount.yaml 's/^automount/autoMount/' 'autoMountServiceAccountToken is no field'
template_refused templates/networkpolicy.yaml 's/protocol: UDP/protocol: HTTP/' 'protocol'
template_refused templates/consumers.yaml 's/include "outbox-relay.service"/include "outbox-relay.servic"/' 'no template "outbox-relay.servic"'
template_refused templates/monitoring.yaml 's,files/alerts.yml,files/alert.yml,' 'is missing from the chart'
template_refused values.yaml 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' 'readOnlyRootFilesystem is not true'
template_refused Chart.yaml 's/^version: .*/version: one/' 'version "one"'

# The real program, as the containers would start it.
system_postgres
system_fake
PGDATABASE=postgres sql "create database shop"
export PGDATABASE=shop
[[ ! -d $relay_build ]] || chmod a+x "$relay_build"
url="postgresql://$PGUSER@127.0.0.1:$PGPORT/shop"
consumer_url="postgresql://consumer@127.0.0.1:$PGPORT/shop"
process_start "$system_dir/mailer.pid" "$system_dir/mailer.log" node "$system_root/tests/lib/endpoint.mjs" "$system_dir/posted"
wait_for 10 "the mailer listens" grep -q '^listening on ' "$system_dir/mailer.log"
mailer=http://$(sed -n 's/^listening on //p' "$system_dir/mailer.log")/
aws=(--set "AWS_ENDPOINT_URL=$fake_url" --set AWS_REGION=us-east-1 --set AWS_ACCESS_KEY_ID=local --set AWS_SECRET_ACCESS_KEY=local
    --set AWS_EC2_METADATA_DISABLED=true --set OUTBOX_WAIT_TIME=1s --replace eu-central-1:123456789012=us-east-1:000000000000
    --replace "https://sqs.eu-central-1.amazonaws.com/123456789012=$fake_url/$consume_account" --replace "http://mailer/=$mailer"
    --secret "shop-outbox-relay-database/url=$url" --secret "shop-owner/url=$url" --secret "shop-consumer/url=$consumer_url" --secret shop/password=x)
for container in outbox inbox; do
    container_read "$system_dir/all.yaml" Job shop-outbox-relay-migrate --container "$container" "${aws[@]}"
    container_run >"$system_dir/migrate.log" 2>&1 || fail "migrate failed: $(<"$system_dir/migrate.log")"
done
# A consumer of its own role in PostgreSQL, which may do what its handlers do.
sql "create role consumer login in role inbox_consumer; create schema shop; create table shop.effect (kind text, event_id text);
     grant usage on schema shop to consumer; grant insert on shop.effect to consumer;
     create function shop.reserve_stock(event jsonb) returns void language sql as \$\$insert into shop.effect values ('stock', event->>'eventId')\$\$;
     create function shop.project_order(event jsonb) returns void language sql as \$\$insert into shop.effect values ('order', event->>'eventId')\$\$"
for queue in orders emails; do
    queue_make "$queue" 3
    queue_subscribe shop-events "$queue"
done
for name in '' -orders -emails; do
    port=$(port_free)
    container_read "$system_dir/all.yaml" Deployment "shop-outbox-relay$name" --replace ":9465=127.0.0.1:$port" "${aws[@]}"
    container_start "pod${name/-/_}"
    for probe in startupProbe livenessProbe readinessProbe; do
        container_wait_probe "$probe" "$port" || assert_failed "shop-outbox-relay$name: $probe" "$(tail -n 3 "$system_dir/pod${name/-/_}.log")"
        assert_passed "shop-outbox-relay$name: $probe"
    done
done
sql "select outbox.publish('order.created', 'order-' || n, '{}') from generate_series(1, 50) n" >/dev/null
wait_for_sql 30 "both functions have run for every event" "select count(*) = 100 from shop.effect"
posted_all() { (($(wc -l <"$system_dir/posted") >= 100)); }
wait_for 30 "the mailer was told by both consumers" posted_all
container_read "$system_dir/all.yaml" Pod shop-outbox-relay-test "${aws[@]}"
status=0 output=$(container_run 2>&1) || status=$?
assert_match "helm test looks, and finds the policies that these queues do not have" \
    "^8 .*ok       is what this program needs.*Queue .*:orders .*error    its policy does not let the topic send.* errors: 2, " "$status ${output//$'\n'/ }"
for name in pod_emails pod_orders pod; do
    relay_stop "$name" 0
done
system_end
