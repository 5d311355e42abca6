#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay check where the server is not reached straight, or is not the one to write to; and what handlers in SQL
# need. Each trouble is gone once its remedy was run as it is written.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/findings.sh
source "${BASH_SOURCE[0]%/*}/../lib/findings.sh"
# shellcheck source=../lib/pooler.sh
source "${BASH_SOURCE[0]%/*}/../lib/pooler.sh"
# shellcheck source=../lib/standby.sh
source "${BASH_SOURCE[0]%/*}/../lib/standby.sh"

system_begin
system_postgres
system_database events
as_superuser 'create role relay login in role outbox_relay'

findings_look PGUSER=relay
found server.fsync warning 'fsync is off'
assert_match "where that is set" 'command line.*-c fsync=on' "$(finding server.fsync remedy)"
gone database.pooler
pooler_start
findings_look PGUSER=relay PGPORT="$pooler_port"
found database.pooler note 'found by polling'
assert_match "and what would help" 'OUTBOX_POLL_INTERVAL=' "$(finding database.pooler remedy)"

# Handlers in SQL.
handler=OUTBOX_ON='order.**=sql:shop.reserve_stock'
findings_look PGUSER=relay
gone inbox.missing inbox.handler handlers.none
findings_look PGUSER=relay OUTBOX_SINK=handlers
assert_equal "no handlers: exit code" 8 "$findings_code"
found handlers.none error 'there are no handlers'
assert_match "and how to name one" "OUTBOX_ON='order" "$(finding handlers.none remedy)"
findings_look PGUSER=relay OUTBOX_SINK=handlers "$handler"
gone handlers.none
findings_look PGUSER=relay "$handler"
found inbox.missing error
remedy_run inbox.missing
findings_look PGUSER=relay "$handler"
gone inbox.missing
found inbox.rights error 'may not use schema inbox$'
remedy_run inbox.rights
findings_look PGUSER=relay "$handler"
found inbox.handler error 'there is no schema of that name'
as_superuser 'create schema shop; create function shop.reserve_stock(event jsonb) returns void language sql as $$ select $$
    ; revoke execute on function shop.reserve_stock from public'
for _ in 1 2; do # the schema, then the function
    findings_look PGUSER=relay "$handler"
    found inbox.rights error 'role "relay" may not'
    remedy_run inbox.rights
done
findings_look PGUSER=relay "$handler"
gone inbox.rights inbox.handler
found inbox.handler ok 'shop.reserve_stock can be called'
as_superuser "update inbox.migration set checksum = 'another' where version = 0"
findings_look PGUSER=relay
found inbox.functions warning
remedy_run inbox.functions
findings_look PGUSER=relay OUTBOX_ON='order.**=smtp:nobody'
gone inbox.functions
found handlers error

standby_start standby "$PGPORT"
export PGUSER=relay
findings_look PGPORT="$postgres_port"
found database.standby error 'read-only standby'
both="$postgres_port,$PGPORT"
eval "$(finding database.standby remedy | grep '^export ')"
findings_look PGHOST=127.0.0.1,127.0.0.1 PGPORT="$both"
gone database.standby
found database ok " port $PGPORT,"
findings_look PGPORT="$postgres_port"
found database.standby error 'session is read-only'
system_end
