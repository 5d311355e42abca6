#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [NAME...]: suite.sh on a private PostgreSQL, which is stopped and removed at the end.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=../../deploy/lib/common.sh
source "$here/../../deploy/lib/common.sh"
# shellcheck source=../../deploy/lib/postgres.sh
source "$here/../../deploy/lib/postgres.sh"

dir=$(mktemp -d)
chmod 711 "$dir"
stop() {
    postgres_stop "$dir/postgres" immediate
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Autovacuum would take new statistics while a test has its own.
PG_FSYNC=off PG_OPTIONS='-c autovacuum=off -c max_prepared_transactions=5' postgres_start "$dir/postgres"
"$here/suite.sh" "$@"
