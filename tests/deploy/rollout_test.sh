#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A roll-out as Kubernetes does it, with the numbers of deploy/kubernetes: while a thousand events a second are written, for
# a standard and a FIFO topic, both relays are replaced one after the other. A new one starts, its probes are asked as often
# as the manifest says, the old one gets SIGTERM and its grace period. Nothing is lost, order is kept, deliveries go on.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/kubernetes.sh
source "$system_root/tests/lib/kubernetes.sh"

# 4 writers, 100 transactions a second, each with 5 events for each topic, until they are stopped. A writer has aggregates of its own, so that their
# events have an order.
produce() {
    cat >"$system_dir/produce.sql" <<'SQL'
insert into outbox.event (event_type, aggregate_id, data)
select kind, 'a' || :client_id || '-' || n, json_build_object('n', n)
from generate_series(1, 5) n, (values ('order.created'), ('stock.moved')) kinds (kind);
SQL
    process_start "$system_dir/pgbench.pid" "$system_dir/pgbench.log" pgbench --no-vacuum --client 4 --rate 100 --time 600 \
        --file "$system_dir/produce.sql"
}
# pod_start NAME starts a replica; pod_ready NAME waits as the kubelet does, pod_end NAME ends it so.
pod_start() {
    pod_port=$(port_free)
    container_read "$system_dir/standalone.yaml" Deployment outbox-relay "${container_options[@]}" --replace ":9465=127.0.0.1:$pod_port"
    container_start "$1"
}
pod_ready() {
    local since=$SECONDS
    container_wait_probe startupProbe "$pod_port" || fail "pod $1 would be killed: its startup probe fails"
    until container_probe readinessProbe "$pod_port"; do
        process_stopped "$system_dir/$1.pid" && fail "pod $1 has ended"
        ((SECONDS - since < 60)) || fail "pod $1 is not ready after a minute"
        container_probe livenessProbe "$pod_port" || fail "pod $1: its liveness probe fails"
        sleep "$(probe_field readinessProbe periodSeconds 10)"
    done
}
pod_end() {
    relay_signal "$1" TERM
    relay_wait "$1" 0 "$container_grace"
}
# gap TOPIC prints the longest time between two deliveries to it while events were written, in milliseconds.
gap() {
    jq --slurp --arg topic "$1" --argjson from "$began" --argjson to "$ended" '
        [.[] | select(.topic == $topic and .t >= $from and .t <= $to and (.dup | not)).t] | sort
        | [., .[1:]] | transpose | map(select(.[1]) | .[1] - .[0]) | max / 1000 | round' "$system_dir/published"
}
published_count() { wc -l <"$system_dir/published"; }
published_at_least() { (($(published_count) >= $1)); }
last_time() { tail -n 1 "$system_dir/published" | jq .t; }

system_begin
kubernetes_begin
kubectl=$(kubectl_new)
folder=$system_root/deploy/kubernetes
if [[ ! $kubectl ]]; then
    kubectl_old || fail "there is no kubectl: neither Debian's package kubernetes-client nor one in the PATH"
    cp -r "$folder" "$system_dir/old"
    folder=$system_dir/old
    node "$system_root/tests/deploy/kubernetes/old.mjs" "$folder"
fi
"$kubectl" kustomize "$folder/overlays/standalone" >"$system_dir/standalone.yaml"
manifest_says() { grep -qE "^ +$1\$" "$system_dir/standalone.yaml"; }
assert_equal "the manifest says: two replicas, one more before one less" "yes yes yes" \
    "$(for line in 'replicas: 2' 'maxSurge: 1' 'maxUnavailable: 0'; do manifest_says "$line" && echo yes; done | paste -sd ' ')"

system_postgres
system_database events
system_fake
[[ ! -d $relay_build ]] || chmod a+x "$relay_build"
sql "create role relay login in role outbox_relay;
     select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo');
     select outbox.route('stock.**', 'arn:aws:sns:us-east-1:000000000000:stock')" >/dev/null
container_options=(--secret "outbox-relay-database/url=postgresql://relay@127.0.0.1:$PGPORT/$PGDATABASE"
    --set "AWS_ENDPOINT_URL=$fake_url" --set AWS_REGION=us-east-1 --set AWS_ACCESS_KEY_ID=local
    --set AWS_SECRET_ACCESS_KEY=local --set AWS_EC2_METADATA_DISABLED=true)
for pod in old_one old_two; do
    pod_start "$pod"
    pod_ready "$pod"
done

produce
since=$SECONDS
wait_for 30 "deliveries have begun" published_at_least 2000
began=$(last_time)
for number in one two; do
    pod_start "new_$number"
    pod_ready "new_$number"
    pod_end "old_$number"
done
wait_for 30 "the new ones deliver" published_at_least $(($(published_count) + 2000))
ended=$(last_time)
assert_equal "events were written all the while" false "$(process_stopped "$system_dir/pgbench.pid" && echo true || echo false)"
process_stop "$system_dir/pgbench.pid"
lasted=$((SECONDS - since))
events_wait_all_sent 30
for pod in new_one new_two; do
    pod_end "$pod"
done

events_check
written=$(sql 'select count(*) from outbox.event')
say "# $written events written in $lasted s; longest time between two deliveries during the roll-out: FIFO $(gap orders.fifo) ms, standard $(gap stock) ms"
assert_equal "nothing is lost" "$written 0" "$(events_count published) $(events_count lost)"
assert_equal "each aggregate in order, nothing twice" "0 0 0" \
    "$(events_count disordered) $(events_count duplicates) $(events_count unexplained)"
assert_equal "deliveries went on" "" "$( (($(gap orders.fifo) < 10000 && $(gap stock) < 10000)) || echo "more than 10 s without")"
system_end
