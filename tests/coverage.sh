#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh [SYSTEM_TEST...]: how much of relay/ the tests run. Builds the preset coverage, runs the unit tests and all system
# tests (or those named: fifo late), and prints lines and branches for each module and for all of it; what is not run is in
# build/coverage/coverage.txt, line by line. What a killed process has run is not counted.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
cd "$root"
# shellcheck source=../deploy/lib/common.sh
source deploy/lib/common.sh

tests=("$@")
((${#tests[@]})) || mapfile -t tests < <(basename --multiple --suffix=_test.sh tests/system/*_test.sh)
build=$root/build/coverage

cmake --preset coverage --log-level=WARNING
cmake --build --preset coverage -- -j "$(nproc)"
find "$build" -name '*.gcda' -delete
ctest --preset coverage -j "$(nproc)" --quiet || warn "some unit tests have failed"
for test in "${tests[@]}"; do
    RELAY_BUILD=$build "tests/system/${test}_test.sh" >"$build/$test.log" 2>&1 </dev/null ||
        warn "the system test $test has failed: see ${build#"$root"/}/$test.log"
done

gcovr --root "$root" --filter relay/ --exclude-throw-branches --json-summary "$build/coverage.json" \
    --txt "$build/coverage.txt" "$build" >"$build/gcovr.log" 2>&1 || fail "gcovr failed: $(tail -n 5 "$build/gcovr.log")"
jq --raw-output '
    def row(name): (map(.line_covered) | add) as $lines | (map(.line_total) | add) as $of
        | (map(.branch_covered) | add) as $branches | (map(.branch_total) | add) as $branches_of
        | [name, "\($lines)/\($of)", (1000 * $lines / $of | floor / 10), "\($branches)/\($branches_of)",
           (if $branches_of > 0 then 1000 * $branches / $branches_of | floor / 10 else 100 end)] | @tsv;
    "module\tlines\t%\tbranches\t%",
    (.files | group_by(.filename | split("/")[1])[] | row(.[0].filename | split("/")[1])),
    (.files | row("all"))' "$build/coverage.json" | column -t -s $'\t'
