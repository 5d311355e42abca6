#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite.sh [NAME...]: the pgTAP tests tests/sql/NAME.sql (all of them) on the server that PG* names, by a superuser.
# Each has a database of its own, so that it may commit, break things and be read alone. Both schemas are applied
# by a role that is no superuser.
set -euo pipefail

SQL_TESTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
export SQL_TESTS

command -v pg_prove >/dev/null || {
    printf 'pg_prove is missing: install libtap-parser-sourcehandler-pgtap-perl, or run tests/run.sh\n' >&2
    exit 1
}

query() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$1" --command "$2"; }

make_template() {
    query postgres 'CREATE ROLE outbox_owner LOGIN CREATEROLE'
    query postgres 'CREATE DATABASE outbox_template OWNER outbox_owner'
    query outbox_template 'CREATE EXTENSION pgtap'
    query outbox_template 'CREATE EXTENSION dblink'
    PGUSER=outbox_owner PGDATABASE=outbox_template "$SQL_TESTS/apply.sh" up
    PGUSER=outbox_owner PGDATABASE=outbox_template "$SQL_TESTS/apply.sh" up inbox
}

run_test() {
    query postgres "CREATE DATABASE outbox_test_$1 TEMPLATE outbox_template OWNER outbox_owner"
    PGOPTIONS='-c client_min_messages=warning -c lock_timeout=30s' pg_prove --failures --comments --dbname "outbox_test_$1" "$SQL_TESTS/$1.sql"
}

if (($# == 0)); then
    for file in "$SQL_TESTS"/*.sql; do
        set -- "$@" "$(basename "$file" .sql)"
    done
fi

status=0
make_template
for name in "$@"; do
    printf '%s\n' "$name"
    run_test "$name" || status=1
done
exit "$status"
