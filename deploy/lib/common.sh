# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every script here needs: messages, waiting, and processes that are known by a file. Meant to be sourced.

# A failure inside $(…) ends the script as well.
shopt -s inherit_errexit

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# wait_until SECONDS COMMAND... runs the command every 50 ms until it succeeds; false when the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS <= deadline)) || return 1
        sleep 0.05
    done
}

# process_start_time PID prints the time at which the process started (ticks since boot); false when there is no such
# process, or only its zombie. With the id it names a process for good: ids are used again, pairs are not. (Processes
# are stopped by traps as well, so IFS may be that of the function which was interrupted.)
process_start_time() {
    local stat fields
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    IFS=' ' read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} != Z ]] || return 1
    printf '%s\n' "${fields[19]}"
}

# process_start PID_FILE LOG COMMAND... starts the command in the background, out of the reach of this terminal's
# Ctrl-C, and notes it in the file. Sets process_id.
process_start() {
    local pid_file=$1 log=$2
    shift 2
    setsid "$@" </dev/null >>"$log" 2>&1 &
    process_id=$!
    printf '%s %s\n' "$process_id" "$(process_start_time "$process_id" || true)" >"$pid_file"
}

# process_running PID_FILE is true while the noted process lives.
process_running() {
    local id started
    [[ -s $1 ]] && IFS=' ' read -r id started <"$1" && [[ -n $started && $(process_start_time "$id") == "$started" ]]
}

# process_stopped PID_FILE is the opposite, for wait_until.
process_stopped() { ! process_running "$1"; }

# process_stop PID_FILE [SECONDS] asks the process to end (SIGTERM), waits, and ends it (SIGKILL) when it has not obeyed
# in time. Nothing happens when it is gone already.
process_stop() {
    local pid_file=$1 seconds=${2:-10} id started
    if process_running "$pid_file"; then
        IFS=' ' read -r id started <"$pid_file"
        kill -TERM "$id" 2>/dev/null || true
        if ! wait_until "$seconds" process_stopped "$pid_file"; then
            warn "process $id did not stop within $seconds s and was killed"
            kill -KILL "$id" 2>/dev/null || true
        fi
    fi
    rm -f "$pid_file"
}
