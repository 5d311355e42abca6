#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong with a topic or with the credentials is nobody's fault among the events: they wait, with the reason in their
# rows and without an attempt counted, other topics go on, and all is sent by itself when the trouble is over.
# TROUBLE_SECONDS is how long each trouble lasts at least (0); meanwhile events of both topics keep coming, and it prints how
# long a thousand of the good topic take.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

arn=arn:aws:sns:us-east-1:000000000000
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$1', 'o-' || n % 100, json_build_object('n', n) from generate_series(1, $2) n"
}
all_sent() { wait_for_sql 60 "every $1 event is sent" "select count(*) = 0 from outbox.event where event_type like '$1.%' and sent_at is null"; }
unsent() { sql "select count(*) from outbox.event where event_type like '$1.%' and sent_at is null"; }
# all_wait TYPE PATTERN: every event of that type waits, for a reason that matches.
all_wait() {
    wait_for_sql 20 "every $1 event waits" "select count(*) = count(last_error) from outbox.event where event_type like '$1.%' and sent_at is null"
    assert_equal "$1 events wait, and say why" "" \
        "$(sql "select distinct last_error from outbox.event where event_type like '$1.%' and sent_at is null and last_error !~ '$2'")"
}
thousand() {
    local before=${EPOCHREALTIME/[.,]/}
    insert good.created 1000
    all_sent good
    say "# $1: a thousand of the good topic took $(((${EPOCHREALTIME/[.,]/} - before) / 1000)) ms"
}
# trouble NAME FAULT PATTERN: 2,000 events of a topic in trouble and as many of a good one.
trouble() {
    local end=$((SECONDS + ${TROUBLE_SECONDS:-0})) bad=2000
    fake_fault "$2" >/dev/null
    insert bad.created 1000
    insert good.created 1000
    insert bad.created 1000
    insert good.created 1000
    all_sent good
    while ((SECONDS < end)); do
        insert bad.created 100
        bad=$((bad + 100))
        thousand "$1"
    done
    all_wait bad "$3"
    assert_equal "$1: the other topic's events are sent meanwhile" "$bad" "$(unsent bad)"
    fake_clear >/dev/null
    all_sent bad
    assert_equal "$1: no attempt is counted, nothing is parked" 0 "$(sql 'select count(*) from outbox.event where attempts > 0 or parked_at is not null')"
    events_check
    assert_equal "$1: nothing is sent twice" 0 "$(events_count duplicates)"
}

system_begin
system_postgres
system_database events
system_fake
relay_start relay OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=500ms
relay_wait_ready relay
sql "select outbox.route('bad.**', '$arn:bad')" >/dev/null
wait_for 20 "the relay has read the route" relay_log relay 'routes read.*routes=1'

thousand "no trouble"
trouble "a topic that is missing" '{"kind":"missing","match":{"topic":"bad"}}' '^SNS: NotFound: '
trouble "a topic that is forbidden" '{"kind":"deny","match":{"topic":"bad"}}' '^SNS: AuthorizationError: '
trouble "a topic whose key is disabled" '{"kind":"kms","code":"KMSDisabled","match":{"topic":"bad"}}' '^SNS: KMSDisabled: '
trouble "a topic that answers with errors" '{"kind":"status","status":500,"match":{"topic":"bad"}}' '^SNS: InternalError: '

sql "select outbox.pause('$arn:bad', 'stocktaking')" >/dev/null
insert bad.created 1000
insert good.created 1000
all_sent good
all_wait bad '^the topic is paused'
assert_equal "a paused topic gets nothing" 1000 "$(unsent bad)"
sql "select outbox.resume('$arn:bad')" >/dev/null
all_sent bad
assert_passed "a resumed one gets what has waited"

fake_fault '{"kind":"expire_token","match":{"accessKeyId":"local"}}' >/dev/null
insert good.created 500
insert bad.created 500
wait_for 20 "the relay says that everything rests" relay_log relay 'everything rests.*ExpiredToken'
assert_equal "with credentials that have expired nothing is sent" 1000 "$(($(unsent good) + $(unsent bad)))"
fake_clear >/dev/null
all_sent good
all_sent bad
assert_equal "all is sent when they are good again, and nobody was blamed" 0 \
    "$(sql 'select count(*) from outbox.event where attempts > 0 or parked_at is not null')"

# A relay that dies while events wait leaves them to the next.
sql "select outbox.pause('$arn:bad')" >/dev/null
insert bad.created 100
all_wait bad '^the topic is paused'
relay_kill relay
sql "select outbox.resume('$arn:bad')" >/dev/null
relay_start next
all_sent bad
assert_passed "what waited when a relay died is sent by the next"
events_check
relay_stop next 0
assert_not_rescued next
system_end
