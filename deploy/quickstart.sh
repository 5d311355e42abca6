#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, seen at work on one machine: business transactions write events into PostgreSQL, outbox-relay publishes
# them to SNS, a queue receives them. Installs what is missing, builds, and starts a PostgreSQL and an SNS and SQS
# emulator of its own on 127.0.0.1; needs a fresh Debian or Ubuntu, as root or as a user with sudo, and no account
# anywhere. `--help` tells the rest.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
# shellcheck source=lib/common.sh
source "$root/deploy/lib/common.sh"
# shellcheck source=lib/packages.sh
source "$root/deploy/lib/packages.sh"
# shellcheck source=lib/postgres.sh
source "$root/deploy/lib/postgres.sh"
# shellcheck source=lib/emulator.sh
source "$root/deploy/lib/emulator.sh"

relay=$root/build/release/outbox-relay

usage() {
    cat <<END
usage: deploy/quickstart.sh [--once | --stop]

Starts PostgreSQL, an SNS and SQS emulator and outbox-relay, runs a few business transactions, shows the events in the
database beside the messages in the queue, and leaves everything running to play with.
  --once   stop and remove everything at the end
  --stop   stop and remove what an earlier call left running

Everything is kept in $state; choose another folder with OUTBOX_QUICKSTART_HOME.
END
}

# Root's home is closed to the user postgres, whom the server runs as when root starts it.
default_state() {
    if ((EUID == 0)); then
        say /var/lib/outbox-relay-quickstart
    else
        say "${XDG_STATE_HOME:-$HOME/.local/state}/outbox-relay-quickstart"
    fi
}

main() {
    state=${OUTBOX_QUICKSTART_HOME:-$(default_state)}
    case "$#:${1:-}" in
        0: | 1:--once) ;;
        1:--stop)
            stop_running
            exit
            ;;
        1:--help)
            usage
            exit
            ;;
        *)
            usage >&2
            exit 2
            ;;
    esac
    prepare_state
    trap 'finish $?' EXIT
    trap 'exit 130' INT TERM
    step "packages" install_packages
    step "build" build
    step "PostgreSQL" start_database
    step "SNS and SQS emulator" start_broker
    step "outbox-relay" start_relay
    run_shop
    show_events
    show_messages
    compare
    if [[ ${1:-} == --once ]]; then
        stop_running
    else
        write_environment
        explain_play
    fi
}

# step NAME FUNCTION runs it and says how long it took.
step() {
    local before=${EPOCHREALTIME/[.,]/} elapsed
    "$2"
    elapsed=$(((${EPOCHREALTIME/[.,]/} - before) / 100000))
    printf '  %-22s ready (%d.%d s)\n' "$1" $((elapsed / 10)) $((elapsed % 10))
}

# The folder is emptied, so it must be ours: new, empty, or with our mark.
prepare_state() {
    if is_running; then
        fail "already running in $state; stop it first with: deploy/quickstart.sh --stop"
    fi
    if [[ -e $state && ! -e $state/.quickstart && -n $(ls -A "$state") ]]; then
        fail "$state is in use for something else: set OUTBOX_QUICKSTART_HOME to a folder that is new or empty"
    fi
    rm -rf "$state"
    mkdir -p "$state"
    : >"$state/.quickstart"
    say "outbox-relay quick start, in $state"
}

is_running() {
    process_running "$state/relay.pid" || process_running "$state/emulator.pid" || postgres_running "$state/postgres"
}

stop_servers() {
    process_stop "$state/relay.pid" 15
    emulator_stop "$state"
    postgres_stop "$state/postgres"
}

stop_running() {
    if [[ ! -e $state/.quickstart ]]; then
        say "nothing is running in $state"
        return
    fi
    stop_servers
    rm -rf "$state"
    say "stopped; $state is removed"
}

# Failed or interrupted: nothing is left running, and the logs stay until the next start.
finish() {
    local status=$1
    trap - EXIT
    ((status != 0)) || exit 0
    if [[ -s $state/relay.log ]]; then
        warn "the end of $state/relay.log:"
        tail -n 20 "$state/relay.log" >&2
    fi
    stop_servers
    warn "quickstart.sh failed or was interrupted; everything is stopped, and the logs are in $state"
    exit "$status"
}

install_packages() {
    packages_need_build
    packages_need_servers
}

build() {
    local log=$state/build.log
    if ! (cd "$root" && cmake --preset release -DRELAY_TESTS=OFF && cmake --build --preset release) >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "the build failed ($log)"
    fi
}

psql_quiet() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$@"; }

