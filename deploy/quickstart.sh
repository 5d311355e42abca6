#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, seen at work on one machine: a shop's API writes orders and their events into PostgreSQL, outbox-relay
# publishes these to SNS, two queues receive them, and a consumer and a Lambda function beside it act on them, each once.
# Installs what is missing, builds, and starts a PostgreSQL and an SNS and SQS emulator of its own on 127.0.0.1; needs a
# fresh Debian or Ubuntu, as root or as a user with sudo, and no account anywhere. `--help` tells the rest.
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

Starts PostgreSQL, an SNS and SQS emulator, outbox-relay with its consumers, and a small shop (deploy/example); places a
few orders, shows what has become of them, delivers every message a second time, shows that nothing has changed, and
leaves everything running to play with.
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

# What stops this one: in another folder --stop finds nothing.
stop_command() {
    [[ ! ${OUTBOX_QUICKSTART_HOME:-} ]] || printf 'OUTBOX_QUICKSTART_HOME=%q ' "$OUTBOX_QUICKSTART_HOME"
    say "deploy/quickstart.sh --stop"
}

main() {
    state=${OUTBOX_QUICKSTART_HOME:-$(default_state)}
    stop=$(stop_command)
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
    leave_out_the_callers
    prepare_state
    trap 'finish $?' EXIT
    trap 'exit 130' INT TERM
    step "packages" install_packages
    step "build" build
    step "PostgreSQL" start_database
    step "SNS and SQS emulator" start_broker
    step "outbox-relay run" start_relay
    step "outbox-relay consume" start_consumer
    step "outbox-relay lambda" start_lambda
    step "shop's API" start_api
    place_orders
    show_events
    show_shop
    deliver_again
    if [[ ${1:-} == --once ]]; then
        stop_running
    else
        write_environment
        explain_play
    fi
}

# What the caller has set is for databases, topics and programs of the caller's own; here nothing of it must count.
leave_out_the_callers() {
    local name
    for name in $(compgen -e | grep -E '^(OUTBOX_|DATABASE_URL|PG|PORT$)' || true); do
        unset "$name"
    done
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
        fail "already running in $state; stop it first with: $stop"
    fi
    if [[ -e $state && ! -e $state/.quickstart && -n $(ls -A "$state") ]]; then
        fail "$state is in use for something else: set OUTBOX_QUICKSTART_HOME to a folder that is new or empty"
    fi
    rm -rf "$state"
    mkdir -p "$state"
    : >"$state/.quickstart"
    say "outbox-relay quick start, in $state"
}

# In the order in which they are stopped.
programs=(api relay consume lambda runtime emulator)

is_running() {
    local name
    for name in "${programs[@]}"; do
        process_running "$state/$name.pid" && return
    done
    postgres_running "$state/postgres"
}

