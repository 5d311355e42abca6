#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The overlays of deploy/kubernetes: they build with the oldest kubectl and a current one, Kubernetes takes every object, the
# pods are restricted ones, what belongs together does; mistakes are found. Then the containers' arguments and variables
# start the real program, and their probes are asked.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/consume.sh
source "$system_root/tests/lib/consume.sh"
# shellcheck source=../lib/kubernetes.sh
source "$system_root/tests/lib/kubernetes.sh"

# build KUBECTL FOLDER SUFFIX builds every overlay below FOLDER into system_dir.
build() {
    local overlay
    for overlay in "$2"/overlays/*; do
        "$1" kustomize "$overlay" >"$system_dir/${overlay##*/}$3.yaml" 2>"$system_dir/build.log" ||
            assert_failed "$1 builds ${overlay##*/}" "$(<"$system_dir/build.log")"
    done
}
outside=(--outside "outbox-relay-owner,outbox-consumer-owner")
# look SUFFIX looks at what goes into one namespace together.
look() {
    local all="$system_dir/standalone$1.yaml $system_dir/consumer$1.yaml $system_dir/migrate$1.yaml $system_dir/migrate-inbox$1.yaml $system_dir/monitoring$1.yaml"
    # shellcheck disable=SC2086 # names without spaces
    assert_equal "everything but the sidecar" \
        "18 objects: ConfigMap Deployment Job NetworkPolicy PodDisruptionBudget PrometheusRule ScaledObject Secret Service ServiceAccount ServiceMonitor" \
        "$(kubernetes_check "${outside[@]}" $all)"
    assert_equal "a service with the relay as its sidecar, and who watches it" \
        "7 objects: ConfigMap Deployment PrometheusRule Secret Service ServiceAccount ServiceMonitor" \
        "$(kubernetes_check "$system_dir/sidecar$1.yaml" "$system_dir/monitoring$1.yaml")"
}
# refused OVERLAY SED PATTERN: with that edit the objects are refused, and for that reason. refused_all looks.
mistakes=() edits=() reasons=()
refused() {
    local mistake="$system_dir/mistake-${#mistakes[@]}.yaml"
    sed -E "$2" "$system_dir/$1.yaml" >"$mistake"
    ! cmp --silent "$system_dir/$1.yaml" "$mistake" || fail "this changes nothing: $2"
    mistakes+=("$mistake") edits+=("$1: $2") reasons+=("$3")
}
refused_all() {
    local found index
    mapfile -t found < <(kubernetes_check --each "${outside[@]}" "${mistakes[@]}")
    for index in "${!mistakes[@]}"; do
        assert_match "refused: ${edits[index]}" "${reasons[index]}" "${found[index]:-}"
    done
}

system_begin
kubernetes_begin
mkdir "$system_dir/old"
cp -r "$system_root/deploy/kubernetes/." "$system_dir/old"
node "$system_root/tests/deploy/kubernetes/old.mjs" "$system_dir/old"
built=()
if kubectl_old; then
    build "$kubectl" "$system_dir/old" .old
    look .old
    built+=(.old)
fi
new=$(kubectl_new)
if [[ $new ]]; then
    build "$new" "$system_root/deploy/kubernetes" .new
    look .new
    built+=(.new)
