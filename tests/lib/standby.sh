# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A primary and its standby, for system tests. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir is set there

# standby_start NAME PRIMARY_PORT [PORT] makes a copy of that server in "$system_dir/NAME" and starts it as its standby,
# on a free port or this one; sets postgres_port. sql goes on to the primary.
standby_start() {
    local dir=$system_dir/$1 primary=$2 host=$PGHOST port=$PGPORT database=$PGDATABASE
    rm -rf "$dir"
    postgres_own_folder "$dir"
    (as_postgres "$dir" pg_basebackup --pgdata "$dir/data" --checkpoint fast --wal-method stream --write-recovery-conf \
        --no-sync --host 127.0.0.1 --port "$primary") >"$dir/postgres.log" 2>&1 || postgres_fail "$dir"
    PG_FSYNC=off postgres_start "$dir" "${3:-}"
    export PGHOST=$host PGPORT=$port PGDATABASE=$database
    wait_for_sql 30 "the standby $1 streams" "select count(*) = 1 from pg_stat_replication where state = 'streaming'"
}

# server_kill NAME kills its postmaster: the others of the server's processes notice and end.
server_kill() {
    local postmaster
    read -r postmaster <"$system_dir/$1/data/postmaster.pid"
    kill -KILL "$postmaster"
    wait_for 30 "the server $1 is gone" server_is_gone "$1"
    rm -f "$system_dir/$1/data/postmaster.pid"
}
server_is_gone() { [[ -z $(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$system_dir/$1/data" 2>/dev/null || true) ]]; }

server_promote() { (as_postgres "$system_dir/$1" pg_ctl promote --silent --wait --pgdata "$system_dir/$1/data") >/dev/null; }
