#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Events that others have locked are left to them, hold up nothing, and are published when the locks are gone: also where
# several share a lock, whose number (a multixact's) then looks like that of a transaction that has not begun yet.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/sessions.sh
source "${BASH_SOURCE[0]%/*}/../lib/sessions.sh"

# next_multixact NUMBER gives the next one that number, far above that of the next transaction.
next_multixact() {
    local data=$system_dir/postgres/data file
    postgres_stop "$system_dir/postgres"
    as_postgres "$system_dir/postgres" pg_resetwal --multixact-ids "$1,$1" --pgdata "$data" >/dev/null
    file=$data/pg_multixact/offsets/$(printf '%04X' $(($1 / 65536)))
    truncate --size 262144 "$file" # as the server would have made it on the way there
    chown --reference="$data/PG_VERSION" "$file"
    system_postgres_again
}

system_begin
system_postgres
system_database events
system_stub

events_insert 100
session_begin holder 'select from outbox.event where id % 2 = 0 for no key update'
relay_start relay
wait_for_sql 20 "what is not locked is sent" 'select count(*) = 50 from outbox.event where sent_at is not null'
events_insert 50
wait_for_sql 20 "so is what comes later" 'select count(*) = 100 from outbox.event where sent_at is not null'
assert_equal "what is locked is not" 50 "$(sql 'select count(*) from outbox.event where id % 2 = 0 and id <= 100 and sent_at is null')"
session_end holder commit
events_wait_all_sent 20
assert_equal "once" 0 "$(messages_duplicates)"

relay_stop relay 0

for number in 32768 1048576; do
    next_multixact "$number"
    events_insert 20
    session_begin "one$number" 'select from outbox.event where sent_at is null for share'
    session_begin "two$number" 'select from outbox.event where sent_at is null for share'
    session_end "one$number" commit
    session_end "two$number" rollback
    assert_equal "several have shared a lock" t \
        "$(sql "select bool_and(xmax::text::bigint >= $number) from outbox.event where sent_at is null")"
    relay_start "after$number"
    events_wait_all_sent 20
    events_insert 20
    events_wait_all_sent 20
    relay_stop "after$number" 0
done
assert_nothing_lost
assert_equal "and nothing is published twice" 0 "$(messages_duplicates)"
system_end