stop_servers() {
    local name
    for name in "${programs[@]}"; do
        process_stop "$state/$name.pid" 15
    done
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
    local name
    for name in "${programs[@]}"; do
        if [[ -s $state/$name.log ]]; then
            warn "the end of $state/$name.log:"
            tail -n 20 "$state/$name.log" >&2
        fi
    done
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

# Four users: the owner (postgres), the shop's API, which may place orders, the relay, which may mark events, and the
# consumers, which may handle them.
start_database() {
    PG_AUTH=password postgres_start "$state/postgres"
    psql_quiet --command 'create database shop'
    export PGDATABASE=shop
    if ! { "$relay" migrate up && "$relay" migrate up --inbox; } >"$state/migrate.log" 2>&1; then
        tail -n 20 "$state/migrate.log" >&2
        fail "migrate up failed"
    fi
    psql_quiet --single-transaction --file "$root/deploy/example/shop.sql"
    psql_quiet <<END
create role api login password '$PGPASSWORD' in role shop_api;
create role relay login password '$PGPASSWORD' in role outbox_relay;
create role consumer login password '$PGPASSWORD' in role inbox_consumer, shop_handlers;
insert into shop.product values ('mug', 3);
END
}

start_broker() {
    emulator_alone
    emulator_start 0 "$state"
    topic_arn=$(emulator_aws create-topic shop-events)
    orders_url=$(emulator_aws create-queue orders)
    emails_url=$(emulator_aws create-queue emails)
    emulator_aws subscribe "$topic_arn" "$orders_url" >/dev/null
    emulator_aws subscribe "$topic_arn" "$emails_url" >/dev/null
}

start_relay() {
    : >"$state/relay.log"
    PGUSER=relay OUTBOX_TOPIC_ARN=$topic_arn OUTBOX_LISTEN=127.0.0.1:0 \
        process_start "$state/relay.pid" "$state/relay.log" "$relay" run
    relay_url=$(admin_url relay) || fail "the relay did not start"
}

start_consumer() {
    : >"$state/consume.log"
    PGUSER=consumer OUTBOX_QUEUE_URL=$orders_url OUTBOX_WAIT_TIME=1s OUTBOX_LISTEN=127.0.0.1:0 \
        process_start "$state/consume.pid" "$state/consume.log" "$relay" consume \
        --on 'order.created=sql:shop.reserve_stock' --on 'order.*=sql:shop.project_order'
    consumer_url=$(admin_url consume) || fail "the consumer did not start"
}

# admin_url NAME waits until the relay or consumer says where its admin port is, and prints it.
admin_url() {
    wait_until 10 grep -q ' listening address=' "$state/$1.log" || return
    sed -n 's|.* listening address=|http://|p' "$state/$1.log"
}

# The function runs as in AWS: all it knows of its queue is the address of the runtime API, and what it needs is in its
# environment.
start_lambda() {
    : >"$state/runtime.log"
    process_start "$state/runtime.pid" "$state/runtime.log" node "$root/deploy/emulator/lambda.mjs" "$emails_url"
    local runtime
    runtime=$(listening_address runtime) || fail "the Lambda runtime API did not start"
    PGUSER=consumer AWS_LAMBDA_RUNTIME_API=$runtime AWS_LAMBDA_FUNCTION_NAME=emails \
        OUTBOX_ON=$'order.created=sql:shop.queue_email\nuser.registered=sql:shop.queue_email' \
        process_start "$state/lambda.pid" "$state/lambda.log" "$relay" lambda
}

start_api() {
    : >"$state/api.log"
    PGUSER=api process_start "$state/api.pid" "$state/api.log" node "$root/deploy/example/api.mjs"
    api_url=http://$(listening_address api) || fail "the shop's API did not start"
}

# listening_address NAME waits until that program says where it listens, and prints it.
listening_address() {
    wait_until 10 grep -q '^listening on ' "$state/$1.log" || return
    sed -n 's/^listening on //p' "$state/$1.log"
}

# call PATH JSON calls the shop's API, and shows both.
call() {
    printf '  POST %-7s %-61s -> %s\n' "$1" "$2" "$(curl --silent --show-error --max-time 10 "$api_url$1" --data "$2")"
}

place_orders() {
    say
    say "A user registers and orders come in through the shop's API, each a row and its event in one transaction. There are"
    say "3 mugs. The last order is refused, so there is neither a row nor an event of it."
    call /users '{"email": "ann@example.com"}'
    call /orders '{"product": "mug", "quantity": 2, "email": "ann@example.com"}'
    call /orders '{"product": "mug", "quantity": 1, "email": "bob@example.com"}'
    call /orders '{"product": "mug", "quantity": 5, "email": "cid@example.com"}'
    call /orders '{"product": "hat", "quantity": 1, "email": "dan@example.com"}'
    wait_until 20 all_done_or_gone || fail "the orders were not handled within 20 s"
    all_done || fail "a program has ended"
}

# Three orders and a user make four events, from which one more follows for each order.
all_done() {
    [[ $(psql_quiet -Atc "
        select (select count(*) = 7 and bool_and(sent_at is not null) from outbox.event)
            and (select count(*) = 3 and bool_and(status <> 'placed') from shop.order_view)
            and (select count(*) = 4 from shop.email)") == t ]]
}
all_done_or_gone() { all_done || process_stopped "$state/relay.pid" || consumers_gone; }
consumers_gone() { process_stopped "$state/consume.pid" || process_stopped "$state/lambda.pid"; }

show_events() {
    say
    say "In the database (outbox.event): every committed event is marked, with SNS's receipt. The reservations were published"
    say "by the handler of order.created, in the transaction that took the stock."
    psql_quiet --pset footer=off --command "
        select id, event_type, aggregate_id, to_char(sent_at, 'HH24:MI:SS.MS') as sent_at, message_id
        from outbox.event order by id"
}

show_shop() {
    say "What has become of it. Behind the queue orders, the consumer (sql:shop.reserve_stock, sql:shop.project_order):"
    psql_quiet --pset footer=off --command "
        select order_id, product_id, quantity, status from shop.order_view order by sequence"
    psql_quiet --pset footer=off --command "select id as product_id, stock from shop.product"
    say "Behind the queue emails, the Lambda function (sql:shop.queue_email):"
    psql_quiet --pset footer=off --command "select recipient, subject from shop.email order by recipient, subject"
    effects_are_right || fail "that is not what the orders should have led to"
}

effects_are_right() {
    [[ $(psql_quiet -Atc "
        select (select string_agg(quantity || status, ' ' order by quantity) from shop.order_view)
            || ', ' || (select stock from shop.product)
            || ', ' || (select string_agg(split_part(recipient, '@', 1), ' ' order by recipient) from shop.email)") == \
        '1reserved 2reserved 5rejected, 0, ann ann bob cid' ]]
}

# As after a crash right before the marks: the relay publishes every event again. (It may sleep, and only inserts wake it
# up by themselves.)
deliver_again() {
    local before after
    say "SNS and SQS deliver at least once. Now every event is published a second time, and so each message delivered again."
    before=$(all_effects)
    psql_quiet --output /dev/null --command "update outbox.event set sent_at = null, message_id = null, due_at = now()" \
        --command "notify outbox_relay, 'event'"
    wait_until 20 all_sent || fail "the events were not published again within 20 s"
    wait_until 20 queues_are_empty || fail "the messages were not consumed again within 20 s"
    after=$(all_effects)
    [[ $before == "$after" ]] || fail "the second delivery has changed something: $(diff <(say "$before") <(say "$after"))"
    say "Each queue has delivered 14 messages of 7 events, and nothing has changed: neither stock, orders, e-mails nor events."
    say "Table inbox.processed_event remembers what each consumer has handled:"
    psql_quiet --pset footer=off --command "
        select consumer, count(*) as events from inbox.processed_event group by consumer order by consumer"
}

all_sent() { [[ $(psql_quiet -Atc 'select bool_and(sent_at is not null) from outbox.event') == t ]]; }
queues_are_empty() {
    [[ $(emulator_aws depth "$orders_url") == 0 && $(emulator_aws depth "$emails_url") == 0 ]]
}
all_effects() {
    psql_quiet -Atc 'select * from shop.product order by id; select * from shop.orders order by id;
        select * from shop.order_view order by order_id; select * from shop.email order by id;
        select id, event_id, event_type from outbox.event order by id; select * from inbox.processed_event order by 1, 2'
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
        printf 'export OUTBOX_TOPIC_ARN=%q ORDERS_URL=%q EMAILS_URL=%q SHOP=%q RELAY=%q CONSUMER=%q\n' \
            "$topic_arn" "$orders_url" "$emails_url" "$api_url" "$relay_url" "$consumer_url" >>"$state/env"
    )
}

explain_play() {
    cat <<END

It goes on running. To play, in this folder ($root):
  . $state/env                     # where the database, the topic, the queues and the shop are
  psql -c "update shop.product set stock = 10"
  curl "\$SHOP/orders" --data '{"product": "mug", "quantity": 4, "email": "eve@example.com"}'
  psql -c 'table shop.order_view'
  psql -c 'table outbox.event_status'
  build/release/outbox-relay publish user.registered fay@example.com '{"email": "fay@example.com"}'
  curl "\$RELAY/readyz?verbose"     # the relay is at $relay_url; \$CONSUMER is the consumer; see also /metrics
  tail -f $state/{relay,consume,lambda}.log
  $(printf '%-32s' "$stop") # stops and removes everything
END
}

main "$@"
