# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a system test (tests/system/*_test.sh) stands on: real servers, the real program, assertions, and a clean end. A
# test reads
#
#     source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
#     system_begin
#     system_postgres
#     system_database events
#     system_emulator
#     …
#     system_end
#
# RELAY_BUILD is the build folder whose program is tested (build/debug). Everything a test makes is in system_dir, and
# is stopped and removed when the script ends, however it ends; when it failed, the logs' ends are printed.
set -euo pipefail

system_root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
relay_build=${RELAY_BUILD:-$system_root/build/debug}
relay=$relay_build/outbox-relay
# shellcheck source=../../deploy/lib/common.sh
source "$system_root/deploy/lib/common.sh"
# shellcheck source=../../deploy/lib/postgres.sh
source "$system_root/deploy/lib/postgres.sh"
# shellcheck source=../../deploy/lib/emulator.sh
source "$system_root/deploy/lib/emulator.sh"

# system_begin makes system_dir and forgets every setting of the caller that could leak into the test.
system_begin() {
    local name
    passed=0 failed=0
    for name in $(compgen -e | grep -E '^(OUTBOX_|PG[A-Z]+$|DATABASE_URL$)' || true); do
        unset "$name"
    done
    export OUTBOX_LISTEN=off # tests run beside each other; who tests the admin port takes a free one
    emulator_alone
    [[ -x $relay ]] || fail "$relay is missing: build it first (tests/run.sh does)"
    system_dir=$(mktemp -d)
    chmod 711 "$system_dir"
    trap 'system_clean $?' EXIT
    trap 'exit 130' INT TERM
}

# system_end prints the count and sets the exit code. The last line of a test.
system_end() {
    say "$passed passed, $failed failed"
    ((failed == 0 && passed > 0)) || exit 1
}

system_clean() {
    local status=$1 pid_file log server
    trap - EXIT
    for pid_file in "$system_dir"/*.pid; do
        [[ -e $pid_file ]] && process_stop "$pid_file" 5
    done
    for server in "$system_dir"/*/data; do
        [[ -e $server ]] && postgres_stop "${server%/data}" immediate
    done
    if ((status != 0)); then
        for log in "$system_dir"/*.log "$system_dir"/*/postgres.log; do
            [[ -s $log ]] && warn "--- ${log##*/}" && tail -n 30 "$log" >&2
        done
    fi
    rm -rf "$system_dir"
    exit "$status"
}

# system_postgres starts a fresh server (PG_FSYNC, PG_OPTIONS: see deploy/lib/postgres.sh). postgres_stop
# "$system_dir/postgres" [immediate] stops it, and system_postgres_again starts it again: same port, same data.
system_postgres() { PG_FSYNC=${PG_FSYNC:-off} postgres_start "$system_dir/postgres"; }
system_postgres_again() {
    local database=$PGDATABASE
    PG_FSYNC=${PG_FSYNC:-off} postgres_start "$system_dir/postgres" "$PGPORT"
    export PGDATABASE=$database
}

# system_database NAME makes an empty database, the one that sql and the relay use from now on, with schema outbox.
system_database() {
    system_empty_database "$1"
    "$relay" migrate up >"$system_dir/migrate.log" 2>&1 || fail "migrate up failed on database $1"
}
system_empty_database() {
    PGOPTIONS="-c client_min_messages=warning" PGDATABASE=postgres sql "drop database if exists $1 with (force)"
    PGDATABASE=postgres sql "create database $1"
    export PGDATABASE=$1
}

# sql STATEMENT prints the rows, without headings, columns separated by |.
sql() { psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --command "$1"; }

# system_emulator starts the SNS and SQS emulator; emulator_aws talks to it.
system_emulator() { emulator_start 0 "$system_dir"; }

# system_stub [ARGUMENT...] starts tests/bench/stub.c instead (a second time: again, on the same port), points the relay
# at it and sets stub_url; process_stop "$system_dir/stub.pid" stops it. stub_stats prints its figures, and
# "$system_dir/messages" has a line "MICROSECONDS EVENT_ID" for each message.
system_stub() {
    local log=$system_dir/stub.log
    process_stop "$system_dir/stub.pid"
    : >"$log"
    process_start "$system_dir/stub.pid" "$log" "$relay_build/tests/bench_stub" "${stub_port:-0}" \
        --log "$system_dir/messages" "$@"
    wait_until 10 grep -q '^listening on ' "$log" || fail "bench_stub did not start"
    stub_port=$(sed -n 's/^listening on .*://p' "$log")
    stub_url=http://127.0.0.1:$stub_port
    export AWS_ENDPOINT_URL=$stub_url AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    export OUTBOX_TOPIC_ARN=${OUTBOX_TOPIC_ARN:-arn:aws:sns:us-east-1:000000000000:events}
}
stub_stats() { curl --silent --fail --max-time 10 "$stub_url/stats"; }

