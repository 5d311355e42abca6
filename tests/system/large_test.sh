#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Large events do not cost large memory: 40 MB of them go through a relay with default settings within a bound.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/measure.sh
source "${BASH_SOURCE[0]%/*}/../lib/measure.sh"

# The sanitizers' own memory comes on top.
limit_kb=65536
if grep -q __asan_init "$relay"; then
    limit_kb=98304
    export ASAN_OPTIONS=quarantine_size_mb=1
fi

system_begin
system_postgres
system_database events
system_stub --delay 20
sql "insert into outbox.event (event_type, aggregate_id, data)
     select 'report.written', 'report-' || n, to_json(repeat('x', 200000)) from generate_series(1, 200) n"

result=$(measure_process "$relay" run --until-empty 2>"$system_dir/relay.log") || fail "the relay failed"
peak_kb=$(jq .peak_kb <<<"$result")
assert_equal "the relay never had more than $limit_kb kB (peak $peak_kb kB)" yes "$( ((peak_kb > 0 && peak_kb < limit_kb)) && say yes)"
assert_nothing_lost
assert_equal "nothing is published twice" 0 "$(messages_duplicates)"
assert_not_rescued relay
system_end
