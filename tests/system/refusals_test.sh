#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What SNS refuses: one bad event among thousands is found and parked with the reason, the others of its batches are sent;
# an event that is refused for a reason unknown is tried again, and parked in the end; what people then do by hand.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

# insert COUNT FIRST inserts events of as many aggregates, o-FIRST and on.
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.created', 'o-' || n, json_build_object('n', n) from generate_series($2, $2 + $1 - 1) n"
}
settled() { wait_for_sql 60 "all is sent or parked" 'select count(*) = 0 from outbox.event where sent_at is null and parked_at is null'; }
parked() { sql "select string_agg(aggregate_id || ' ' || attempts || ' ' || last_error, ', ' order by id) from outbox.event where parked_at is not null"; }

system_begin
system_postgres
system_database events
system_fake
fake_fault '{"kind":"poison","match":{"aggregateId":["o-777","o-778","o-4000"]}}' >/dev/null
relay_start relay OUTBOX_RETRY_BASE=50ms OUTBOX_RETRY_MAX=200ms OUTBOX_MAX_ATTEMPTS=3

insert 10000 1
settled
reason="SNS: InvalidParameter: Invalid parameter: Message Reason: refused"
assert_equal "the culprits are parked, with the reason" "o-777 1 $reason, o-778 1 $reason, o-4000 1 $reason" "$(parked)"
events_check o-
assert_equal "all others are sent" "9997 0" "$(events_count published) $(events_count duplicates)"
say "    the others left within $(sql "select max(sent_at - occurred_at) from outbox.event"), among them the culprits' neighbours within \
$(sql "select max(sent_at - occurred_at) from outbox.event where id between 700 and 850")"

fake_clear >/dev/null
assert_match "outbox.retry takes them back into line" '^3 events will be tried again' \
    "$(sql "select outbox.retry('order.*')")"
settled
assert_equal "and they are sent" 10000 "$(sql 'select count(*) from outbox.event where sent_at is not null')"

fake_fault '{"kind":"poison","code":"TeapotError","match":{"aggregateId":"o-20002"}}' >/dev/null
fake_fault '{"kind":"fail_entry","code":"TeapotError","senderFault":true,"match":{"aggregateId":"o-20003"}}' >/dev/null
fake_fault '{"kind":"fail_entry","code":"InvalidParameter","senderFault":true,"match":{"aggregateId":"o-20004"}}' >/dev/null
fake_fault '{"kind":"fail_entry","code":"InternalError","count":4,"match":{"aggregateId":"o-20005"}}' >/dev/null
insert 10 20001
settled
assert_equal "a refusal nobody knows is an attempt, a known one final; trouble at the other end is neither" \
    "o-20002 3 TeapotError, o-20003 3 TeapotError, o-20004 1 InvalidParameter" \
    "$(sql "select string_agg(aggregate_id || ' ' || attempts || ' ' || split_part(last_error, ': ', 2), ', ' order by id)
            from outbox.event where parked_at is not null")"
assert_equal "what was only in the same batch has no attempts" 0 \
    "$(sql 'select sum(attempts) from outbox.event where parked_at is null')"

# A topic that takes less than the relay thinks: the batch is cut in two until it fits.
fake_clear >/dev/null
fake_control POST topics '{"name":"small","attributes":{"MaximumMessageSize":"2048"}}' >/dev/null
sql "select outbox.route('small.*', 'arn:aws:sns:us-east-1:000000000000:small')" >/dev/null
sql "insert into outbox.event (event_type, aggregate_id, data) select 'small.sent', 's-' || n, json_build_object('x', repeat('x', 500))
     from generate_series(1, 20) n"
sql "insert into outbox.event (event_type, aggregate_id, data) values ('small.sent', 'o-2000-large', json_build_object('x', repeat('x', 3000)))"
settled
assert_equal "what fits is sent" 20 "$(sql "select count(*) from outbox.event where event_type = 'small.sent' and sent_at is not null")"
assert_match "what does not is parked" '^SNS: (InvalidParameter|BatchRequestTooLong): ' \
    "$(sql "select last_error from outbox.event where aggregate_id = 'o-2000-large' and parked_at is not null")"
events_check o-2000
relay_stop relay 0
assert_not_rescued relay
system_end
