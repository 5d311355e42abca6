#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The relay without AWS: events as lines of JSON on standard output, until none is left.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

system_begin
system_postgres
system_database events
events_insert 5000
sql "select outbox.publish('user.renamed', E'b\"ob\\\\ \\u00fc', E'{\n\t\"name\": \"B\\u00f6b\", \"n\": 7}', '{\"correlationId\": \"c-1\"}')" \
    >/dev/null
sql "begin; select outbox.publish('user.left', 'bob', '{}'); rollback" >/dev/null

# A reader that is slower than the relay, so that the pipe fills up.
"$relay" run --sink stdout --until-empty 2>"$system_dir/relay.log" |
    jq --compact-output --unbuffered . >"$system_dir/lines"
assert_equal "the exit code is 0" "0 0" "${PIPESTATUS[*]}"
assert_equal "a line for each committed event" 5001 "$(wc -l <"$system_dir/lines")"
jq --raw-output .message.eventId "$system_dir/lines" | sort >"$system_dir/actual"
sql 'select event_id from outbox.event' | sort >"$system_dir/expected"
assert_equal "each once" "" "$(diff "$system_dir/expected" "$system_dir/actual" | head -n 10)"
assert_equal "in order" true \
    "$(jq --slurp 'map(.message.sequence) | . == sort' "$system_dir/lines")"
assert_equal "with the message as documented" \
    '[null,"user.renamed","b\"ob\\ ü",{"name":"Böb","n":7},{"correlationId":"c-1"}]' \
    "$(jq --compact-output 'select(.message.eventType == "user.renamed")
        | [.topic, .attributes["event-type"], .message.aggregateId, .message.data, .message.metadata]' "$system_dir/lines")"
assert_equal "and its attributes" \
    '["aggregate-id","correlation-id","event-id","event-type","event-version"]' \
    "$(jq --compact-output 'select(.message.eventType == "user.renamed") | .attributes | keys' "$system_dir/lines")"
assert_equal "every event is marked" 5001 "$(sql "select count(*) from outbox.event where message_id = 'stdout' and sent_at is not null")"

"$relay" run --sink stdout --until-empty >"$system_dir/again" 2>>"$system_dir/relay.log"
assert_equal "nothing is printed a second time" 0 "$(wc -c <"$system_dir/again")"

sql "select outbox.publish('user.joined', 'eve', '{}')" >/dev/null
status=0
timeout --signal=KILL 10 "$relay" run --sink stdout --until-empty >&- 2>"$system_dir/closed.log" || status=$?
assert_equal "a closed output is refused" 2 "$status"
assert_match "with the reason" 'standard output is closed' "$(<"$system_dir/closed.log")"
assert_equal "and the event is kept" 1 "$(events_unsent)"
system_end
