#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The status page of a real relay, in a real browser (tests/page/browser.mjs is who looks at it): it shows what the database
# and the relay tell while that changes, hostile texts as text, asks for nothing else, can be used by everybody, says when
# the relay stops or does not answer, and recovers.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

hostile_reason='"><img src=x onerror="hacked=1"><script>hacked=2</script>'
hostile_aggregate="<b onclick='hacked=3'>'; </script>{{hacked}}"
hostile_client='outbox-relay <iframe src=javascript:hacked=4>'

# look STEP [ARGUMENT...] has the browser take a step, and counts what it finds.
look() {
    local verdict what why IFS=$'\t'
    printf '%s\n' "$*" >&"${browser[1]}"
    while read -r -t 120 -u "${browser[0]}" verdict what why; do
        case $verdict in
            done) return ;;
            ok) assert_passed "$what" ;;
            *) assert_failed "$what" "$why" ;;
        esac
    done
    fail "the browser did not finish the step: $*"
}
browser_path() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
browser_start() {
    local path line=""
    path=$(browser_path) || fail "chromium is missing: install the package chromium"
    coproc browser { exec node "$system_root/tests/page/browser.mjs" "$path" "$system_dir" 2>"$system_dir/browser.log"; }
    # shellcheck disable=SC2154 # coproc sets it
    printf '%s %s\n' "$browser_PID" "$(process_start_time "$browser_PID")" >"$system_dir/browser.pid"
    read -r -t 60 -u "${browser[0]}" line || true
    [[ $line == "done" ]] || fail "the browser did not start"
}

browser_end() {
    local input=${browser[1]}
    exec {input}>&-
    wait_for 20 "the browser ends" process_stopped "$system_dir/browser.pid"
}

# page_of NAME prints where the admin port of relay NAME is.
page_of() {
    wait_for 20 "$1 listens" relay_log "$1" ' listening .*address='
    sed -nE 's/.* listening .*address="?([^" ]+)"?.*/http:\/\/\1/p' "$system_dir/$1.log" | tail -n 1
}

# park ID REASON takes an event that is set for later out of line.
park() { sql "select outbox.park($1, \$reason\$$2\$reason\$)" >/dev/null; }
later() {
    sql "insert into outbox.event (event_type, aggregate_id, data, due_at)
         values ('order.created', \$text\$$1\$text\$, '{}', now() + interval '1 day') returning id"
}

system_begin
assert_equal "numbers and times are written for people" 0 \
    "$(node --test "$system_root/tests/page/format_test.mjs" >"$system_dir/format.log" 2>&1 && printf 0)"
if ! browser_path >/dev/null && grep -qx 'ID=ubuntu' /etc/os-release; then
    say "# no browser here: the page itself is not tested (Ubuntu has no package of one; any Chromium will do)"
    system_end
    exit
fi
npm_install "$system_root/tests/page" "a browser's driver"
system_postgres
system_database events
system_fake
browser_start

relay_start relay OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_SHUTDOWN_TIMEOUT=60s OUTBOX_REQUEST_TIMEOUT=60s
relay_wait_ready relay
url=$(page_of relay)
look open "$url/"
look outbox
look card Parked 0

# What changes is seen, and is text whatever it says.
events_insert 25
events_wait_all_sent 20
look text Topics "$OUTBOX_TOPIC_ARN"
look text Topics 25
look text "Event types" order.created
first=$(later "$hostile_aggregate")
park "$first" "$hostile_reason"
exec {client}> >(PGAPPNAME=$hostile_client psql --no-psqlrc --quiet >"$system_dir/client.log" 2>&1)
printf 'select 1;\n' >&"$client"
wait_for_sql 20 "the client is there" "select count(*) = 1 from pg_stat_activity where application_name like '%iframe%'"
sql "select outbox.pause('$OUTBOX_TOPIC_ARN', 'consumers are being moved')" >/dev/null
look card Parked 1
look text Parked "$hostile_aggregate"
look text Parked "parked by postgres: $hostile_reason"
look text Parked "outbox-relay retry $first"
look text Relays "$hostile_client"
look text Paused "outbox-relay resume $OUTBOX_TOPIC_ARN"
look charts
look accessible
sql "select outbox.resume('$OUTBOX_TOPIC_ARN')" >/dev/null
look keyboard
look calm
look asked "$url"
look guarded
look calm
look text Paused "No topic is paused."
look same_page

# A relay that waits for an answer while it stops, that is gone, and that is back.
fake_fault '{"kind":"stall"}' >/dev/null
events_insert 1
wait_for 20 "a request is under way" sh -c "curl --silent '$fake_url/_fake/stats' | jq --exit-status '.concurrent > 0' >/dev/null"
relay_signal relay TERM
look stopping
relay_kill relay
look silent
fake_clear >/dev/null
relay_start relay OUTBOX_LISTEN="${url#http://}"
look back
wait_for_sql 20 "what was under way is sent" "select count(*) = 0 from outbox.event where sent_at is null and parked_at is null"
look calm
look asked "$url"
relay_stop relay 0

# A consumer's page.
queue_make orders
consumer_start consumer OUTBOX_LISTEN=127.0.0.1:0 OUTBOX_QUEUE_URL="$queue_url" OUTBOX_WAIT_TIME=1s -- --on '**=exec:true'
url=$(page_of consumer)
look open "$url/"
look consumer
look calm
look asked "$url"
relay_stop consumer 0
exec {client}>&-
browser_end
system_end
