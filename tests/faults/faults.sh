# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What can go wrong: strike_KIND brings it about, heal_KIND ends it. Meant to be sourced by run.sh, after system.sh. To
# add a kind, write the two here and name it in plan.mjs; where it may make the relay repeat itself although every
# answer has come, name it in check.mjs as well.
# shellcheck disable=SC2154 # system_dir is set there

declare -A rule_id=() # of a fault of the fake, by the fault's number

# servers_begin starts a primary and a synchronous standby (so that whatever was committed is there after a promotion),
# with a network that can fail between them and the relays. From then on sql finds the primary, whichever it is.
servers_begin() {
    primary=one standby=two
    PG_OPTIONS="-c wal_retrieve_retry_interval=200" postgres_start "$system_dir/one"
    port_one=$PGPORT
    system_database events
    proxy_start network_one "$port_one"
    standby_start two "$port_one"
    port_two=$postgres_port
    proxy_start network_two "$port_two"
    export PGHOST=127.0.0.1,127.0.0.1 PGPORT=$port_one,$port_two PGTARGETSESSIONATTRS=read-write
    servers_synchronous
}
port_of() {
    local variable=port_$1
    printf '%s\n' "${!variable}"
}
servers_start() {
    local host=$PGHOST port=$PGPORT database=$PGDATABASE
    PG_OPTIONS="-c wal_retrieve_retry_interval=200" postgres_start "$system_dir/$1" "$(port_of "$1")"
    export PGHOST=$host PGPORT=$port PGDATABASE=$database
}
servers_pair() {
    PG_OPTIONS="-c wal_retrieve_retry_interval=200" standby_start "$standby" "$(port_of "$primary")" "$(port_of "$standby")"
    servers_synchronous
}
# (The standby has a copy of the settings from before, so that it waits for nobody when it is promoted.)
servers_synchronous() {
    sql "alter system set synchronous_standby_names = '*'"
    sql 'select pg_reload_conf()' >/dev/null
}

# Backoffs are short, so that a run is; attempts are so many that a fault's few seconds do not use them up.
faults_relay_start() {
    local before database_url
    # shellcheck disable=SC2154 # set by proxy_start
    database_url="host=127.0.0.1,127.0.0.1 port=$proxy_port_network_one,$proxy_port_network_two dbname=events user=relay"
    database_url+=" target_session_attrs=read-write connect_timeout=3"
    before=$(relay_ready_count "$1")
    relay_start "$1" DATABASE_URL="$database_url" OUTBOX_RETRY_BASE=100ms OUTBOX_RETRY_MAX=2s OUTBOX_REQUEST_TIMEOUT=2s \
        OUTBOX_CLAIM_TIMEOUT=5s OUTBOX_MAX_ATTEMPTS=12 OUTBOX_BATCH_ROWS=200 \
        OUTBOX_LOG_LEVEL="${FAULTS_LOG_LEVEL:-info}"
    wait_for 20 "relay $1 is ready" relay_ready_more_than "$1" "$before"
}
relay_ready_count() { grep -c ' ready ' "$system_dir/$1.log" 2>/dev/null || true; }
relay_ready_more_than() { (($(relay_ready_count "$1") > ${2:-0})); }

# kill RELAY...: it is gone at once.
strike_kill() {
    local name
    for name in "$@"; do
        relay_kill "$name"
    done
}
heal_kill() {
    local name
    for name in "$@"; do
        faults_relay_start "$name"
    done
}

# stop RELAY...: it is asked to end, and must end well.
strike_stop() {
    local name
    for name in "$@"; do
        relay_signal "$name" TERM
    done
    for name in "$@"; do
        relay_wait "$name" 0
    done
}
heal_stop() { heal_kill "$@"; }

# freeze RELAY: as a machine does that is suspended.
strike_freeze() { relay_signal "$1" STOP; }
heal_freeze() { relay_signal "$1" CONT; }

# crash, restart: the primary goes away and comes back.
strike_crash() { postgres_stop "$system_dir/$primary" immediate; }
heal_crash() { servers_start "$primary"; }
strike_restart() { postgres_stop "$system_dir/$primary" fast; }
heal_restart() { servers_start "$primary"; }

# promote: the primary is killed, and its standby takes over; the other one comes back as standby.
strike_promote() {
    server_kill "$primary"
    server_promote "$standby"
    read -r primary standby <<<"$standby $primary"
}
heal_promote() { servers_pair; }

# cut COMMAND: the network between the relays and the servers (proxy.mjs) freezes, resets or delays.
strike_cut() { network_do "$@"; }
heal_cut() { network_do pass && network_do delay 0; }
network_do() {
    proxy_do network_one "$@"
    proxy_do network_two "$@"
}

# terminate: every session ends, the writers' too.
strike_terminate() { sessions_end true; }
heal_terminate() { :; }

# limit COUNT: the relays may have only so many connections, and those they have end.
strike_limit() {
    sql "alter role relay connection limit $1"
    sessions_end "usename = 'relay'"
}
heal_limit() { sql 'alter role relay connection limit -1'; }

sessions_end() {
    sql "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid() and $1" >/dev/null
}

# broker: SNS is not there. It comes back with what it knew, but for its rules: poison that it takes meanwhile is not
# held against anybody.
strike_broker() { process_stop "$system_dir/fake.pid"; }
heal_broker() { faults_fake; }

# pause TOPIC: by hand.
strike_pause() { sql "select outbox.pause('$1')" >/dev/null; }
heal_pause() { sql "select outbox.resume('$1')" >/dev/null; }

# rule JSON: a fault of the fake's. One that strikes connections also strikes ours, for a while.
strike_rule() { rule_id[$fault_number]=$(fake_fault "$1" | jq --raw-output .id); }
heal_rule() { wait_for 10 "the fake forgets rule ${rule_id[$fault_number]}" rule_is_gone; }
rule_is_gone() {
    local rules
    rules=$(fake_control GET faults 2>/dev/null) || return 1
    [[ $rules == *"\"id\":\"${rule_id[$fault_number]}\""* ]] || return 0
    fake_clear "${rule_id[$fault_number]}" >/dev/null 2>&1
}
