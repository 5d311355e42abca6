#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every check there is, on a fresh Debian or Ubuntu (as root or with sudo it installs what it needs): compilers, style,
# static analysis, unit, SQL and system tests, fuzzing, the quick start. Each step prints a line; the first that fails
# prints its log and ends the run. The last line counts. Servers are private ones on 127.0.0.1, in a temporary folder
# (TMPDIR), which is removed.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
cd "$root"
# shellcheck source=../deploy/lib/common.sh
source deploy/lib/common.sh
# shellcheck source=../deploy/lib/packages.sh
source deploy/lib/packages.sh
# shellcheck source=../deploy/lib/postgres.sh
source deploy/lib/postgres.sh
# shellcheck source=../deploy/lib/emulator.sh
source deploy/lib/emulator.sh
# shellcheck source=lib/prometheus.sh
source tests/lib/prometheus.sh

quick_steps=(packages debug asan clang format shellcheck cppcheck prometheus unit unit_asan sql sigv4 fake system)
all_steps=(packages debug asan clang format shellcheck cppcheck prometheus unit unit_asan sql sigv4 fake deploy system
    versions faults tidy fuzz quickstart)
beside_steps=(system deploy versions faults tidy) # may run beside what is left of the pool
versions=(14 16 17 18) # of PostgreSQL, beside the machine's own; tests/versions/install.sh has them

usage() {
    cat <<END
usage: tests/run.sh [--quick] [--postgres VERSION] [STEP...]

Steps: ${all_steps[*]}
  --quick             leaves out deploy, versions, faults, tidy, fuzz and quickstart
  --postgres VERSION  runs sql and system (or the given steps) on that PostgreSQL: ${versions[*]} (x86-64 only)

A step that needs a build makes it. FUZZ_SECONDS is the time for each fuzzer (10); SYSTEM_TESTS names system tests to
run instead of all (order_test, say), DEPLOY_TESTS those of deploy.
END
}

