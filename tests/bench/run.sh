#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures outbox-relay: builds it, runs each part of the benchmark (tests/bench/parts) several times, and prints of
# each figure the median, the lowest and the highest, and the floor of the same runs: what the least that could do the
# job took, or managed. It judges nothing: machines differ, so compare runs on one, or ratios. `--help` tells options.
set -euo pipefail
# shellcheck source=../lib/bench.sh
source "${BASH_SOURCE[0]%/*}/../lib/bench.sh"

parts_folder=$bench_root/tests/bench/parts
parts_all=(drain latency producers growth replicas consume start idle)

usage() {
    cat <<END
usage: tests/bench/run.sh [--repeat N] [--matrix] [--json | --markdown] [PART...]

  --repeat N   how often each part runs; the figures are medians (5)
  --matrix     in the first of these runs, part drain takes every combination of payload, answer time and TLS
  --json       JSON instead of a table
  --markdown   a table in Markdown
  PART         only these parts: ${parts_all[*]}
Settings of the relay are passed on: OUTBOX_BATCH_ROWS=500 tests/bench/run.sh drain. A part also runs by itself, as
tests/bench/parts/PART.sh, and prints a line of JSON for each figure.
END
}

main() {
    local repeat=5 matrix='' form=table parts=() part
    while (($#)); do
        case $1 in
            --repeat)
                [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || fail "$1 needs a whole number from 1"
                repeat=$2
                shift
                ;;
            --matrix) matrix=yes ;;
            --json | --markdown) form=${1#--} ;;
            --help) usage && exit ;;
            -*) usage >&2 && exit 2 ;;
            *) parts+=("$1") ;;
        esac
        shift
    done
    ((${#parts[@]})) || parts=("${parts_all[@]}")
    for part in "${parts[@]}"; do
        [[ -x $parts_folder/$part.sh ]] || fail "there is no part $part: ${parts_all[*]}"
    done
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    bench_make "$work/build.log"
    run_parts "$repeat" "$matrix" "${parts[@]}"
    jq --slurp --argjson conditions "$(conditions "$repeat")" "$medians" "$work/figures" >"$work/result"
    "print_$form"
}

# run_parts REPEAT MATRIX PART... What needs to be measured only once is a matter of the first round.
run_parts() {
    local repeat=$1 matrix=$2 round part once=yes
    shift 2
    for ((round = 1; round <= repeat; round++)); do
        for part in "$@"; do
            warn "round $round of $repeat: $part ($SECONDS s)"
            BENCH_BUILT=yes BENCH_ONCE=$once BENCH_MATRIX=${once:+$matrix} "$parts_folder/$part.sh" >>"$work/figures" ||
                fail "part $part failed"
        done
        once=''
    done
}

conditions() {
    local memory_kb
    memory_kb=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
    jq --null-input --argjson repeat "$1" --argjson cores "$(nproc)" --argjson memory_kb "$memory_kb" \
        --arg cpu "$(lscpu | sed -n 's/^Model name: *//p')" \
        --arg postgresql "$("$(postgres_bin postgres)" --version | cut -d ' ' -f 3)" \
        '{$cores, $cpu, memory_gib: ($memory_kb / 1048576 | round), $postgresql, fsync: true,
          event: "0.5 kB of JSON, where the case names no other size", $repeat}'
}

# shellcheck disable=SC2016 # what jq expands
medians='
    def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
    {$conditions, figures: (to_entries | group_by(.value | [.part, .case, .figure]) | sort_by(.[0].key) | map(
        map(.value) | map(.value) as $values | ([.[].floor | numbers] | if . == [] then null else median end) as $floor
        | {part: .[0].part, case: .[0].case, figure: .[0].figure,
           value: ($values | median), low: ($values | min), high: ($values | max), $floor,
           ratio: (if ($floor // 0) == 0 then null else ($values | median) / $floor * 100 | round / 100 end)}))}'

# shellcheck disable=SC2016
readable='
    def commas: gsub("(?<=[0-9])(?=([0-9]{3})+$)"; ",");
    def number: if . == null then "" else tostring | sub("^(?<whole>[0-9]+)"; .whole | commas) end;
    def range: if .low == .high then "" else "\(.low | number) to \(.high | number)" end;
    def conditions: "\(.cores) cores (\(.cpu)), \(.memory_gib) GiB, PostgreSQL \(.postgresql) with fsync on, " +
        "relay and stand-in for SNS on the same machine; an event is \(.event). Medians of \(.repeat).";'

print_json() { jq . "$work/result"; }

# One table a part: a line for each case, a column for each figure.
print_markdown() {
    jq --raw-output "$readable"'
        def in_order: reduce .[] as $x ([]; if index([$x]) then . else . + [$x] end);
        def row: "| " + join(" | ") + " |";
        def cell: if . == null then "" else (.value | number) + (if .ratio then " (\(.ratio))" else "" end) end;
        .figures as $all | (.conditions | conditions) + " In brackets: the ratio to the floor.",
        ([$all[].part] | in_order[]) as $part | [$all[] | select(.part == $part)] as $figures
        | ([$figures[].figure] | in_order) as $names
        | "", ([$part] + $names | row), (["---"] + [$names[] | "--:"] | row),
          (([$figures[].case] | in_order[]) as $case
           | [$case] + [$names[] as $name | [$figures[] | select(.case == $case and .figure == $name)][0] | cell] | row)
        ' "$work/result"
}

print_table() {
    jq --raw-output "$readable"'
        def left($n): . + " " * ([$n - length, 0] | max);
        def right($n): " " * ([$n - length, 0] | max) + .;
        def row: (.[0] | left(42)) + (.[1] | right(12)) + (.[2] | right(24)) + (.[3] | right(12)) + (.[4] | right(8));
        (.conditions | conditions),
        (foreach .figures[] as $f ({}; {last: .name, name: "\($f.part): \($f.case)"};
            if .name == .last then empty else "", ([.name, "median", "low to high", "floor", "ratio"] | row) end,
            ([$f | "  " + .figure, (.value | number), range, (.floor | number), (.ratio | number)] | row)))
    ' "$work/result"
}

main "$@"
