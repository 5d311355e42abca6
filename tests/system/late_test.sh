#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A FIFO topic that does not answer holds up nobody else: the turn of ordered events ends without it, its events wait in the
# database until its requests have ended, and keep their order. One that answers late is marked when it does, and gets
# nothing twice.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

settings=(OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=500ms OUTBOX_REQUEST_TIMEOUT=60s)
arn=arn:aws:sns:us-east-1:000000000000
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select '$1.moved', '$1-' || n % 20, json_build_object('n', n) from generate_series(1, $2) n"
}
all_sent() { wait_for_sql "${2:-20}" "every $1 event is sent" "select count(*) = 0 from outbox.event where event_type = '$1.moved' and sent_at is null"; }
unsent() { sql "select count(*) from outbox.event where event_type = '$1.moved' and sent_at is null"; }

system_begin
system_postgres
system_database events
system_fake
for topic in silent fine; do sql "select outbox.route('$topic.**', '$arn:$topic.fifo')" >/dev/null; done
relay_start one "${settings[@]}"
relay_wait_ready one

# Its requests would end after a minute only, so whatever is sent of the other one is sent while they are under way.
fake_fault '{"kind":"stall","match":{"topic":"silent.fifo"}}' >/dev/null
insert silent 3000
insert fine 2000
all_sent fine
assert_equal "the other topic's events are sent, none of the silent one" 3000 "$(unsent silent)"
wait_for_sql 20 "what is under way is put off, and says why" \
    "select count(*) > 0 from outbox.event where event_type = 'silent.moved' and last_error like 'SNS has not answered yet%' and due_at > now()"
insert fine 2000
insert silent 20
all_sent fine
assert_equal "a second time at once" 3020 "$(unsent silent)"
assert_equal "what was not under way is not written to" 0 \
    "$(sql "select count(*) from outbox.event where last_error is not null and last_error not like 'SNS has not answered yet%'")"

# The relay dies: another goes on with all of it, when the requests of the first would have ended.
fake_clear >/dev/null
relay_kill one
sql "update outbox.event set due_at = now() where due_at > now()" >/dev/null
relay_start two "${settings[@]}"
all_sent silent 60

# A topic that answers, but late.
fake_fault '{"kind":"delay","ms":2500,"count":20,"match":{"topic":"silent.fifo"}}' >/dev/null
insert silent 100
insert fine 500
all_sent fine
all_sent silent 120
events_check "" killed
assert_equal "each aggregate in order" 0 "$(events_count disordered)"
assert_equal "no attempt is counted, nothing is parked" 0 \
    "$(sql "select count(*) from outbox.event where attempts > 0 or parked_at is not null")"
repeats=$(events_count deduplicated)

# And one whose answers come after the relay was told to stop: it waits for them.
fake_fault '{"kind":"delay","ms":2500,"match":{"topic":"silent.fifo"}}' >/dev/null
insert silent 20
wait_for_sql 20 "they are under way" "select count(*) = 20 from outbox.event where last_error like 'SNS has not answered yet%' and sent_at is null"
relay_stop two 0
assert_equal "all of them are marked" 0 "$(unsent silent)"
events_check "" killed
assert_equal "nothing was sent twice since" "$repeats" "$(events_count deduplicated)"
system_end
