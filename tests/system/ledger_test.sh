#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay loses the database while an ordered event is under way, another relay takes its turn meanwhile and makes a later
# event wait behind it: the first one marks what it has sent only when that turn is over, so that it lets go of what waits.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"

ordered_lock="pg_locks where locktype = 'advisory' and classid = 1869968482 and objid = 4"

# turn_of_another takes the ordered lock when the relay's sessions are ended, and ends as soon as somebody waits for it or
# has not waited.
turn_of_another() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 >"$system_dir/turn.log" 2>&1 <<'END'
select pg_advisory_lock(1869968482, 4) from (select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name in ('outbox-relay', 'outbox-relay claim')) t;
do $$
begin
    while not exists (select from pg_locks where locktype = 'advisory' and classid = 1869968482 and objid = 4 and not granted)
          and not exists (select from outbox.event where sent_at is not null) loop
        perform pg_sleep(0.01);
    end loop;
end $$;
\! sleep 0.3 # (time for the walk of a relay that has not waited)
insert into outbox.event (event_type, aggregate_id, data, due_at, last_error)
values ('order.moved', 'o', '{"n": 2}', 'infinity', 'waits for an earlier event of its aggregate');
select pg_advisory_unlock(1869968482, 4);
END
}

system_begin
system_postgres
system_database events
system_fake
sql "select outbox.route('order.**', 'arn:aws:sns:us-east-1:000000000000:orders.fifo')" >/dev/null
relay_start one
relay_wait_ready one
fake_fault '{"kind":"delay","ms":1500,"count":1}' >/dev/null
sql "insert into outbox.event (event_type, aggregate_id, data) values ('order.moved', 'o', '{\"n\": 1}')"
wait_for_sql 10 "it is under way" "select exists (select from $ordered_lock and granted)"
turn_of_another
wait_for_sql 10 "what has waited behind it is sent" 'select count(*) = 2 from outbox.event where sent_at is not null'
events_check "" killed
assert_equal "in order, each once" "2 0 0" "$(events_count published) $(events_count disordered) $(events_count deduplicated)"
assert_match "the relay was cut off" 'marked events that were sent before the connection was lost.*events=1' "$(<"$system_dir/one.log")"
relay_stop one 0
system_end
