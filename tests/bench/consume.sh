#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures `consume`: how many messages a second go from a queue (the stand-in of stub.c) through a handler in SQL, each
# with its row in inbox.processed_event, and are deleted. Prints figures and judges nothing. `--help` tells the options.
set -euo pipefail
RELAY_BUILD=${RELAY_BUILD:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/release}
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"
# shellcheck source=../lib/measure.sh
source "${BASH_SOURCE[0]%/*}/../lib/measure.sh"

usage() {
    cat <<END
usage: tests/bench/consume.sh [--messages N] [--delay MS] [--handler sql|none]

  --messages N   how many messages the queue has (50000)
  --delay MS     how long the queue takes for each answer (0)
  --handler      what handles them: a function in SQL that inserts a row (sql), or nothing, so that they are only
                 deleted (none)
Settings are passed on: OUTBOX_CONCURRENCY=1000 tests/bench/consume.sh. RELAY_BUILD is the build folder (build/release).
END
}

messages=50000 delay=0 handler=sql
while (($#)); do
    case $1 in
        --messages | --delay)
            [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || fail "$1 needs a whole number"
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --handler)
            [[ ${2:-} == sql || ${2:-} == none ]] || fail "--handler needs sql or none"
            handler=$2
            shift
            ;;
        --help) usage && exit ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done

passed_on=$(compgen -e | grep -E '^OUTBOX_(CONCURRENCY|RECEIVES|SQL_CONNECTIONS|SQL_BATCH)$' || true)
settings=()
for name in $passed_on; do settings+=("$name=${!name}"); done
on='order.created=sql:shop.take'
[[ $handler == sql ]] || on='nothing.happened=sql:shop.take'

system_begin
PG_FSYNC=on system_postgres
consume_database bench
system_stub --delay "$delay" --queue "$messages"
database_before=$(postgres_cpu_us "$system_dir/postgres")
before=${EPOCHREALTIME/[.,]/}
figures=$(measure_process env "${settings[@]}" "$relay" consume --queue-url "$stub_url/000000000000/bench" --until-empty \
    --on "$on" 2>"$system_dir/consume.log") || fail "the consumer failed"
elapsed=$((${EPOCHREALTIME/[.,]/} - before))
database=$(($(postgres_cpu_us "$system_dir/postgres") - database_before))
[[ $handler == none ]] || [[ $(sql 'select count(*) from shop.seen') == "$messages" ]] || fail "not every message has its effect"
[[ $(stub_stats | jq .deleted) == "$messages" ]] || fail "not every message was deleted"
say "$messages messages, handler $handler, $delay ms an answer: $((messages * 1000000 / elapsed)) messages a second;" \
    "CPU per message: consumer $(jq "(.cpu_us / $messages * 10 | round) / 10" <<<"$figures") us," \
    "database $((database / messages)) us; peak $(jq '.peak_kb' <<<"$figures") kB"
