# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What processes cost, from /proc. Meant to be sourced after common.sh.

# stat_cpu_us FIELD... sums these fields of `stat_fields` (counted from the process's state, which is 0) and prints
# microseconds. The kernel counts in hundredths of a second.
stat_cpu_us() {
    local field ticks=0
    for field in "$@"; do
        ticks=$((ticks + stat_fields[field]))
    done
    printf '%d\n' $((ticks * 10000))
}

stat_read() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra stat_fields <<<"${stat##*) }"
}

# live_cpu_us PID prints the CPU time of a process and of its threads that live, which the kernel has in nanoseconds: a
# process that does next to nothing would not reach a hundredth of a second.
live_cpu_us() {
    local file used sum=0
    for file in "/proc/$1/task"/*/schedstat; do
        { read -r used _ <"$file"; } 2>/dev/null || used=0
        sum=$((sum + used))
    done
    printf '%d\n' $((sum / 1000))
}

# process_cpu_us PID_FILE prints the CPU time of a process that process_start started.
process_cpu_us() {
    local id started
    read -r id started <"$1"
    [[ $started ]] && live_cpu_us "$id"
}

# postgres_cpu_us DIR prints the CPU time of the server in DIR, all its processes together: the postmaster has the times
# of those that have ended.
postgres_cpu_us() {
    local postmaster file sum
    read -r postmaster <"$1/data/postmaster.pid"
    stat_read "$postmaster"
    sum=$(($(stat_cpu_us 13 14) + $(live_cpu_us "$postmaster")))
    for file in /proc/[0-9]*; do
        if stat_read "${file#/proc/}" && [[ ${stat_fields[1]} == "$postmaster" ]]; then
            sum=$((sum + $(live_cpu_us "${file#/proc/}")))
        fi
    done
    printf '%d\n' "$sum"
}

# measure_process COMMAND... runs it, without its standard output, and prints {"cpu_us":…,"peak_kb":…}. The peak is looked
# at ten times a second while it runs; that costs next to nothing, since nothing is started for it.
measure_process() (
    peak=0 status=0 times_file=$(mktemp)
    exec {nothing}<> <(:)
    "$@" >/dev/null &
    while kill -0 $! 2>/dev/null; do
        while read -r name value _; do
            [[ $name != VmHWM: ]] || peak=$value
        done 2>/dev/null <"/proc/$!/status" || true
        read -r -t 0.1 -u "$nothing" || true
    done
    wait $! || status=$?
    times >"$times_file"
    mapfile -t lines <"$times_file"
    [[ ${lines[1]} =~ ^([0-9]+)m([0-9.]+)s\ ([0-9]+)m([0-9.]+)s$ ]]
    rm -f "$times_file"
    jq --null-input --compact-output --argjson peak "$peak" --argjson user_m "${BASH_REMATCH[1]}" \
        --argjson user_s "${BASH_REMATCH[2]}" --argjson system_m "${BASH_REMATCH[3]}" --argjson system_s "${BASH_REMATCH[4]}" \
        '{cpu_us: ((($user_m + $system_m) * 60 + $user_s + $system_s) * 1000000 | round), peak_kb: $peak}'
    exit "$status"
)
