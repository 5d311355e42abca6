#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The units: valid, sandboxed, and with room for what runs in them. No systemd runs here: its tools judge the units, and
# what relay and consumer ask of the kernel while they work is compared with what the units allow.
set -euo pipefail
RELAY_BUILD=$(realpath "${BASH_SOURCE[0]%/*}/../../build/release") # what is delivered
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "$system_root/tests/lib/events.sh"
# shellcheck source=../lib/consume.sh
source "$system_root/tests/lib/consume.sh"

units=$system_root/deploy/systemd
exposure=15 # in tenths; of 100, systemd calls up to 20 "OK"

# judged FILE... prints what is wrong with units: what `verify` says, or that they are too exposed. The program is the one
# that was built; instances are named "orders".
judged() {
    local folder unit name names=()
    folder=$(mktemp -d -p "$system_dir")
    for unit in "$@"; do
        name=$(basename "${unit/@./@orders.}")
        sed "s|/usr/bin/outbox-relay|$relay|" "$unit" >"$folder/$name"
        names+=("$folder/$name")
    done
    SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "${names[@]}" 2>&1 || say "refused"
    systemd-analyze security --offline=true --threshold="$exposure" "${names[@]}" >"$folder/security" 2>&1 ||
        grep -E 'Overall' "$folder/security"
}

# spoilt SED... prints what is wrong with the relay's unit once it is changed.
spoilt() {
    sed -E "$@" "$units/outbox-relay.service" >"$system_dir/outbox-relay.service"
    ! cmp --silent "$units/outbox-relay.service" "$system_dir/outbox-relay.service" || fail "nothing was changed: $*"
    judged "$system_dir/outbox-relay.service"
}

# value UNIT NAME prints a setting's values.
value() { sed -n "s/^$2=//p" "$units/$1"; }

# system_calls SET prints the names in a set of systemd's, in those that it includes, too.
system_calls() {
    local name
    while read -r name; do
        if [[ $name == @* ]]; then
            system_calls "$name"
        else
            printf '%s\n' "$name"
        fi
    done < <(systemd-analyze syscall-filter "$1" | sed -nE 's/^ +([@a-z_0-9-]+)$/\1/p')
}

# allowed UNIT prints the system calls that it leaves.
allowed() {
    local words word
    : >"$system_dir/yes"
    : >"$system_dir/no"
    while read -r words; do
        for word in ${words#\~}; do
            system_calls "$word" >>"$system_dir/$([[ $words == \~* ]] && echo no || echo yes)"
        done
    done < <(value "$1" SystemCallFilter)
    sort -u "$system_dir/yes" | comm -23 - <(sort -u "$system_dir/no")
}

# assert_fits NAME UNIT asserts that what NAME has asked of the kernel is what the unit allows.
assert_fits() {
    local trace=$system_dir/$1.trace
    sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' "$trace" | sort -u >"$system_dir/$1.calls"
    assert_match "$1: what was looked at is a program at work" sendto "$(xargs <"$system_dir/$1.calls")"
    assert_equal "$1: no system call is forbidden" "" "$(comm -23 "$system_dir/$1.calls" <(allowed "$2") | xargs)"
    assert_equal "$1: nor a kind of socket" "" "$(sed -nE 's/^[0-9]+ +socket\((AF_[A-Z0-9]+).*/\1/p' "$trace" | sort -u |
        grep -vxF "$(value "$2" RestrictAddressFamilies | tr ' ' '\n')" | xargs || true)"
}

# traced NAME makes NAME.sh, the program with its system calls written to NAME.trace.
traced() {
    # shellcheck disable=SC2016 # the script's own
    printf '#!/bin/sh\nexec strace --follow-forks --output="%s" "%s" "$@"\n' "$system_dir/$1.trace" "$relay" >"$system_dir/$1.sh"
    chmod +x "$system_dir/$1.sh"
}

# seconds TEXT: 25s, 1min or 2min 30s.
seconds() { systemd-analyze timespan "$1" | sed -nE 's/^ *[^ ]*s: ([0-9]+)$/\1/p' | sed 's/000000$//'; }

system_begin
assert_equal "the units are valid, and expose little" "" "$(judged "$units"/*.service)"
assert_match "a misspelt directive is found" "Unknown key 'ProtectSytem'" "$(spoilt 's/^ProtectSystem/ProtectSytem/')"
assert_match "a wrong value is found" "Failed to parse" "$(spoilt 's/^(NoNewPrivileges)=.*/\1=maybe/')"
assert_match "a program that is missing is found" "is not executable" "$(spoilt 's|^(ExecStart)=[^ ]*|\1=/usr/bin/outbox-rely|')"
assert_match "a unit that may call anything is too exposed" "Overall exposure" "$(spoilt '/^SystemCallFilter|^CapabilityBounding/d')"

# shellcheck disable=SC2016 # Markdown's quotes
limit=$("$relay" help settings | sed -nE 's/^.*`OUTBOX_SHUTDOWN_TIMEOUT` \| `([^`]+)`.*$/\1/p')
for unit in outbox-relay.service outbox-relay-consumer@.service; do
    assert_equal "$unit: stopping has more time than OUTBOX_SHUTDOWN_TIMEOUT ($limit)" 1 \
        "$(($(seconds "$(value "$unit" TimeoutStopSec)") > $(seconds "$limit")))"
    assert_equal "$unit: it is told of by notification" notify "$(value "$unit" Type)"
    assert_match "$unit: what is no use to be tried again" "^$(value "$unit" RestartPreventExitStatus) \\| .*not understood" \
        "$("$relay" help exit-codes | sed -n 's/^| //p' | grep "^$(value "$unit" RestartPreventExitStatus) ")"
done

system_postgres
system_fake
consume_database events
events_insert 20
program=$relay
traced publisher
relay=$system_dir/publisher.sh relay_start publisher NOTIFY_SOCKET="$system_dir/none" WATCHDOG_USEC=200000 OUTBOX_LISTEN=127.0.0.1:0
events_wait_all_sent 60
# strace hands on no signal: the traced process gets it.
traced_signal() { kill -s "$2" "$(pgrep --parent "$(relay_pid "$1")")"; }
traced_signal publisher HUP
wait_for 20 "it reads its settings again" grep -q 'settings read again' "$system_dir/publisher.log"
curl --silent --output /dev/null "http://$(sed -nE 's/.* listening address=(.*)/\1/p' "$system_dir/publisher.log")/metrics"
traced_signal publisher TERM
relay_wait publisher 0
assert_fits publisher outbox-relay.service
assert_equal "publisher: no memory is writable and executable" 0 "$(grep --count 'PROT_WRITE|PROT_EXEC' "$system_dir/publisher.trace" || true)"

queue_make orders
queue_send orders 4
traced consumer
relay=$system_dir/consumer.sh consumer_start consumer OUTBOX_QUEUE_URL="$queue_url" -- --on '**=sql:shop.take' --on "**=exec:cat" \
    --until-empty --wait-time 200ms
relay=$program
relay_wait consumer 0
assert_fits consumer outbox-relay-consumer@.service
assert_equal "what is forbidden is forbidden" "" "$(allowed outbox-relay.service | grep -xE 'mount|ptrace|reboot|setuid|bpf' || true)"
system_end