fi
((${#built[@]})) || fail "there is no kubectl: neither Debian's package kubernetes-client nor one in the PATH"
for overlay in standalone sidecar consumer migrate migrate-inbox monitoring; do
    cp "$system_dir/$overlay${built[-1]}.yaml" "$system_dir/$overlay.yaml"
done
assert_equal "the alerts are those of deploy/prometheus" "" \
    "$(diff "$system_root/deploy/kubernetes/overlays/monitoring/prometheusrule.yaml" <("$system_root/deploy/kubernetes/prometheusrule.sh"))"

# A setting that changes makes new pods.
if [[ $new ]]; then
    cp -r "$system_root/deploy/kubernetes" "$system_dir/changed"
    sed -i 's/25s/26s/' "$system_dir/changed/overlays/standalone/relay.env"
    sed -i 's/change-me/changed/' "$system_dir/changed/overlays/standalone/database.env"
    assert_equal "what has changed has another name, in the pod as well" 4 \
        "$(diff <("$new" kustomize "$system_root/deploy/kubernetes/overlays/standalone") <("$new" kustomize "$system_dir/changed/overlays/standalone") |
            grep -cE '^> +(- configMapRef:|(- )?name: outbox-relay-([a-z]+-)?[a-z0-9]{10}$)')"
fi

# Mistakes: in the form, in the pods, and between objects.
refused standalone 's/^  replicas: 2/  replica: 2/' 'spec/replica is no field'
refused standalone 's/readOnlyRootFilesystem/readOnlyRootFileSystem/' 'securityContext/readOnlyRootFileSystem is no field'
refused standalone 's/^  replicas: 2/  replicas: two/' 'spec/replicas ."type":"integer"'
refused standalone 's,^apiVersion: policy/v1,apiVersion: policy/v1beta1,' 'no such kind is known: policy/v1beta1'
refused consumer 's/queueLength: .*/queueLenght: "5"/' 'queueLenght'
refused monitoring 's/interval: 15s/interval: 15/' 'interval must be string'
refused standalone 's/(outbox-relay):0\.1\.0/\1:latest/' 'no tag of a version'
refused standalone 's/(outbox-relay):0\.1\.0/\1/' 'no tag of a version'
refused standalone 's/allowPrivilegeEscalation: false/privileged: true/' 'relay: privileged.*allowPrivilegeEscalation is not false'
refused standalone 's/runAsNonRoot: true/runAsNonRoot: false/' 'runAsNonRoot is not true'
refused standalone 's/type: RuntimeDefault/type: Unconfined/' 'seccompProfile is not RuntimeDefault'
refused sidecar 's/^( +)- ALL/\1- NET_RAW/' 'ALL is not dropped'
refused sidecar 's/^( +targetPort): 9465/\1: 9466/' 'no container has the port 9466'
refused sidecar '/restartPolicy: Always/d' 'outbox-relay: the pod waits for its end'
refused sidecar 's/startupProbe:/readinessProbe:/' 'startupProbe is missing'
refused standalone 's,path: /readyz,path: /livez,' 'readinessProbe asks /livez'
refused standalone 's/port: admin/port: http/' 'asks port http, which is none'
refused standalone 's/ memory: 128Mi/ ephemeral-storage: 1Gi/' 'resources.limits.memory is missing'
refused standalone 's/terminationGracePeriodSeconds: 35/terminationGracePeriodSeconds: 25/' 'is 25: stopping may take 27 s'
refused consumer 's/OUTBOX_SHUTDOWN_TIMEOUT: 25s/OUTBOX_SHUTDOWN_TIMEOUT: 20s/' 'is not more than OUTBOX_WAIT_TIME'
refused standalone 's/maxUnavailable: 0/maxUnavailable: 1/' 'does not start a new pod before'
refused standalone 's/OUTBOX_LISTEN: :9465/OUTBOX_LISTEN: 127.0.0.1:9465/' 'OUTBOX_LISTEN is 127'
refused standalone 's/OUTBOX_TOPIC_ARN_PREFIX/OUTBOX_TOPICS/' 'OUTBOX_TOPICS is no setting'
refused standalone 's/OUTBOX_LOG_FORMAT: json/OUTBOX_SOURCE: "postgresql:\/\/a:b@c\/d"/' 'has a secret'
refused standalone 's/name: outbox-relay-[a-z0-9]{10}$/name: outbox-relay-settings/; 0,/outbox-relay-settings/ s//other/' 'there is no ConfigMap'
refused standalone 's/^( +)key: url/\1key: uri/' 'has no key uri'
refused standalone 's/serviceAccountName: outbox-relay/serviceAccountName: relay/' 'there is no ServiceAccount relay'
refused standalone 's/component: relay/component: "relay of orders"/' "is no label's value"
refused consumer 's,(queueURL: .*)/orders,\1/invoices,' 'watches another queue'
refused migrate '/ttlSecondsAfterFinished/d' 'nobody removes it'
refused_all

# The real program, as the containers would start it.
system_postgres
system_fake
sql "create role owner login createrole; create role relay login; create role consumer login"
PGDATABASE=postgres sql "create database shop owner owner"
export PGDATABASE=shop
database() { printf 'postgresql://%s@127.0.0.1:%s/shop\n' "$1" "$PGPORT"; }
[[ ! -d $relay_build ]] || chmod a+x "$relay_build"
container_read "$system_dir/migrate.yaml" Job outbox-relay-migrate --secret "outbox-relay-owner/url=$(database owner)"
container_run >"$system_dir/migrate.log" 2>&1 || fail "migrate failed: $(<"$system_dir/migrate.log")"
container_read "$system_dir/migrate-inbox.yaml" Job outbox-relay-migrate-inbox --secret "outbox-consumer-owner/url=$(database owner)"
container_run >"$system_dir/migrate.log" 2>&1 || fail "migrate --inbox failed: $(<"$system_dir/migrate.log")"
assert_equal "the Jobs make both schemas" "inbox outbox" \
    "$(sql "select string_agg(nspname, ' ' order by nspname) from pg_namespace where nspname in ('inbox', 'outbox')")"
sql "grant outbox_relay to relay; grant inbox_consumer to consumer"
sql "create schema shop; create table shop.effect (kind text, event_id text);
     grant usage on schema shop to consumer; grant insert on shop.effect to consumer;
     create function shop.reserve_stock(event jsonb) returns void language sql as \$\$insert into shop.effect values ('stock', event->>'eventId')\$\$;
     create function shop.project_order(event jsonb) returns void language sql as \$\$insert into shop.effect values ('order', event->>'eventId')\$\$"

aws=(--set "AWS_ENDPOINT_URL=$fake_url" --set AWS_REGION=us-east-1 --set AWS_EC2_METADATA_DISABLED=true --set OUTBOX_WAIT_TIME=1s --replace eu-central-1:123456789012=us-east-1:000000000000
    --replace "https://sqs.eu-central-1.amazonaws.com/123456789012=$fake_url/$consume_account")
keys=(--set AWS_ACCESS_KEY_ID=local --set AWS_SECRET_ACCESS_KEY=local)
# What the web hook of EKS adds for the account's annotation; the token's file belongs to fsGroup.
base64_url() { base64 --wrap 0 | tr '+/' '-_' | tr -d =; }
printf '%s.%s.signature\n' "$(printf '{}' | base64_url)" \
    "$(printf '{"sub":"system:serviceaccount:default:outbox-relay","iss":"here","aud":"sts.amazonaws.com"}' | base64_url)" >"$system_dir/token"
chmod 640 "$system_dir/token"
((EUID != 0)) || chgrp 65532 "$system_dir/token"
role=$(sed -n 's,^ *eks.amazonaws.com/role-arn: ,,p' "$system_dir/standalone.yaml")
identity=(--set "AWS_ROLE_ARN=$role" --set "AWS_WEB_IDENTITY_TOKEN_FILE=$system_dir/token" --set AWS_STS_REGIONAL_ENDPOINTS=regional)

# start NAME FILE OBJECT SECRET ROLE [OPTION...] starts a container of a Deployment, and waits for its probes.
start() {
    local port probe
    port=$(port_free)
    container_read "$system_dir/$2.yaml" Deployment "$3" --secret "$4/url=$(database "$5")" --replace ":9465=127.0.0.1:$port" "${aws[@]}" "${@:6}"
    container_start "$1"
    for probe in startupProbe livenessProbe readinessProbe; do
        [[ $(probe_field "$probe" httpGet.path '') ]] || continue
        container_wait_probe "$probe" "$port" || assert_failed "$1: $probe" "$(tail -n 3 "$system_dir/$1.log")"
        assert_passed "$1: $probe"
    done
}
queue_make orders
queue_subscribe order-created orders
start standalone standalone outbox-relay outbox-relay-database relay "${identity[@]}"
start sidecar sidecar shop outbox-relay-database relay "${keys[@]}"
start consumer consumer outbox-consumer outbox-consumer-database consumer "${keys[@]}"
sql "select outbox.publish('order.created', 'order-' || n, '{}') from generate_series(1, 100) n" >/dev/null
wait_for_sql 30 "both handlers have run for every event" "select count(*) = 200 from shop.effect"
assert_equal "each once" "100 100" "$(sql "select string_agg(n::text, ' ') from (select count(distinct event_id) n from shop.effect group by kind) counts")"
assert_match "the account's role is whom the relay publishes as" "web identity \\(role $role\\)" "$(<"$system_dir/standalone.log")"
for name in consumer sidecar standalone; do
    relay_stop "$name" 0
done
system_end
