#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The admin port of relay and consumer: what each path answers, and to whom; readiness while the database or AWS is gone
# and while the program stops; clients that hold on to their connections; healthcheck.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

# admin_listens NAME waits for the address of that program's admin port, and sets admin to it.
admin_listens() {
    wait_for 20 "$1 listens" relay_log "$1" ' listening address='
    admin=$(sed -n 's/.* listening address=//p' "$system_dir/$1.log")
}
# ask PATH [OPTION...] prints the answer; status_of the status alone; headers_of the head.
ask() { curl --silent --max-time 5 "${@:2}" "http://$admin$1"; }
status_of() { ask "$1" --output /dev/null --write-out '%{http_code}' "${@:2}" || true; }
headers_of() { ask "$1" --dump-header - --output /dev/null "${@:2}" | tr -d '\r'; }
has_status() { [[ $(status_of "$1") == "$2" ]]; }
# health [OPTION...] runs healthcheck and prints its exit code and all that it says, in one line.
health() {
    local code=0
    output=$("$relay" healthcheck --listen "$admin" "$@" 2>&1) || code=$?
    printf '%s %s\n' "$code" "${output//$'\n'/ | }"
}
request_under_way() { fake_stats | jq --exit-status '.concurrent > 0' >/dev/null; }

system_begin
system_postgres
consume_database events
system_fake

assert_equal "healthcheck without anybody: exit code 7" 7 "$(admin=127.0.0.1:1 health | cut -d ' ' -f 1)"
assert_match "healthcheck of no port is a mistake, and says so" \
    '^2 .*OUTBOX_LISTEN \(--listen\) is "off".*the same address with a port' "$(admin=off health)"

# Each path, and who may ask.
relay_start relay OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_RETRY_BASE=200ms OUTBOX_RETRY_MAX=400ms
relay_wait_ready relay
admin_listens relay
assert_equal "/livez" "200 ok" "$(status_of /livez) $(ask /livez)"
assert_equal "/readyz" "200 ok" "$(status_of /readyz) $(ask /readyz)"
assert_equal "/readyz?verbose has a line for each check" "[+]database ok [+]sns ok ok" "$(ask '/readyz?verbose' | xargs)"
assert_match "/metrics is for Prometheus" $'\nContent-Type: text/plain; version=0.0.4; charset=utf-8\n' "$(headers_of /metrics)"
assert_equal "it has the version and readiness" 2 \
    "$(ask /metrics | grep -cE '^outbox_relay_(ready|build_info\{version="[0-9.]+"\}) 1$')"
head=$(headers_of /livez)
for header in 'X-Content-Type-Options: nosniff' 'Cache-Control: no-store' 'Connection: close' \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"; do
    assert_match "every answer says $header" $'\n'"$header"$'\n' "$head"$'\n'
done
assert_equal "and not who serves it" "" "$(grep -i '^server:' <<<"$head")"
assert_equal "HEAD is answered like GET, without a body" "200 3 0" \
    "$(ask /livez --head --output /dev/null --write-out '%{http_code} %header{content-length} %{size_download}')"
assert_equal "another method is refused" "405 GET, HEAD" \
    "$(status_of /livez --data x) $(headers_of /livez --request DELETE | sed -n 's/^Allow: //p')"
assert_equal "a body that does not come is not waited for" 405 "$(status_of /livez --request POST --header 'Content-Length: 3000000')"
assert_equal "a path that is none: 404, with those that are" "404 3" \
    "$(status_of /healthz) $(ask /healthz | grep -cE '^  /(livez|readyz|metrics) ')"
