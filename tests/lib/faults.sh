# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What can happen to a database, for system tests: networks that fail, servers that die, and how long it takes until events
# flow again. Meant to be sourced after system.sh and events.sh.
# shellcheck disable=SC2154 # system_dir is set there

# proxy_start NAME TARGET_PORT [COMMAND] starts tests/lib/proxy.mjs and sets proxy_port_NAME; proxy_do NAME COMMAND... tells
# it what to do.
proxy_start() {
    local log=$system_dir/$1.log
    process_start "$system_dir/$1.pid" "$log" node "$system_root/tests/lib/proxy.mjs" "${@:2}"
    wait_until 20 grep -q '^listening on ' "$log" || fail "the proxy $1 did not start"
    printf -v "proxy_port_$1" '%s' "$(sed -nE 's/^listening on ([0-9]+),.*/\1/p' "$log")"
    printf -v "proxy_control_$1" '%s' "$(sed -nE 's/.* controlled on ([0-9]+)$/\1/p' "$log")"
}
proxy_do() {
    local control=proxy_control_$1 connection answer
    shift
    exec {connection}<>"/dev/tcp/127.0.0.1/${!control}"
    printf '%s\n' "$*" >&"$connection"
    read -r -t 20 answer <&"$connection" || fail "the proxy does not obey: $*"
    exec {connection}>&-
    [[ $answer == "done" ]] || fail "the proxy answers: $answer"
}

# recovery_begin notes the time and what the stub has received by then, and inserts a few events, lest everything be sent
# already; recovery_end WHAT waits for the next message and prints how long it took, by the stub's clock.
recovery_begin() {
    recovery_since=${EPOCHREALTIME/[.,]/}
    recovery_messages=$(messages_count)
    events_insert 10
}
recovery_end() {
    local next
    messages_wait "${2:-60}" $((recovery_messages + 1))
    read -r next _ < <(tail -n +$((recovery_messages + 1)) "$system_dir/messages")
    say "# $1: events flow again after $(((next - recovery_since) / 1000)) ms"
}

# duplicates_say WHAT prints how many messages have come twice since it was last asked.
duplicates_say() {
    local now
    now=$(messages_duplicates)
    say "# $1: $((now - ${duplicates_before:-0})) events were published twice"
    duplicates_before=$now
}
