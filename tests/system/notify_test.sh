#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a relay and a consumer tell systemd (Type=notify): ready, status, reload, watchdog, stop. A socket of our own stands in
# for systemd's, once at a path and once in the abstract namespace.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

# notify_listen NAME PATH writes what comes to "$system_dir/NAME.told"; told NAME PATTERN is whether a line matches.
notify_listen() {
    process_start "$system_dir/$1-listener.pid" "$system_dir/$1.told" perl "$system_root/tests/lib/notify_listen.pl" "$2"
    wait_for 10 "somebody listens at $2" told "$1" '^listening$'
}
told() { grep --quiet --extended-regexp "$2" "$system_dir/$1.told"; }
wait_told() { wait_for 20 "$1 tells $2" told "$1" "$2" && assert_passed "$1 tells $3"; }

system_begin
system_postgres
system_fake
consume_database events
# The program's children, handlers say, must not speak for it.
script_make handler "env | grep -E '^(NOTIFY_SOCKET|WATCHDOG_)' >>'$system_dir/leaked'; exit 0"

notify_listen relay "$system_dir/notify"
relay_start relay NOTIFY_SOCKET="$system_dir/notify" WATCHDOG_USEC=200000
wait_told relay '^READY=1 \| STATUS=published 0$' "that it is ready"
events_insert 3
events_wait_all_sent 20
wait_told relay '^STATUS=published 3$' "how much it has published"
wait_told relay '^WATCHDOG=1$' "that its loop turns"
relay_signal relay HUP
wait_told relay '^RELOADING=1 \| MONOTONIC_USEC=[0-9]+$' "that it reads its settings again"
wait_told relay '^READY=1$' "that it has"
postgres_stop "$system_dir/postgres" immediate
wait_told relay '^STATUS=published 3, not ready: database: .' "why it is not ready"
system_postgres_again
events_insert 1
wait_told relay '^STATUS=published 4$' "that it is ready again"
relay_stop relay
wait_told relay '^STOPPING=1 \| STATUS=' "that it stops"
assert_equal "it is ready for the first time once" 1 "$(grep --count '^READY=1 |' "$system_dir/relay.told")"

abstract=@outbox-relay-test-$$
queue_make orders
queue_send orders 2
notify_listen consumer "$abstract"
consumer_start consumer NOTIFY_SOCKET="$abstract" WATCHDOG_USEC=200000 WATCHDOG_PID=1 OUTBOX_QUEUE_URL="$queue_url" -- \
    --on "**=exec:$script" --wait-time 200ms
wait_told consumer '^READY=1 ' "that it is ready"
wait_told consumer '^(READY=1 \| )?STATUS=handled 2$' "how much it has handled"
relay_stop consumer
wait_told consumer '^STOPPING=1 \| STATUS=' "that it stops"
assert_equal "another process's watchdog is not fed" 0 "$(grep --count WATCHDOG=1 "$system_dir/consumer.told" || true)"
assert_equal "handlers know nothing of the socket" "" "$(cat "$system_dir/leaked")"

# One that cannot start never says that it is ready.
notify_listen broken "$system_dir/broken"
status=0
env NOTIFY_SOCKET="$system_dir/broken" DATABASE_URL=postgresql://nobody@127.0.0.1:1/none "$relay" run \
    >"$system_dir/broken.log" 2>&1 || status=$?
assert_equal "without a database: exit code, and how often it was ready" "3 0" \
    "$status $(grep --count READY=1 "$system_dir/broken.told" || true)"
system_end