# Three users: the owner (postgres), the shop, which may write events, and the relay, which may mark them.
start_database() {
    PG_AUTH=password postgres_start "$state/postgres"
    psql_quiet --command 'create database shop'
    export PGDATABASE=shop
    if ! "$relay" migrate up >"$state/migrate.log" 2>&1; then
        tail -n 20 "$state/migrate.log" >&2
        fail "migrate up failed"
    fi
    psql_quiet <<END
create role shop login password '$PGPASSWORD' in role outbox_writer;
create role relay login password '$PGPASSWORD' in role outbox_relay;
create schema shop authorization shop;
set role shop;
create table shop.orders (id text primary key, total numeric not null);
END
}

start_broker() {
    emulator_alone
    emulator_start 0 "$state"
    topic_arn=$(emulator_aws create-topic shop-events)
    queue_url=$(emulator_aws create-queue orders)
    emulator_aws subscribe "$topic_arn" "$queue_url" >/dev/null
}

start_relay() {
    PGUSER=relay OUTBOX_TOPIC_ARN=$topic_arn process_start "$state/relay.pid" "$state/relay.log" "$relay" run
}

# place_order ID TOTAL END: the order and its event in one transaction, which ends in commit or rollback.
place_order() {
    PGUSER=shop psql_quiet --output /dev/null --set "id=$1" --set "total=$2" <<END
begin;
insert into shop.orders (id, total) values (:'id', :total);
select outbox.publish('order.created', :'id', json_build_object('orderId', :'id', 'total', :total),
                      '{"source": "shop", "correlationId": "quickstart"}');
$3;
END
}

run_shop() {
    say
    say "The shop places orders 1 to 4, each row with its event in one transaction, and rolls back orders 2 and 4."
    place_order order-1 19.90 commit
    place_order order-2 5.00 rollback
    place_order order-3 42.00 commit
    place_order order-4 1.00 rollback
    PGUSER=shop psql_quiet --output /dev/null --command \
        "select outbox.publish('order.paid', 'order-1', '{\"orderId\": \"order-1\"}')"
    wait_until 20 all_sent_or_relay_gone || fail "the events were not published within 20 s"
    process_running "$state/relay.pid" || fail "the relay has ended"
}

all_sent() { [[ $(psql_quiet -Atc 'select bool_and(sent_at is not null) from outbox.event') == t ]]; }
all_sent_or_relay_gone() { all_sent || process_stopped "$state/relay.pid"; }

show_events() {
    say
    say "In the database (outbox.event_status): every committed event is marked, with SNS's receipt."
    psql_quiet --pset footer=off --command "
        select id, event_type, aggregate_id, status, to_char(sent_at, 'HH24:MI:SS.MS') as sent_at, message_id
        from outbox.event_status order by id"
}

show_messages() {
    emulator_aws receive "$queue_url" 3 5 >"$state/messages"
    say "In the queue, which is subscribed to the topic: the same events, and nothing of orders 2 and 4."
    jq --raw-output '(.Body | fromjson) as $sns | ($sns.Message | fromjson) as $event
        | "  \($sns.MessageId)  \($event.eventType)  \($event.data | tojson)"' "$state/messages"
}

# Says that it worked only if it did: the receipts in the table are the messages that came.
compare() {
    local marked received
    marked=$(psql_quiet -Atc 'select message_id from outbox.event' | sort)
    received=$(jq --raw-output '.Body | fromjson | .MessageId' "$state/messages" | sort)
    [[ $(wc -l <<<"$marked") == 3 && $marked == "$received" ]] ||
        fail "the events marked in the database are not the messages in the queue"
    say
    say "3 events committed, 3 marked as sent, 3 messages received, with the same MessageIds."
}

write_environment() {
    (
        umask 077
        : >"$state/env"
        local name
        for name in PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE AWS_ENDPOINT_URL AWS_REGION AWS_ACCESS_KEY_ID \
            AWS_SECRET_ACCESS_KEY AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE; do
            printf 'export %s=%q\n' "$name" "${!name}" >>"$state/env"
        done
        printf 'export OUTBOX_TOPIC_ARN=%q QUEUE_URL=%q\n' "$topic_arn" "$queue_url" >>"$state/env"
    )
}

explain_play() {
    cat <<END

It goes on running. To play, in this folder ($root):
  . $state/env                     # where the database, the topic and the queue are
  build/release/outbox-relay publish order.created order-9 '{"total": 7}'
  psql -c 'table outbox.event_status'
  node deploy/emulator/aws.mjs receive "\$QUEUE_URL"    # takes the messages from the queue
  tail -f $state/relay.log
  deploy/quickstart.sh --stop      # stops and removes everything
END
}

main "$@"