main() {
    local steps=("${all_steps[@]}") name postgres=''
    while [[ ${1:-} == --* ]]; do
        case $1 in
            --quick) steps=("${quick_steps[@]}") ;;
            --postgres)
                postgres=${2:-}
                steps=(sql system)
                [[ " ${versions[*]} " == *" $postgres "* ]] || fail "--postgres takes one of these versions: ${versions[*]}"
                shift
                ;;
            *)
                usage
                [[ $1 == --help ]] || exit 2
                exit
                ;;
        esac
        shift
    done
    (($# == 0)) || steps=("$@")
    for name in "${steps[@]}"; do
        [[ " ${all_steps[*]} " == *" $name "* ]] || fail "there is no step $name; the steps are: ${all_steps[*]}"
    done
    prepare
    [[ ! $postgres ]] || use_postgres "$postgres"
    for name in "${steps[@]}"; do
        [[ " ${beside_steps[*]} " == *" $name "* ]] || pool_drain
        "step_$name"
    done
    pool_drain
}

use_postgres() {
    need_versions
    export POSTGRES_BIN=$work/versions/$1/bin
    say "# on $("$POSTGRES_BIN/postgres" --version)"
}

# The user postgres must be able to enter the folder, when root runs this.
prepare() {
    passed=0 failed=0 built=" "
    declare -gA pool_names=() pool_since=()
    work=$(mktemp -d)
    chmod 711 "$work"
    export TMPDIR=$work PATH=$PATH:$prometheus_folder/usr/bin
    trap 'finish $?' EXIT
    trap 'exit 130' INT TERM
}

finish() {
    local status=$1 id
    trap - EXIT
    for id in "${!pool_names[@]}"; do
        kill "$id" 2>/dev/null || true
        wait "$id" 2>/dev/null || true
    done
    rm -rf "$work"
    ((status == 0 || failed > 0)) || failed=1
    say "$passed passed, $failed failed"
    exit "$status"
}

# check NAME COMMAND... runs it and prints the line. It counts as the tests that its log counts, else as one.
check() {
    local name=$1 before=${EPOCHREALTIME/[.,]/} status=0
    shift
    ("$@") >"$work/log" 2>&1 </dev/null || status=$?
    report "$name" "$before" "$status" "$work/log"
}

# The pool is for checks that mostly wait for servers: two more than there are processors run at a time, beside whatever
# comes next, and each prints its line as it ends. pool_add NAME COMMAND... starts one as soon as there is room;
# pool_drain waits for all.
pool_add() {
    local name=$1
    shift
    ((${#pool_names[@]} < $(nproc) + 2)) || pool_wait
    "$@" >"$work/pool.${name//[^A-Za-z0-9_]/.}" 2>&1 </dev/null &
    pool_names[$!]=$name pool_since[$!]=${EPOCHREALTIME/[.,]/}
}
pool_drain() {
    while ((${#pool_names[@]})); do
        pool_wait
    done
}
pool_wait() {
    local id="" name status=0
    wait -n -p id "${!pool_names[@]}" || status=$?
    name=${pool_names[$id]}
    unset "pool_names[$id]"
    report "$name" "${pool_since[$id]}" "$status" "$work/pool.${name//[^A-Za-z0-9_]/.}"
}

# report NAME SINCE STATUS LOG
report() {
    local tenths=$(((${EPOCHREALTIME/[.,]/} - $2) / 100000)) count
    if (($3 != 0)); then
        printf 'FAILED  %-28s %4d.%d s\n' "$1" $((tenths / 10)) $((tenths % 10))
        tail -n 200 "$4" >&2
        failed=$((failed + 1))
        exit 1
    fi
    count=$(count_tests "$4")
    printf 'ok      %-28s %4d.%d s  %s\n' "$1" $((tenths / 10)) $((tenths % 10)) "${count:+$count tests}"
    passed=$((passed + ${count:-1}))
}

# The counts that ctest, TAP's prove and our own test scripts print.
count_tests() {
    sed -nE -e 's/^.*tests passed, 0 tests failed out of ([0-9]+).*$/\1/p' -e 's/^.*Tests=([0-9]+),.*$/\1/p' \
        -e 's/^([0-9]+) passed, 0 failed$/\1/p' "$1" | awk '{ sum += $1 } END { if (NR) print sum }'
}

step_packages() { check packages install_packages; }
install_packages() {
    packages_need_build
    packages_need_servers
    packages_need_tests
    prometheus_need
}

step_debug() { need_build debug; }
step_asan() { need_build asan; }
step_clang() { need_build clang; }

# need_build PRESET builds it, once a run.
need_build() {
    [[ $built != *" $1 "* ]] || return 0
    check "build $1" build "$1"
    built+="$1 "
}
build() {
    cmake --preset "$1" --log-level=WARNING
    cmake --build --preset "$1" -- -j "$(nproc)"
}

# Sources are listed by git where it is there, so that build folders and node_modules stay out.
sources() {
    local pattern
    for pattern in "$@"; do
        find relay tests deploy .ci -name node_modules -prune -o -type f -name "$pattern" -print0
    done
}

step_format() { check "format" format; }
format() { sources '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror; }

step_shellcheck() { check "shellcheck" shell_scripts; }
shell_scripts() { # SC2119 and SC2120 dislike functions whose arguments may be left out
    { sources '*.sh' && printf '%s\0' .ci/run; } | xargs -0 --max-args=8 --max-procs="$(nproc)" \
        shellcheck --external-sources --source-path=SCRIPTDIR --exclude=SC2119,SC2120
}

step_tidy() {
    need_build clang
    check "clang-tidy" tidy
}
tidy() {
    sources '*.c' | grep --null-data --invert-match '_fuzz\.c$' |
        xargs -0 --max-args=1 --max-procs="$(nproc)" clang-tidy --quiet -p build/clang
}

# cppcheck does not know __VA_OPT__, which LOG_FIELDS uses.
step_cppcheck() { check "cppcheck" analyse; }
analyse() {
    cppcheck --quiet --error-exitcode=1 --std=c11 --language=c --enable=warning,performance,portability \
        --inline-suppr --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
        --library=posix --library=gnu -ULOG_FIELDS -j "$(nproc)" -I relay relay tests/bench
}

step_prometheus() { check "alert rules" tests/prometheus/run.sh; }

step_unit() {
    need_build debug
    check "unit tests" ctest --preset debug -j "$(nproc)"
}
step_unit_asan() {
    need_build asan
    check "unit tests, sanitizers" ctest --preset asan -j "$(nproc)"
}

step_sql() { check "SQL tests" tests/sql/run.sh; }
step_sigv4() {
    need_build debug
    check "signatures" tests/sigv4/run.sh "$root/build/debug"
}

# The fake that the system tests trust is tested first.
step_fake() { check "fake of SNS and SQS" node tests/fake/fake_test.mjs; }

# The system tests run the sanitized program: what it leaks or touches wrongly ends in its exit code. The longest, which
# waits for limits of 30 s over and over, begins first.
step_system() {
    local test tests=(cut_test)
    need_build asan
    check "emulator" emulator_install
    check "a browser's driver" npm_install "$root/tests/page" "a browser's driver"
    check "another consumer" npm_install "$root/tests/consumer" "another consumer"
    if [[ ${SYSTEM_TESTS:-} ]]; then
        read -r -a tests <<<"$SYSTEM_TESTS"
    else
        for test in tests/system/*_test.sh; do
            test=$(basename "$test" .sh)
            [[ $test == "${tests[0]}" ]] || tests+=("$test")
        done
    fi
    for test in "${tests[@]}"; do
        pool_add "system: ${test%_test}" system_test "$test"
    done
}
system_test() { RELAY_BUILD=$root/build/asan exec "tests/system/$1.sh"; }

# What is in deploy/, each artefact by what refuses a wrong one: DEPLOY_TESTS names tests to run instead of all.
step_deploy() {
    local test tests=()
    need_build asan
    need_build release
    check "packages for deploy" packages_need_deploy
    check "what judges deploy/" npm_install "$root/tests/deploy" "what judges deploy/"
    check "emulator" emulator_install
    check "prometheus" prometheus_need
    if [[ ${DEPLOY_TESTS:-} ]]; then
        read -r -a tests <<<"$DEPLOY_TESTS"
    else
        for test in tests/deploy/*_test.sh; do
            tests+=("$(basename "$test" .sh)")
        done
    fi
    for test in "${tests[@]}"; do
        pool_add "deploy: ${test%_test}" deploy_test "$test"
    done
}
deploy_test() { RELAY_BUILD=$root/build/asan exec "tests/deploy/$1.sh"; }

# The other PostgreSQL versions that are supported (there are builds for x86-64 only): the SQL tests and
# a relay at work, on the oldest and the newest a few kinds of it. All else is tested on Debian's; by hand, on any: --postgres.
step_versions() {
    [[ $(uname -m) == x86_64 ]] || return 0
    need_build debug
    need_versions
    pool_add "PostgreSQL 14" version_tests 14 hot two_relays fifo inbox
    pool_add "PostgreSQL 18" version_tests 18 hot two_relays fifo inbox
    pool_add "PostgreSQL 16" version_tests 16 wakeup
    pool_add "PostgreSQL 17" version_tests 17 wakeup
}
need_versions() {
    [[ -d $work/versions ]] || check "PostgreSQL ${versions[*]}" tests/versions/install.sh "$work/versions"
}

# version_tests VERSION TEST... prints what failed, or how many tests have passed.
version_tests() {
    local log=$work/version-$1 count=0 test
    export POSTGRES_BIN=$work/versions/$1/bin
    shift
    for test in tests/sql/run.sh "${@/%/_test.sh}"; do
        [[ $test == */* ]] || test=tests/system/$test
        "$test" >"$log" 2>&1 </dev/null || {
            say "$test failed"
            cat "$log"
            return 1
        }
        count=$((count + $(count_tests "$log")))
    done
    say "$count passed, 0 failed"
}

# A short run; tests/faults/run.sh --faults 200 is a long one. Its judgement is tested first.
step_faults() {
    need_build asan
    check "faults: judgement" node tests/faults/check_test.mjs
    pool_add "faults" env RELAY_BUILD="$root/build/asan" tests/faults/run.sh --quick
}

# Findings are kept out of the source tree: new inputs go to a temporary corpus, a crash's input to the log.
step_fuzz() {
    need_build fuzz
    check "fuzz" fuzz_all
}
fuzz_all() {
    local fuzzers=(tests/fuzz/*/*_fuzz.c)
    export -f fuzz
    export work
    # shellcheck disable=SC2016 # expands there
    printf '%s\0' "${fuzzers[@]}" | xargs -0 --max-args=1 --max-procs="$(nproc)" bash -c 'fuzz "$1"' fuzz &&
        say "${#fuzzers[@]} passed, 0 failed"
}
fuzz() {
    local name corpus log
    name=$(basename "$1" .c)
    corpus=${1%_fuzz.c}
    log=$work/$name.log
    mkdir -p "$work/$name"
    "build/fuzz/tests/$name" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$work/$name-" "$work/$name" "$corpus" >"$log" 2>&1 || {
        tail -n 100 "$log"
        base64 "$work/$name"-*
        return 255 # xargs begins no other
    }
}

step_quickstart() {
    check "quick start" env OUTBOX_QUICKSTART_HOME="$work/quickstart" deploy/quickstart.sh --once
}

main "$@"
