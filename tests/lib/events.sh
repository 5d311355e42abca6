# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Events on their way, for system tests: making them, waiting for them, and comparing what the database has committed with
# what the stub (system_stub) has received. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir is set there

# events_insert COUNT inserts events of 100 aggregates in one transaction.
events_insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data)
         select 'order.created', 'order-' || n % 100, json_build_object('n', n) from generate_series(1, $1) n"
}

events_unsent() { sql 'select count(*) from outbox.event where sent_at is null'; }
events_wait_all_sent() { wait_for_sql "$1" "every event is sent" 'select count(*) = 0 from outbox.event where sent_at is null'; }

# messages_count prints how many messages the stub has received, messages_duplicates how many of them it had already.
messages_count() { wc -l <"$system_dir/messages"; }
messages_distinct() { cut -d ' ' -f 2 "$system_dir/messages" | sort -u | wc -l; }
messages_duplicates() { printf '%d\n' $(($(messages_count) - $(messages_distinct))); }
messages_wait() { wait_for "$1" "the stub has $2 messages" messages_at_least "$2"; }
messages_at_least() { (($(messages_count) >= $1)); }

# assert_nothing_lost asserts that the stub has received exactly the committed events, each at least once, and that every
# row is marked.
assert_nothing_lost() {
    events_list
    assert_equal "every committed event is published, and nothing else" "" \
        "$(diff "$system_dir/committed" "$system_dir/published" | head -n 10)"
    assert_equal "every event is marked, with a receipt" 0 "$(events_unmarked)"
}

# assert_table_published NAME asserts that every event of the table has been published and marked. (The stub may have more:
# events that were committed on a server that is gone.)
assert_table_published() {
    events_list
    assert_equal "$1: every event of the table is published" "" \
        "$(comm -23 "$system_dir/committed" "$system_dir/published" | head -n 10)"
    assert_equal "$1: every event is marked" 0 "$(events_unmarked)"
}

events_list() {
    sql 'select event_id from outbox.event' | sort >"$system_dir/committed"
    cut -d ' ' -f 2 "$system_dir/messages" | sort -u >"$system_dir/published"
}
events_unmarked() { sql 'select count(*) from outbox.event where sent_at is null or message_id is null'; }

# assert_marks_match asserts that what the stub has received is what is marked, no more and no less.
assert_marks_match() {
    sql 'select event_id from outbox.event where sent_at is not null' | sort >"$system_dir/marked"
    cut -d ' ' -f 2 "$system_dir/messages" | sort -u >"$system_dir/published"
    assert_equal "$1" "" "$(diff "$system_dir/marked" "$system_dir/published" | head -n 10)"
}

# assert_not_rescued NAME asserts what the relay NAME said when it stopped: its safety net has found nothing.
assert_not_rescued() {
    assert_equal "relay $1 did not need its safety net" rescued=0 \
        "$(sed -nE 's/.* stopped .*(rescued=[0-9]+).*/\1/p' "$system_dir/$1.log" | sort -u)"
}

# relay_log NAME PATTERN is true when the log of relay NAME has a line that matches.
relay_log() { grep -qE -- "$2" "$system_dir/$1.log"; }
relay_wait_ready() { wait_for 20 "relay $1 is ready" relay_log "$1" ' ready( |$)'; }

# events_check [POISON] [killed] judges the run by the fake's log (system_fake) and the table (tests/faults/check.mjs): fails
# the test when an event was lost, published though it was not committed, out of order or again without a reason, or parked
# though its aggregate id does not contain POISON. `killed`: relays were, which is such a reason. events_count NAME prints
# a count.
events_check() {
    local faults=$system_dir/faults poison=${1:-}
    sql "select id, event_id, aggregate_id,
                event_type || case when parked_at is not null and '$poison' <> '' and aggregate_id like '%$poison%' then '.poisoned' else '' end,
                sent_at is not null, parked_at is not null, message_id, coalesce(split_part(outbox.topic_of(event_type), ':', 6), '')
         from outbox.event" >"$system_dir/table"
    : >"$faults"
    [[ ${2:-} != killed ]] || printf '%s\n' '{"t":0,"event":"strike","fault":1,"name":"kill"}' >"$faults"
    checked=$(node "$system_root/tests/faults/check.mjs" "$system_dir/published" "$system_dir/table" "$faults") ||
        fail "the run was wrong: $checked"
    checked=$(sed '/^}$/q' <<<"$checked")
}
events_count() { jq --raw-output ".$1" <<<"$checked"; }
