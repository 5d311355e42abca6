#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A server whose messages are in German: what went wrong is known by its SQLSTATE, never by an English text.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/sql_driver.sh
source "${BASH_SOURCE[0]%/*}/../lib/sql_driver.sh"

# fails NAME CODE PATTERN VARIABLE=VALUE... runs a relay that is to end by itself, with this code and a text that matches.
fails() {
    local name=$1 code=$2 pattern=$3 status=0
    shift 3
    env "$@" timeout 30 "$relay" run --sink stdout --until-empty >"$system_dir/fails.log" 2>&1 || status=$?
    assert_match "$name" "^$code .*$pattern" "$status $(<"$system_dir/fails.log")"
}

system_begin
# (No locale has to be installed: the language counts in C.UTF-8 as well. Builds without translations speak English.)
LANGUAGE=de PG_AUTH=password system_postgres
system_database events
server=127.0.0.1:$PGPORT
language=en
[[ $(PGPASSWORD=wrong psql --no-psqlrc "postgresql://postgres@$server/events" 2>&1 || true) != *Passwort-Authentifizierung* ]] || language=de
say "# the server speaks $language"
[[ $language == de || ${POSTGRES_BIN:-} ]] || fail "Debian's PostgreSQL should speak German"
sql "create role relay login password 'sesame' in role outbox_relay; create role nobody login password 'sesame'"

# shellcheck disable=SC2034 # expands in the names below
fails "a wrong password" 3 'relay.* \(SQLSTATE 28P01\)$' "DATABASE_URL=postgresql://relay:wrong@$server/events"
fails "no such database" 3 'nowhere.* \(SQLSTATE 3D000\)$' "DATABASE_URL=postgresql://relay:sesame@$server/nowhere"
fails "no right to the schema" 3 'SQLSTATE 42501.*GRANT outbox_relay TO' "DATABASE_URL=postgresql://nobody:sesame@$server/events"
sql "drop table outbox.state cascade"
fails "no table" 3 'outbox.state.* \(SQLSTATE 42P01\)' "DATABASE_URL=postgresql://relay:sesame@$server/events"

# Handlers: a wrong password is no outage, and a plan that has become outdated is made anew.
inbox_create
sql "create schema app; create function app.take(event jsonb) returns void language sql as \$\$select\$\$"
events 1 | driver_run locked DATABASE_URL="postgresql://relay:wrong@$server/events" -- app.take
assert_match "handlers: a wrong password is no outage" '^broken 3 .*\(SQLSTATE 28P01\)' "$(<"$system_dir/locked.said")"
sql "create sequence app.calls;
     create function app.outdated(event jsonb) returns void language plpgsql as \$\$
     begin
         if nextval('app.calls') = 1 then
             raise 'gepufferter Plan darf den Ergebnistyp nicht ändern' using errcode = '0A000';
         end if;
     end \$\$"
events 1 2 3 | driver_run outdated -- app.outdated
assert_equal "handlers: a plan that has become outdated is made anew" "done=3" "$(outcomes outdated)"
system_end
