#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every event is delivered twice and out of order, while consumers and sessions of the database are killed at random: each
# has its effect in SQL exactly once, and is posted to an application at least once, repeats under the same key.
# CONSUME_EVENTS is how many events (2000), CONSUME_SEED where the chances begin.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

events=${CONSUME_EVENTS:-2000} seed=${CONSUME_SEED:-1}
names=(one two three four)
consumers=0 backends=0
settings=(OUTBOX_RETRY_BASE=1ms OUTBOX_RETRY_MAX=1ms OUTBOX_VISIBILITY_TIMEOUT=2s OUTBOX_WAIT_TIME=1s OUTBOX_CONCURRENCY=50)

start() { consumer_start "$1" "${settings[@]}" -- --queue-url "$queue_url" --consumer shop --on 'order.created=sql:shop.take' \
    --on "order.created=http:$application"; }

# strike kills a consumer, or the session of one, after which the whole server starts again.
strike() {
    local name backend
    if ((RANDOM % 2 > 0)); then
        name=${names[RANDOM % ${#names[@]}]}
        relay_kill "$name" >"$system_dir/kill.log" 2>&1
        start "$name"
        consumers=$((consumers + 1))
        return
    fi
    backend=$(sql "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1" 2>/dev/null) || return 0
    if [[ $backend ]] && kill -KILL "$backend" 2>/dev/null; then
        backends=$((backends + 1))
        wait_until 20 sql 'select 1' >/dev/null 2>&1 || fail "the database does not come back"
    fi
}

effects() { sql 'select count(*) from shop.seen' 2>/dev/null || printf '0\n'; }
done_by() { (($(effects) >= $1)); }

system_begin
system_postgres
consume_database events
system_fake
queue_make work
queue_send work "$events" --copies 2 --seed "$seed"
process_start "$system_dir/application.pid" "$system_dir/application.log" \
    node "$system_root/tests/lib/handler.mjs" "$system_dir/posted"
wait_for 10 "the application listens" grep -q '^listening on ' "$system_dir/application.log"
application=http://127.0.0.1:$(sed -n 's/^listening on //p' "$system_dir/application.log")/
RANDOM=$seed
for name in "${names[@]}"; do start "$name"; done
for ((strikes = 1; strikes <= 12; strikes++)); do
    # Between strikes some events are handled.
    wait_until 5 done_by $((strikes * events / 16)) || true
    strike
done
wait_for 120 "every event has its effect" done_by "$events"
wait_for 60 "the queue is empty" queue_has work "0 0"
say "# killed: $consumers consumers, $backends sessions"
assert_equal "consumers and sessions were killed" yes "$( ((consumers > 0 && backends > 0)) && say yes)"
assert_equal "each event has its effect exactly once" "$events $events" \
    "$(sql 'select count(*) || $$ $$ || count(distinct event_id) from shop.seen')"
assert_equal "each is posted at least once, and always under its own id" "$events 0" \
    "$(jq --slurp --raw-output '"\([.[].id] | unique | length) \([.[] | select(.key != .id)] | length)"' "$system_dir/posted")"
say "# $(wc -l <"$system_dir/posted") posts of $events events, each sent twice"
for name in "${names[@]}"; do relay_stop "$name" 0; done
system_end