# system_fake [ARGUMENT...] starts tests/fake/server.mjs, the strict fake of SNS and SQS that goes wrong on demand (a
# second time: again, on the same port), points the relay at it and sets fake_url; process_stop "$system_dir/fake.pid"
# stops it. Topics are there as soon as they are published to; with FAKE_TOPICS=made only those that were made.
# "$system_dir/published" has a line of JSON for each accepted message.
system_fake() {
    local log=$system_dir/fake.log auto=(--auto-topics)
    [[ ${FAKE_TOPICS:-} != made ]] || auto=()
    process_stop "$system_dir/fake.pid"
    : >"$log"
    process_start "$system_dir/fake.pid" "$log" node "$system_root/tests/fake/server.mjs" --port "${fake_port:-0}" \
        --log "$system_dir/published" "${auto[@]}" "$@"
    wait_until 10 grep -q '^listening on ' "$log" || fail "the fake did not start"
    fake_port=$(sed -n 's/^listening on .*://p' "$log")
    fake_url=http://127.0.0.1:$fake_port
    export AWS_ENDPOINT_URL=$fake_url AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    export OUTBOX_TOPIC_ARN=${OUTBOX_TOPIC_ARN:-arn:aws:sns:us-east-1:000000000000:events}
}

# fake_fault JSON adds a rule and prints {"id":…}, fake_clear [ID] removes one or all, fake_advance MS moves the clock
# of deduplication and visibility, fake_stats prints what the fake has counted. tests/fake/README.md has the rules.
fake_fault() { fake_control POST faults "$1"; }
fake_clear() { fake_control DELETE "faults${1:+/$1}"; }
fake_advance() { fake_control POST clock "{\"advance_ms\": $1}"; }
fake_stats() { fake_control GET stats; }
# fake_call SERVICE ACTION JSON calls SNS or SQS there: see fake_call.mjs.
fake_call() { node "$system_root/tests/lib/fake_call.mjs" "$fake_port" "$@"; }
fake_control() {
    curl --silent --show-error --fail-with-body --max-time 10 --request "$1" ${3:+--data "$3"} "$fake_url/_fake/$2"
}

# system_queue NAME [envelope|raw] makes topic and queue NAME, subscribes one to the other, and sets topic_arn and
# queue_url. A name that ends in .fifo makes them FIFO.
system_queue() {
    topic_arn=$(emulator_aws create-topic "$1")
    queue_url=$(emulator_aws create-queue "$1")
    emulator_aws subscribe "$topic_arn" "$queue_url" "${2:-envelope}" >/dev/null
}

# queue_drain QUEUE_URL FILE COUNT [SECONDS] takes COUNT messages, fewer when none comes for SECONDS (5), and writes
# them as lines of JSON.
queue_drain() { emulator_aws receive "$1" "$3" "${4:-5}" >"$2"; }

# relay_start NAME [VARIABLE=VALUE...] [-- ARGUMENT...] runs a relay in the background; NAME names its log,
# "$system_dir/NAME.log".
relay_start() {
    local name=$1 settings=()
    shift
    while (($#)) && [[ $1 != -- ]]; do
        settings+=("$1")
        shift
    done
    (($# == 0)) || shift
    process_start "$system_dir/$name.pid" "$system_dir/$name.log" env "${settings[@]}" "$relay" "${relay_command:-run}" "$@"
    printf -v "relay_pid_$name" '%s' "$process_id"
}

# consumer_start NAME [VARIABLE=VALUE...] [-- ARGUMENT...] runs `consume` instead; all that is said of relays below
# goes for it as well.
consumer_start() { relay_command=consume relay_start "$@"; }

# relay_signal NAME SIGNAL sends it; relay_wait NAME CODE [SECONDS] waits for the end and asserts the exit code (143 is
# SIGTERM, 137 SIGKILL). relay_stop NAME [CODE] does both, with SIGTERM; relay_kill NAME with SIGKILL.
relay_signal() { kill -s "$2" "$(relay_pid "$1")"; }
relay_wait() {
    local name=$1 code=$2 seconds=${3:-30} actual=0
    wait_until "$seconds" process_stopped "$system_dir/$name.pid" || fail "relay $name still runs after $seconds s"
    wait "$(relay_pid "$name")" 2>/dev/null || actual=$?
    rm -f "$system_dir/$name.pid"
    assert_equal "exit code of relay $name" "$code" "$actual"
}
relay_stop() {
    relay_signal "$1" TERM
    relay_wait "$1" "${2:-0}"
}
relay_kill() {
    relay_signal "$1" KILL
    relay_wait "$1" 137
}
relay_pid() {
    local variable=relay_pid_$1
    printf '%s\n' "${!variable}"
}

# wait_for SECONDS WHAT COMMAND... and wait_for_sql SECONDS WHAT STATEMENT wait until the command succeeds, or the
# statement answers true; the test fails when that takes longer.
wait_for() {
    local seconds=$1 what=$2
    shift 2
    wait_until "$seconds" "$@" || fail "gave up after $seconds s: $what"
}
wait_for_sql() { wait_for "$1" "$2" sql_is_true "$3"; }
sql_is_true() { [[ $(sql "$1") == t ]]; }

# assert_equal NAME EXPECTED ACTUAL, assert_match NAME PATTERN ACTUAL (an extended regular expression), assert_fails NAME
# COMMAND...: each prints a line and counts.
assert_equal() {
    if [[ $2 == "$3" ]]; then
        assert_passed "$1"
    else
        assert_failed "$1" "expected: $2" "actual:   $3"
    fi
}
assert_match() {
    if [[ $3 =~ $2 ]]; then
        assert_passed "$1"
    else
        assert_failed "$1" "pattern: $2" "actual:  $3"
    fi
}
assert_fails() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        assert_failed "$name" "succeeded: $*"
    else
        assert_passed "$name"
    fi
}
assert_passed() {
    passed=$((passed + 1))
    say "ok - $1"
}
assert_failed() {
    failed=$((failed + 1))
    warn "not ok - $1"
    shift
    printf '    %s\n' "$@" >&2
}
