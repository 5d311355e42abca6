#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The quick start in a folder of one's own: a second one is refused, and what it says stops the first. (tests/run.sh
# quickstart runs it whole.)
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

# A process that is noted as its own is enough for one that runs.
start() {
    mkdir -p "$1"
    : >"$1/.quickstart"
    process_start "$1/api.pid" "$system_dir/api.log" sleep 300
}

system_begin
cd "$system_root"
for name in plain "with blanks"; do
    home=$system_dir/$name
    start "$home"
    status=0
    output=$(OUTBOX_QUICKSTART_HOME=$home deploy/quickstart.sh 2>&1) || status=$?
    assert_equal "$name: a second one is refused" 1 "$status"
    stop=${output##*stop it first with: }
    assert_equal "$name: and says how to stop the first" \
        "$(printf 'OUTBOX_QUICKSTART_HOME=%q deploy/quickstart.sh --stop' "$home")" "$stop"
    if [[ $stop == OUTBOX_QUICKSTART_HOME=* ]]; then # else it would be another's
        assert_equal "$name: which it does" "stopped; $home is removed" "$(bash -ec "$stop" 2>&1)"
        assert_fails "$name: nothing runs on" kill -0 "$process_id"
    fi
    process_stop "$home/api.pid"
done
system_end
