# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A private PostgreSQL server in a folder of its own, on 127.0.0.1 and a port that was free. Meant to be sourced after
# common.sh. Any cluster that the machine has stays as it is.

# postgres_bin NAME prints the path of a server program (initdb, pg_ctl, …) of the newest PostgreSQL installed, or of the
# one in the folder POSTGRES_BIN, if that has it.
postgres_bin() {
    local found
    if [[ -x ${POSTGRES_BIN:-}/$1 ]]; then
        printf '%s\n' "$POSTGRES_BIN/$1"
        return 0 # in an exit trap, return alone returns what the script ends with
    fi
    found=$(compgen -G "/usr/lib/postgresql/*/bin/$1" | sort -V | tail -n 1)
    [[ $found ]] || fail "PostgreSQL's program $1 is not in /usr/lib/postgresql/*/bin: install the package postgresql"
    printf '%s\n' "$found"
}

# postgres_major prints the major version of the newest PostgreSQL installed: 15.
postgres_major() {
    local initdb
    initdb=$(POSTGRES_BIN='' postgres_bin initdb) || exit
    initdb=${initdb#/usr/lib/postgresql/}
    printf '%s\n' "${initdb%%/*}"
}

# postgres_start DIR [PORT] makes a cluster in DIR/data unless there is one, starts it, waits until it answers, and
# exports PGHOST, PGPORT, PGUSER and PGDATABASE. The log is DIR/postgres.log. Run by root, the server belongs to the
# user postgres, since it refuses to run as root; then so does DIR, and PORT 5432 stays free for others.
#   PG_FSYNC=off         faster, for tests that do not measure
#   PG_AUTH=password     logins over TCP need PGPASSWORD, which is made up and exported; otherwise anyone on this machine
#                        may log in, which suits throw-away data only
#   PG_OPTIONS='-c …'    more server settings
postgres_start() {
    local dir=$1 port=${2:-}
    postgres_own_folder "$dir"
    [[ -s $dir/data/PG_VERSION ]] || postgres_init "$dir"
    if [[ ${PG_AUTH:-trust} == password ]]; then
        PGPASSWORD=$(<"$dir/password")
        export PGPASSWORD
    fi
    if [[ $port ]]; then
        postgres_start_on "$dir" "$port" || postgres_fail "$dir"
    else
        postgres_start_anywhere "$dir"
    fi
    export PGHOST=127.0.0.1 PGPORT=$postgres_port PGUSER=postgres PGDATABASE=postgres
}

# postgres_stop DIR [fast|immediate] stops that server and waits until it is gone; immediate is a crash. No server, no
# error.
postgres_stop() {
    local dir=$1 mode=${2:-fast}
    [[ -s $dir/data/postmaster.pid ]] || return 0
    as_postgres "$dir" pg_ctl stop --silent --pgdata "$dir/data" --mode "$mode" --wait >/dev/null || true
}

# postgres_running DIR is true while that server runs.
postgres_running() {
    [[ -s $1/data/postmaster.pid ]] && as_postgres "$1" pg_ctl status --pgdata "$1/data" >/dev/null 2>&1
}

postgres_own_folder() {
    mkdir -p "$1"
    : >>"$1/postgres.log"
    ((EUID == 0)) || return 0
    chown postgres: "$1" "$1/postgres.log"
    setpriv --reuid=postgres --regid=postgres --init-groups test -w "$1" ||
        fail "the user postgres cannot reach $1: choose a folder whose parents everyone may enter (chmod o+x)"
}

postgres_init() {
    local dir=$1 method=trust
    (umask 077 && head -c 18 /dev/urandom | base64 >"$dir/password")
    ((EUID != 0)) || chown postgres: "$dir/password"
    [[ ${PG_AUTH:-trust} != password ]] || method=scram-sha-256
    (as_postgres "$dir" initdb --pgdata "$dir/data" --username postgres --pwfile "$dir/password" \
        --auth-local "$method" --auth-host "$method" --encoding UTF8 --locale C.UTF-8 --no-sync) \
        >"$dir/postgres.log" 2>&1 || postgres_fail "$dir"
}

# A port is free when the server could bind it; there is no surer test.
postgres_start_anywhere() {
    local dir=$1 try
    for try in {1..20}; do
        ((try < 20)) || postgres_fail "$dir"
        if postgres_start_on "$dir" $((20000 + RANDOM % 12000)); then
            return
        fi
        grep -q 'could not create any TCP/IP sockets' "$dir/postgres.log" || postgres_fail "$dir"
        : >"$dir/postgres.log"
    done
}

# No socket in the file system: its path must be shorter than 108 bytes, and a folder may be deeper than that.
postgres_start_on() {
    local dir=$1
    postgres_port=$2
    local options="-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    options+=" -c fsync=${PG_FSYNC:-on} -c max_prepared_transactions=10 ${PG_OPTIONS:-}"
    (as_postgres "$dir" pg_ctl start --silent --wait --timeout 60 --pgdata "$dir/data" --log "$dir/postgres.log" \
        --options "$options") >/dev/null 2>&1
}

postgres_fail() {
    tail -n 20 "$1/postgres.log" >&2
    fail "PostgreSQL did not start in $1 (its log is above)"
}

# (Calls with redirected output are in parentheses, so that a trap which runs meanwhile still has the script's own.)
# as_postgres DIR PROGRAM ARGUMENT... runs a server program as the user who may, from a folder which that user can read. (A
# server would take PGPORT, which may be a client's list of ports, for its own.)
as_postgres() {
    local dir=$1 program
    program=$(postgres_bin "$2") || exit
    shift 2
    if ((EUID == 0)); then
        (cd "$dir" && env --unset=PGPORT setpriv --reuid=postgres --regid=postgres --init-groups "$program" "$@")
    else
        (cd "$dir" && env --unset=PGPORT "$program" "$@")
    fi
}
