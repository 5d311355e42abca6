# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Handlers in SQL without a queue in front of them, for system tests: tests/lib/sql_driver.c is fed with events and says
# what has become of each. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir and relay_build are set there

# inbox_create makes schema inbox.
inbox_create() {
    "$relay" migrate up --inbox >"$system_dir/migrate.log" 2>&1 || fail "migrate up --inbox failed"
}

# event_id NUMBER prints the id of an event, events NUMBER... the events themselves, whose data has the number as n.
event_id() { printf '00000000-0000-4000-8000-%012d\n' "$1"; }
events() {
    local n
    for n in "$@"; do
        printf '{"eventId":"00000000-0000-4000-8000-%012d","eventType":"order.created","data":{"n":%d}}\n' "$n" "$n"
    done
}

# driver_run NAME [VARIABLE=VALUE...] -- FUNCTION... runs what comes on standard input to its end; one word and the event's
# number, for each event in order, are in "$system_dir/NAME.out" then, and all that was said in NAME.said and NAME.log.
# driver_begin does the same in the background, and driver_end NAME waits for the end.
driver_run() {
    driver_begin "$@"
    driver_end "$1"
}
driver_begin() {
    local name=$1 settings=()
    shift
    while [[ $1 != -- ]]; do
        settings+=("$1")
        shift
    done
    shift
    cat >"$system_dir/$name.in"
    env "${settings[@]}" "$relay_build/tests/sql_driver" --all "$@" \
        <"$system_dir/$name.in" >"$system_dir/$name.said" 2>"$system_dir/$name.log" &
    printf -v "driver_pid_$name" '%s' $!
}
# shellcheck disable=SC2034 # driver_code is for the test
driver_end() {
    local variable=driver_pid_$1
    driver_code=0
    wait "${!variable}" || driver_code=$?
    ! grep -E 'Sanitizer|runtime error' "$system_dir/$1.log" || fail "the driver $1 is defective"
    driver_sort "$1"
}
driver_sort() {
    sed -nE 's/^(done|repeated|failed|outage|let_go) 00000000-0000-4000-8000-0*([0-9]+).*/\2 \1/p' "$system_dir/$1.said" |
        sort -n >"$system_dir/$1.out"
}

# driver_open NAME [VARIABLE=VALUE...] -- FUNCTION... starts one that is fed piece by piece: driver_feed NAME, with events on
# standard input; driver_close NAME ends it.
driver_open() {
    local name=$1 settings=() feed
    shift
    while [[ $1 != -- ]]; do
        settings+=("$1")
        shift
    done
    shift
    mkfifo "$system_dir/$name.fifo"
    env "${settings[@]}" "$relay_build/tests/sql_driver" "$@" \
        <"$system_dir/$name.fifo" >"$system_dir/$name.said" 2>"$system_dir/$name.log" &
    printf -v "driver_pid_$name" '%s' $!
    exec {feed}>"$system_dir/$name.fifo"
    printf -v "driver_feed_$name" '%s' "$feed"
}
driver_feed() {
    local variable=driver_feed_$1
    cat >&"${!variable}"
}
driver_close() {
    say end | driver_feed "$1" # (servers that were started meanwhile may have inherited the other end)
    driver_end "$1"
}

# driver_wait NAME SECONDS PATTERN waits for a line that matches.
driver_wait() { wait_for "$2" "driver $1 says $3" grep -qE -- "$3" "$system_dir/$1.said"; }

# outcomes NAME [NUMBER...] prints how many events have had each outcome, or the outcome of these: "done failed".
outcomes() {
    local name=$1 n
    shift
    if (($# == 0)); then
        cut -d ' ' -f 2 "$system_dir/$name.out" | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd ' ' -
        return
    fi
    for n in "$@"; do
        sed -nE "s/^$n //p" "$system_dir/$name.out"
    done | paste -sd ' ' -
}
