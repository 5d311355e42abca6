#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random business transactions and random faults, and in the end the question whether every promise was kept. Three
# relays publish to the strict fake what writer.mjs commits, while faults.sh does what plan.mjs says. Then all is
# healed, the writer stops, what is left is sent, and check.mjs judges. Faults and transactions are those of the seed;
# how they meet is not, so a violation may need its seed more than once.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"
# shellcheck source=../lib/standby.sh
source "${BASH_SOURCE[0]%/*}/../lib/standby.sh"
# shellcheck source=faults.sh
source "${BASH_SOURCE[0]%/*}/faults.sh"

here=$system_root/tests/faults
arn=arn:aws:sns:us-east-1:000000000000
relay_names=(a b c)
recovery_seconds=25 # less than the 30 s after which the relay looks again at what waits: forgotten events show
drain_seconds=120

usage() {
    cat <<END
usage: tests/faults/run.sh [--seed N] [--faults N] [--quick] [--plan FILE] [--keep DIR]

  --seed N      which faults and transactions (1)
  --faults N    how many faults (40)
  --quick       12 faults: about a minute
  --plan FILE   these steps instead (node tests/faults/plan.mjs SEED FAULTS prints them), to reduce a run that failed
  --keep DIR    where logs, plan and table go in the end

RELAY_BUILD is the build folder (build/debug); FAULTS_LOG_LEVEL=debug makes the relays say more.
END
}

read_arguments() {
    seed=1 faults=40 plan="" keep=""
    while (($#)); do
        case $1 in
            --seed) seed=$2 && shift ;;
            --faults) faults=$2 && shift ;;
            --quick) faults=12 ;;
            --plan) plan=$(realpath "$2") && shift ;;
            --keep) keep=$2 && shift ;;
            --help) usage && exit ;;
            *) usage >&2 && exit 2 ;;
        esac
        shift
    done
    [[ $seed =~ ^[0-9]+$ && $faults =~ ^[0-9]+$ ]] || fail "--seed and --faults are numbers"
}

# The clock of the fake's log, as far as the machine's goes evenly.
clock_begin() {
    monotonic_offset=$(node --print 'const [s, n] = process.hrtime(); s * 1e6 + Math.floor(n / 1e3) - Date.now() * 1e3')
}
monotonic_us() { printf '%d\n' $((${EPOCHREALTIME/[.,]/} + monotonic_offset)); }

# note EVENT [FIELDS] writes a line of the faults' log.
note() {
    printf '{"t":%d,"event":"%s","fault":%d,"name":"%s"%s}\n' "$(monotonic_us)" "$1" "$fault_number" "$fault_name" \
        "${2:+,$2}" >>"$system_dir/faults"
}

# Where it is begun again, the rules that stand for events which SNS will never take are as well.
faults_fake() {
    system_fake --state "$system_dir/fake_state" --seed "$seed"
    fake_fault '{"kind":"poison","match":{"body":".poisoned\""}}' >/dev/null
    fake_fault '{"kind":"poison","code":"Strange","message":"no","match":{"body":".puzzling\""}}' >/dev/null
}

begin() {
    local name
    clock_begin
    servers_begin
    sql 'create role relay login in role outbox_relay; create role shop login in role outbox_writer'
    sql "select outbox.route('order.**', '$arn:orders'), outbox.route('stock.**', '$arn:stock.fifo'),
                outbox.route('bill.**', '$arn:bills.fifo')" >/dev/null
    faults_fake
    for name in "${relay_names[@]}"; do
        faults_relay_start "$name"
    done
    process_start "$system_dir/writer.pid" "$system_dir/writer.log" env PGUSER=shop node "$here/writer.mjs" "$seed"
    writer_id=$process_id
}

strike() {
    read_fault "$@"
    note strike
    "strike_$fault_kind" "${fault_arguments[@]}"
}

heal() {
    read_fault "$@"
    "heal_$fault_kind" "${fault_arguments[@]}"
    note heal
}

read_fault() {
    fault_number=$1 fault_name=$2 fault_kind=$3
    fault_arguments=("${@:4}")
}

# recover waits until each topic has taken an event that was committed when everything was healed.
recover() {
    local ids size name
    size=$(stat --format %s "$system_dir/published")
    wait_for 30 "an event can be inserted" probe
    mapfile -t ids <"$system_dir/probe"
    note probe "\"ids\":[\"${ids[0]}\",\"${ids[1]}\",\"${ids[2]}\"]"
    wait_for "$recovery_seconds" "each topic takes new events after fault $fault_number, $fault_name" \
        published_since "$size" "${ids[@]}"
    for name in "${relay_names[@]}"; do
        process_running "$system_dir/$name.pid" || fail "relay $name has ended by itself"
    done
}
probe() {
    sql "select outbox.publish(type, 'probe-' || type, '{}')
         from unnest(array['order.probed', 'stock.probed', 'bill.probed']) as type" >"$system_dir/probe" 2>/dev/null
}
published_since() {
    local id
    tail --bytes "+$(($1 + 1))" "$system_dir/published" >"$system_dir/recent"
    for id in "${@:2}"; do
        grep -qF "$id" "$system_dir/recent" || return 1
    done
}

