#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compose.yaml, and what it mounts: it is what the compose specification allows, and all its services do together what they
# are for, as the real programs (compose.mjs) in a network of their own, where each is found under its name.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../../deploy/lib/packages.sh
source "$system_root/deploy/lib/packages.sh"
# shellcheck source=../lib/prometheus.sh
source "$system_root/tests/lib/prometheus.sh"

here=$system_root/tests/deploy
docker=$system_root/deploy/docker

# A network and a hosts file of our own need root: the test runs itself again.
if [[ ${1:-} != --inside ]]; then
    packages_need_deploy
    prometheus_need
    npm_install "$here" "what checks deploy/"
    emulator_install
    as_root env PATH="$PATH" TMPDIR="${TMPDIR:-/tmp}" RELAY_BUILD="$relay_build" \
        unshare --net --mount --propagation private "${BASH_SOURCE[0]}" --inside
    exit
fi

lint() { node "$here/compose.mjs" judge "$1" 2>&1; }
# spoil SED_SCRIPT prints what is said of compose.yaml after a deliberate mistake.
spoil() {
    sed "$1" "$docker/compose.yaml" >"$spoiled/compose.yaml"
    cmp --silent "$docker/compose.yaml" "$spoiled/compose.yaml" && say "nothing is spoiled"
    lint "$spoiled/compose.yaml"
}
# spoil_up SED_SCRIPT runs the file after a deliberate mistake and prints why it does not come up.
spoil_up() {
    spoil "$1" >/dev/null
    rm -rf "$system_dir/spoiled-up"
    { node "$here/compose.mjs" up "$spoiled/compose.yaml" "$system_dir/spoiled-up" 2>&1 </dev/null || true; } |
        sed -n 's/^compose.mjs: //p'
}
compose_up() {
    mkfifo "$system_dir/$1.input"
    # shellcheck disable=SC2016 # the words are the inner shell's
    process_start "$system_dir/$1.pid" "$system_dir/$1.log" bash -c 'exec node "$@" <"$0"' "$system_dir/$1.input" \
        "$here/compose.mjs" up "$2" "$system_dir/$1"
    # shellcheck disable=SC2034 # relay_wait reads it
    relay_pid_compose=$process_id
    exec {compose_input}>"$system_dir/$1.input"
}
compose_is() { grep -q "$1" "$system_dir/compose.log" || process_stopped "$system_dir/compose.pid"; }
order() { curl --silent --show-error --fail-with-body --max-time 10 --data "$1" http://api:8080/orders; }
ask_prometheus() { curl --silent --fail --max-time 10 "http://prometheus:9090/api/v1/$1"; }
targets_up() { [[ $(ask_prometheus targets | jq '[.data.activeTargets[] | select(.health == "up")] | length') == 2 ]]; }

system_begin
unset OUTBOX_LISTEN
spoiled=$system_dir/spoiled/deploy/docker
mkdir -p "$spoiled"
cp -r "$docker" "$system_root"/deploy/{example,grafana,prometheus} "$system_dir/spoiled/deploy"
ln -s "$system_root/deploy/emulator" "$system_dir/spoiled/deploy/emulator"
assert_equal "the specification has nothing against it" "" "$(lint "$docker/compose.yaml")"
assert_match "a key that is none would be found" 'depend_on' "$(spoil 's/^    depends_on:/    depend_on:/')"
assert_match "a condition that is none" '/depends_on/postgres/condition must be' "$(spoil 's/service_healthy/service_is_healthy/')"
assert_match "two services on one port" '^127.0.0.1:9465 is published twice' "$(spoil 's/9466:/9465:/')"
home=$(node "$here/compose.mjs" environment "$docker/compose.yaml" grafana | sed -n 's/^GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=//p')
assert_equal "Grafana's first page is a dashboard that it is given" /etc/grafana/dashboards/outbox-relay.json "$home"
assert_equal "which is there" '"outbox-relay"' "$(jq .title "$system_root/deploy/grafana/${home##*/}")"
ip link set lo up
node "$here/compose.mjs" names "$docker/compose.yaml" >"$system_dir/hosts"
mount --bind "$system_dir/hosts" /etc/hosts
while read -r address _; do
    [[ $address == 127.* ]] || ip address add "$address/32" dev lo
done <"$system_dir/hosts"

# PostgreSQL as its image makes it of its environment.
declare "$(node "$here/compose.mjs" environment "$docker/compose.yaml" postgres | grep POSTGRES_DB=)" \
    "$(node "$here/compose.mjs" environment "$docker/compose.yaml" postgres | grep POSTGRES_PASSWORD=)"
PG_FSYNC=off PG_AUTH=password postgres_start "$system_dir/postgres" 5432
sql "alter role postgres password '$POSTGRES_PASSWORD'"
export PGPASSWORD=$POSTGRES_PASSWORD
sql "create database $POSTGRES_DB"
export PGDATABASE=$POSTGRES_DB

export RELAY=$relay
assert_match "a mounted file that is not there would be found" 'ENOENT.*shap.sql' "$(spoil_up 's/shop.sql:/shap.sql:/')"
# shellcheck disable=SC2016 # it is compose that expands
assert_equal "a dollar of the shell that compose takes for its own" 'a variable that nobody sets' \
    "$(spoil_up 's/topic=\$\$(/topic=$(/' | cut -d : -f 1)"
assert_match "a wrong password" '^migrate ended with [1-9]' "$(spoil_up 's/postgres:local@/postgres:wrong@/')"
compose_up compose "$docker/compose.yaml"
wait_for 90 "everything is up" compose_is '^up$'
process_running "$system_dir/compose.pid" || {
    for log in "$system_dir"/compose/*.log; do
        warn "--- ${log##*/}" && tail -n 10 "$log" >&2
    done
    fail "the services did not come up"
}
assert_equal "the order" "migrate migrate-inbox shop relay" \
    "$(sed -n 's/^started //p' "$system_dir/compose.log" | grep -xE 'migrate|migrate-inbox|shop|relay' | xargs)"
order '{"product": "mug", "quantity": 2, "email": "ann@example.com"}' >"$system_dir/order"
order_id=$(jq --raw-output .orderId "$system_dir/order")
wait_for_sql 30 "the order arrives" "select status = 'reserved' from shop.order_view where order_id = '$order_id'"
assert_equal "an order at the API ends in the view" "mug 2 reserved" \
    "$(sql "select product_id, quantity, status from shop.order_view where order_id = '$order_id'" | tr '|' ' ')"
assert_equal "and takes the stock" 1 "$(sql "select stock from shop.product where id = 'mug'")"
assert_equal "each program is its own user" "api consumer relay" \
    "$(sql "select rolname from pg_roles where rolcanlogin and not rolsuper order by 1" | xargs)"
assert_match "the status page is there" '<title>' "$(curl --silent --max-time 10 http://relay:9465/)"
wait_for 30 "Prometheus reads both" targets_up
assert_equal "it has the alert rules" "$(grep -c -- '- alert:' "$system_root/deploy/prometheus/alerts.yml")" \
    "$(ask_prometheus 'rules?type=alert' | jq '[.data.groups[].rules[]] | length')"

exec {compose_input}>&-
relay_wait compose 0
assert_equal "each stops when it is asked to" "relay 0 consumer 0 emulator 0" \
    "$(for name in relay consumer emulator; do sed -n "s/^stopped $name /$name /p" "$system_dir/compose.log"; done | xargs)"

# The configuration of Prometheus by itself: promtool wants the rules where the container has them.
prometheus_check() { sed "s|/etc/prometheus/rules|$system_root/deploy/prometheus|; ${1:-}" "$docker/prometheus.yml" >"$system_dir/prometheus.yml" &&
    promtool check config "$system_dir/prometheus.yml"; }
assert_equal "promtool accepts prometheus.yml" 0 "$(prometheus_check >"$system_dir/promtool.log" 2>&1 && printf 0)"
assert_fails "and would refuse a key that is none" prometheus_check 's/scrape_interval/scrap_interval/'
system_end