assert_equal "a page of another site is refused" "403 403" \
    "$(status_of /metrics --header 'Host: evil.example') $(status_of /livez --header "Host: evil.example:${admin##*:}")"
assert_equal "localhost is not" 200 "$(status_of /livez --header "Host: localhost:${admin##*:}")"
assert_equal "a head without an end is refused" 431 "$(status_of /livez --header "X: $(head --bytes 60000 /dev/zero | tr '\0' x)")"
assert_equal "healthcheck" "0 ok, 0 ok" "$(health), $(health --ready)"

# A second one at the same address.
relay_start second OUTBOX_LISTEN="$admin"
relay_wait second 2
assert_match "whoever comes second ends, and says what to set" \
    "the admin port cannot listen at $admin: .*perhaps another relay.* set OUTBOX_LISTEN \(--listen\)" \
    "$(cat "$system_dir/second.log")"

# A topic that rests; and the database gone and back.
fake_fault '{"kind":"missing"}' >/dev/null
events_insert 1
wait_for 10 "it is not ready when no topic takes anything" has_status /readyz 503
assert_match "and says so" '^\[-\]sns: 1 of 1 topics rests: events: .*NotFound' "$(ask /readyz)"
fake_clear >/dev/null
wait_for 20 "it is ready again" has_status /readyz 200
events_wait_all_sent 10
postgres_stop "$system_dir/postgres" immediate
wait_for 10 "it is not ready without its database" has_status /readyz 503
assert_match "and says since when and why" '\[-\]database: lost [0-9]+ s ago, connecting again: .+' "$(ask '/readyz?verbose')"
assert_equal "but it lives" "200 0 ok" "$(status_of /livez) $(health)"
assert_match "healthcheck --ready prints what is not good" '^8 \[-\]database: lost .* \| outbox-relay: not ready$' "$(health --ready)"
assert_equal "the metric says it as well" 1 "$(ask /metrics | grep -c '^outbox_relay_ready 0$')"
system_postgres_again
wait_for 20 "it is ready by itself when the database is back" has_status /readyz 200

# Clients that hold on to their connections, hundreds for 32 places; then such that come back whenever they are closed,
# 1,500 times a second. Among those one may be cut before it has asked, so a probe asks again.
# slow_clients [BACK_MS]
slow_clients() {
    rm -f "$system_dir/slow.log"
    process_start "$system_dir/slow.pid" "$system_dir/slow.log" \
        node "$system_root/tests/lib/slow_clients.mjs" "${admin##*:}" 300 "$@"
    wait_for 10 "all slow clients are there" grep -q 'all are there' "$system_dir/slow.log"
}
slow_clients
for ((n = 0; n < 10; n++)); do
    status_of /livez
    printf '\n'
done >"$system_dir/statuses"
assert_equal "whoever comes last is answered" "10 200" "$(sort "$system_dir/statuses" | uniq -c | xargs)"
wait_for 10 "room is made by closing the oldest" grep -q closed "$system_dir/slow.log"
process_stop "$system_dir/slow.pid"
slow_clients 200
wait_for 10 "whoever asks again is answered" has_status /livez 200
events_insert 50
events_wait_all_sent 10
process_stop "$system_dir/slow.pid"

# Stopping, with a request under way.
fake_fault '{"kind":"delay","ms":4000,"count":1}' >/dev/null
events_insert 1
wait_for 10 "a request is under way" request_under_way
relay_signal relay TERM
wait_for 3 "it is not ready while it stops" has_status /readyz 503
assert_match "and says so, and still lives" '^\[-\]stopping: what is under way is being finished 200$' \
    "$(ask /readyz) $(status_of /livez)"
relay_wait relay 0
assert_equal "nothing is left" 0 "$(events_unsent)"

# Behind handlers, at all addresses; the consumer.
relay_start bus OUTBOX_LISTEN=:0 -- --sink handlers --on '**=exec:true'
relay_wait_ready bus
admin_listens bus
wait_for 5 "it says that it is open to the network" relay_log bus 'open to the network'
admin=127.0.0.1:${admin##*:}
assert_equal "the checks of run --sink handlers" "[+]database ok [+]handlers ok ok" "$(ask '/readyz?verbose' | xargs)"
assert_equal "any name will do there" 200 "$(status_of /livez --header 'Host: relay.example')"
relay_stop bus 0

queue_make orders
loopback='[::1]:0'
grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || loopback=localhost:0 # a machine without IPv6
consumer_start consumer OUTBOX_LISTEN="$loopback" -- --queue-url "$queue_url" --on '**=sql:shop.take' --wait-time 0
relay_wait_ready consumer
admin_listens consumer
assert_equal "the checks of consume" "[+]sqs ok [+]handlers ok ok" "$(ask '/readyz?verbose' | xargs)"
assert_equal "its metrics are others" "1 0" \
    "$(ask /metrics | grep -c '^outbox_relay_received_messages_total') $(ask /metrics | grep -c '^outbox_relay_published_total' || true)"
assert_equal "healthcheck of a consumer" "0 ok, 0 ok" "$(health), $(health --ready)"
fake_fault '{"kind":"status","match":{"action":"ReceiveMessage"}}' >/dev/null
wait_for 20 "it is not ready when it cannot receive" has_status /readyz 503
assert_match "and says so" '^\[-\]sqs: the queue cannot be used for [0-9]+ s: ' "$(ask /readyz)"
fake_clear >/dev/null
wait_for 20 "and ready again when it can" has_status /readyz 200
postgres_stop "$system_dir/postgres" immediate
wait_for 10 "it is not ready without its handlers' database" has_status /readyz 503
assert_match "and says so" '^\[-\]handlers: the database of the sql: handlers: ' "$(ask /readyz)"
assert_equal "but it lives" 200 "$(status_of /livez)"
relay_stop consumer 0
system_end
