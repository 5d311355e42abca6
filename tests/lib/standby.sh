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
    (standby_copy "$dir" "$primary") >"$dir/postgres.log" 2>&1 || postgres_fail "$dir"
    PG_FSYNC=off postgres_start "$dir" "${3:-}"
    export PGHOST=$host PGPORT=$port PGDATABASE=$database
    wait_for_sql 30 "the standby $1 streams" "select count(*) = 1 from pg_stat_replication where state = 'streaming'"
}

# The copy is made by hand: a pg_basebackup copies no server that is newer than itself. The functions' names are those
# of PostgreSQL 15 and newer, or of 14.
standby_copy() {
    local data=$1/data
    export PGPORT=$2 PGDATABASE=postgres standby_from standby_to=$data standby_files
    standby_from=$(sql 'show data_directory')
    standby_files="$(declare -f standby_copy_files); standby_copy_files"
    psql --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --set label="$data/backup_label" <<'SQL' || return
select current_setting('server_version_num')::int < 150000 as old \gset
\if :old
    select pg_start_backup('standby', fast => true, exclusive => false);
\else
    select pg_backup_start('standby', fast => true);
\endif
\! bash -c "$standby_files"
\if :old
    select labelfile from pg_stop_backup(exclusive => false, wait_for_archive => false) \g :label
\else
    select labelfile from pg_backup_stop(wait_for_archive => false) \g :label
\endif
SQL
    : >"$data/standby.signal"
    printf "primary_conninfo = 'user=postgres host=127.0.0.1 port=%s'\n" "$2" >>"$data/postgresql.auto.conf"
    ((EUID != 0)) || chown postgres: "$data/backup_label" "$data/standby.signal"
}
standby_copy_files() { # tar's 1 says that files have changed meanwhile, as they may
    local status=0
    mkdir -m 700 "$standby_to"
    ((EUID != 0)) || chown --reference="$standby_from" "$standby_to"
    { tar --create --directory "$standby_from" --ignore-failed-read --exclude './pg_wal/?*' --exclude './pg_replslot/?*' \
        --exclude './postmaster.*' --exclude ./standby.signal . || status=$?; ((status <= 1)); } |
        tar --extract --preserve-permissions --directory "$standby_to"
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