carry_out() {
    local lines line words
    mapfile -t lines <"$system_dir/plan"
    for line in "${lines[@]}"; do
        read -r -a words <<<"$line"
        case ${words[0]} in
            wait) sleep "${words[1]}" ;;
            recover) recover ;;
            strike | heal)
                printf '%6d s  %s\n' "$SECONDS" "$line"
                "${words[@]}"
                ;;
            *) fail "the plan has a step: $line" ;;
        esac
    done
}

# What a parked event of a FIFO topic holds up stays, and nothing else.
left="from outbox.event as e where sent_at is null and parked_at is null
      and not (outbox.topic_of(event_type) like '%.fifo' and exists (select from outbox.event as b
               where b.aggregate_id = e.aggregate_id and b.id < e.id and b.parked_at is not null
                                 and outbox.topic_of(b.event_type) like '%.fifo'))"

end_writing() {
    kill -TERM "$writer_id"
    wait_for 60 "the writer ends" process_stopped "$system_dir/writer.pid"
    say "transactions: $(tail -n 1 "$system_dir/writer.log")"
}

# The table for the checker, and, for whoever looks for the reason, the events that took long.
print_table() {
    sql "select id, event_id, aggregate_id, event_type, sent_at is not null, parked_at is not null, message_id, topic
         from outbox.event
         join (select event_type, outbox.topic_of(event_type) as topic
               from (select distinct event_type from outbox.event) as types) as t using (event_type)
         order by id" >"$system_dir/table"
    sql "select id, event_type, aggregate_id, occurred_at, sent_at, attempts, last_error from outbox.event
         where sent_at > occurred_at + interval '5 s' order by id" >"$system_dir/slow"
}

drain() {
    local status=0
    wait_until "$drain_seconds" sql_is_true "select count(*) = 0 $left" || status=$?
    ((status == 0)) || sql "select status, due_at, attempts, last_error, count(*) from outbox.event_status as e
                            join outbox.event using (id) where e.status <> 'sent' group by 1, 2, 3, 4 limit 20" || true
}

judge() {
    print_table
    if node "$here/check.mjs" "$system_dir/published" "$system_dir/table" "$system_dir/faults"; then
        assert_passed "$1: every promise was kept"
    else
        assert_failed "$1: every promise was kept" "(counts and examples are above)"
    fi
}

# cure lets SNS take what it refused; with what is parked goes what is behind it.
cure() {
    fault_number=0 fault_name=cure
    note cure
    fake_clear >/dev/null
    sql "select outbox.retry('**')" >/dev/null
    wait_until "$drain_seconds" sql_is_true 'select count(*) = 0 from outbox.event where sent_at is null' ||
        warn "not everything is sent after the cure"
}

faults_end() {
    local status=$1
    if ((status != 0 && status != 130)); then
        warn "again: tests/faults/run.sh --seed $seed --faults $faults${plan:+ --plan $plan}"
    fi
    [[ ! $keep ]] || keep_evidence || true
    for name in "${relay_names[@]}"; do # one that is frozen does not hear that it is to end
        [[ ! -e $system_dir/$name.pid ]] || relay_signal "$name" CONT 2>/dev/null || true
    done
    system_clean "$status"
}
keep_evidence() {
    mkdir -p "$keep"
    find "$system_dir" -maxdepth 1 -type f -exec cp -t "$keep" {} +
    cp "$system_dir/one/postgres.log" "$keep/one.postgres.log"
    cp "$system_dir/two/postgres.log" "$keep/two.postgres.log"
    warn "logs are in $keep"
}

main() {
    local name
    read_arguments "$@"
    system_begin
    trap 'faults_end $?' EXIT
    export PG_FSYNC=on
    if [[ $plan ]]; then
        cp "$plan" "$system_dir/plan"
    else
        node "$here/plan.mjs" "$seed" "$faults" >"$system_dir/plan"
    fi
    begin
    carry_out
    end_writing
    drain
    judge faults
    cure
    for name in "${relay_names[@]}"; do
        relay_stop "$name" 0
    done
    judge cure
    node "$here/recovery.mjs" "$system_dir/published" "$system_dir/faults"
    assert_equal "no relay needed its safety net" "" "$(grep -hE 'stopped .*rescued=[1-9]' "$system_dir"/[abc].log)"
    assert_equal "PostgreSQL refused nothing, not even for a deadlock" "" \
        "$(grep -h 'refused a statement' "$system_dir"/[abc].log | grep -vE 'SQLSTATE (57P0|53300|25P03)' | head -n 5)"
    assert_equal "the sanitizers are content" "" \
        "$(grep -hE 'Sanitizer|runtime error' "$system_dir"/[abc].log | head -n 5)"
    system_end
}

main "$@"
