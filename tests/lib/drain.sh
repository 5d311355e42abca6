# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A relay that publishes what a database has to standard output and ends, for tests of databases that are out of the
# ordinary. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir and relay are set there

# relay_url is role relay in the current database. drain_role [SETTING...] makes that role, or makes it anew in this
# database, with these settings: drain_role "statement_timeout = 1".
relay_url() { printf 'postgresql://relay@127.0.0.1:%s/%s\n' "$PGPORT" "$PGDATABASE"; }
drain_role() {
    local setting
    sql "do \$\$begin if to_regrole('relay') is null then create role relay login in role outbox_relay; end if; end\$\$"
    sql "alter role relay reset all"
    for setting in "$@"; do
        sql "alter role relay set $setting"
    done
}

# drain NAME [VARIABLE=VALUE...] runs it to its end; "$system_dir/NAME.out" has the messages, drain_code is its exit code.
drain() {
    local name=$1
    shift
    drain_code=0
    env --unset=PGOPTIONS DATABASE_URL="$(relay_url)" "$@" timeout 20 "$relay" run --sink stdout --until-empty \
        >"$system_dir/$name.out" 2>"$system_dir/$name.log" || drain_code=$?
}

# assert_drained NAME [VARIABLE=VALUE...] does so and asserts that each committed event was published once, and is marked.
assert_drained() {
    drain "$@"
    jq --raw-output .message.eventId "$system_dir/$1.out" >>"$system_dir/ids of $PGDATABASE"
    sort "$system_dir/ids of $PGDATABASE" >"$system_dir/published"
    sql 'select event_id from outbox.event' | sort >"$system_dir/committed"
    assert_equal "$1: every event is published once and marked" "0 0 " \
        "$drain_code $(sql 'select count(*) from outbox.event where sent_at is null or message_id is null') $(diff "$system_dir/committed" "$system_dir/published" | head -n 5)"
    [[ $drain_code == 0 ]] || tail -n 3 "$system_dir/$1.log" >&2
}

# assert_refused NAME CODE PATTERN asserts that the relay ends with that code and a reason that matches, and publishes nothing.
assert_refused() {
    drain "$1"
    assert_equal "$1: the relay refuses, and publishes nothing" "$2 0" "$drain_code $(wc -l <"$system_dir/$1.out")"
    assert_match "$1: and says why" "$3" "$(<"$system_dir/$1.log")"
}

# insert COUNT adds events, a few of them scheduled for a moment ago.
insert() {
    sql "insert into outbox.event (event_type, aggregate_id, data, due_at)
         select 'order.created', 'order-' || n % 7, json_build_object('n', n), case when n % 10 = 0 then now() end
         from generate_series(1, $1) n"
}
