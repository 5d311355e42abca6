#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# apply.sh up|down [inbox]: what `outbox-relay migrate` does with the SQL files, by hand, in the database that PG* names.
# Every file of migrations/ is a transaction of its own, those of sql/ are one together, in order of their names.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
folder=${2:+/$2}

# The search path is the one that the program sets.
run() {
    PGOPTIONS='-c search_path=pg_catalog,pg_temp' psql --no-psqlrc --quiet --single-transaction \
        --set ON_ERROR_STOP=1 "${@/#/--file=}"
}

case ${1:-} in
up)
    for file in "$root/migrations$folder"/*.up.sql; do
        run "$file"
    done
    run "$root/sql$folder"/*.sql
    ;;
down)
    files=()
    for file in "$root/migrations$folder"/*.down.sql; do
        files=("$file" "${files[@]}")
    done
    for file in "${files[@]}"; do
        run "$file"
    done
    ;;
*)
    printf 'usage: apply.sh up|down [inbox]\n' >&2
    exit 2
    ;;
esac
