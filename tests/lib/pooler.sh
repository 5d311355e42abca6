# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# PgBouncer, for system tests. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir is set there

# pooler_start starts PgBouncer in a folder of its own, the first time on a port that was free; sets pooler_port. Run by root
# it belongs to the user postgres, since it refuses to run as root. Roles postgres and relay may log in; pooler_size is the
# number of its connections for each, pooler_mode its mode (transaction).
pooler_start() {
    local dir=$system_dir/pooler try as=()
    pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || fail "the package pgbouncer is missing"
    ((EUID != 0)) || as=(setpriv --reuid=postgres --regid=postgres --init-groups)
    for try in {1..20}; do
        pooler_configure "$dir" "${pooler_port:-$((20000 + RANDOM % 12000))}"
        process_start "$system_dir/pooler.pid" "$system_dir/pooler.log" "${as[@]}" "$pgbouncer" "$dir/pgbouncer.ini"
        if wait_until 10 pooler_decided && pooler_answers; then
            pooler_port=$port_tried
            return
        fi
        process_stop "$system_dir/pooler.pid"
    done
    fail "PgBouncer did not start ($try times)"
}
pooler_configure() {
    local dir=$1
    port_tried=$2
    postgres_own_folder "$dir"
    printf '"postgres" ""\n"relay" ""\n' >"$dir/users"
    cat >"$dir/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$PGPORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port_tried
unix_socket_dir =
auth_type = trust
auth_file = $dir/users
pool_mode = ${pooler_mode:-transaction}
default_pool_size = ${pooler_size:-20}
server_round_robin = 1
server_login_retry = 1
admin_users = postgres
INI
}
pooler_answers() { PGPORT=$port_tried PGDATABASE=pgbouncer sql 'show version' >/dev/null 2>&1; }
pooler_decided() { process_stopped "$system_dir/pooler.pid" || pooler_answers; }
