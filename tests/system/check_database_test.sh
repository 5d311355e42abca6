#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay check, the way to the database, the schema, the role and the server: each trouble is provoked, found, and
# gone once its remedy was run as it is written.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/findings.sh
source "${BASH_SOURCE[0]%/*}/../lib/findings.sh"

system_begin
PG_FSYNC=on system_postgres
system_database events
major=$(($(sql 'show server_version_num') / 10000))
as_superuser "create role relay_of_shop login in role outbox_relay; create role shop login in role outbox_writer;
    create role locked login password 'right' in role outbox_relay; create role barred login; create role group_only"
export PGUSER=relay_of_shop

findings_look
assert_equal "nothing is wrong: exit code" 0 "$findings_code"
assert_equal "nothing is wrong: no more than notes" '["relays.none"]' \
    "$(jq --compact-output 'map(select(.level != "ok") | .name)' <<<"$findings")"
found database ok '^PostgreSQL [0-9.]+ at 127.0.0.1 port [0-9]+, database events, as role relay_of_shop$'
found server.settings ok
found schema ok
found rights ok
found rights.writers ok ': shop$'

# The way there.
findings_look PGPORT=1
assert_equal "no server: exit code" 8 "$findings_code"
found database.unreachable error 'Connection refused'
assert_equal "no server: nothing else" 1 "$(jq length <<<"$findings")"
findings_look DATABASE_URL=events
found database.url error 'no valid connection string; write postgresql://'
assert_equal "a string that is none: it says what to write, and nothing of the network" "" "$(finding database.url remedy)"
sed -i '1i host all locked 127.0.0.1/32 scram-sha-256\nhost all barred 127.0.0.1/32 reject' \
    "$system_dir/postgres/data/pg_hba.conf"
as_superuser 'select pg_reload_conf()' >/dev/null
password_counts() { ! PGUSER=locked sql 'select 1' >/dev/null 2>&1; }
wait_for 10 "pg_hba.conf is read" password_counts
findings_look DATABASE_URL="postgresql://locked:wr0ng@127.0.0.1:$PGPORT/events"
found database.password error 'password authentication failed'
assert_fails "the password is in no output" grep -q wr0ng "$system_dir/check.log" - <<<"$findings"
findings_look PGUSER=locked
found database.password error 'no password supplied'
findings_look PGUSER=locked PGPASSWORD=right
gone database.password
findings_look PGUSER=barred
found database.hba error 'pg_hba.conf rejects'
findings_look PGUSER=group_only
found database.login error
remedy_run database.login
findings_look PGUSER=group_only
gone database.login
found rights.missing error '^role group_only lacks: '
findings_look PGUSER=nobody_yet
found database.role error
remedy_run database.role
findings_look PGUSER=nobody_yet
gone database.role rights.missing
findings_look PGDATABASE=elsewhere
found database.missing error
remedy_run database.missing
findings_look PGDATABASE=elsewhere
gone database.missing
as_superuser 'alter role relay_of_shop connection limit 0'
findings_look
found database.full error 'too many connections for role'
remedy_run database.full
as_superuser 'alter role relay_of_shop connection limit 3; alter database events connection limit 4'
findings_look OUTBOX_CLAIMS=4
found server.connections warning 'the role has 0 of 3 connections in use: the relay needs 6 more'
remedy_run server.connections
findings_look OUTBOX_CLAIMS=4
gone server.connections

# TLS: the server has it, and a connection that asks for none has none.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 \
    -keyout "$system_dir/postgres/key.pem" -out "$system_dir/postgres/certificate.pem" 2>/dev/null
((EUID != 0)) || chown postgres: "$system_dir/postgres/"*.pem
chmod 600 "$system_dir/postgres/key.pem"
findings_look PGSSLMODE=require
found database.tls error 'does not support SSL'
as_superuser "alter system set ssl_cert_file = '$system_dir/postgres/certificate.pem'
    ; alter system set ssl_key_file = '$system_dir/postgres/key.pem'; alter system set ssl = on
    ; select pg_reload_conf()" >/dev/null
wait_for_sql 10 "TLS is on" "select setting::boolean from pg_settings where name = 'ssl'"
findings_look PGSSLMODE=require
found database.tls ok 'TLSv1'
findings_look PGSSLMODE=verify-full PGSSLROOTCERT=/dev/null
found database.tls error
findings_look PGSSLMODE=disable
gone database.tls database.plain # nobody is between on this machine

# A server or role that only reads; an encoding that is none.
as_superuser 'alter role relay_of_shop set default_transaction_read_only = on'
findings_look
found database.read_only error 'set by: user'
remedy_run database.read_only
findings_look
gone database.read_only
as_superuser 'alter role relay_of_shop reset all; alter role relay_of_shop in database events reset all
    ; alter database events set default_transaction_read_only = on'
findings_look
found database.read_only error 'set by: database'
remedy_run database.read_only
findings_look
gone database.read_only
as_superuser 'set default_transaction_read_only = off; alter database events reset default_transaction_read_only'
findings_look PGOPTIONS='-c default_transaction_read_only=on'
found database.read_only error 'set by: client'
as_superuser "create database ascii encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0"
findings_look PGDATABASE=ascii
found database.encoding error 'SQL_ASCII'

# The schema's version.
as_superuser 'create database empty'
findings_look PGDATABASE=empty
found schema.missing error 'schema outbox is missing'
assert_equal "no rights to what is not there are looked at" "" "$(finding rights)$(finding rights.writers)"
PGDATABASE=empty remedy_run schema.missing
findings_look PGDATABASE=empty
gone schema.missing
as_superuser "insert into outbox.migration (version, name, checksum) values (999, 'future', '')"
findings_look
found schema.newer error 'has migration 999'
as_superuser 'delete from outbox.migration where version = 999; create table kept as select * from outbox.migration;
    delete from outbox.migration where version = 1'
findings_look
found schema.older error '0001_outbox.up.sql is not applied'
as_superuser "insert into outbox.migration select * from kept where version = 1;
    update outbox.migration set checksum = 'another' where version = 1"
findings_look
found schema.other error 'is not the file that was applied'
as_superuser "update outbox.migration set checksum = (select checksum from kept where version = 1) where version = 1;
    update outbox.migration set checksum = 'another' where version = 0; drop view outbox.relays"
findings_look
found schema.functions warning
found relays.unknown warning
remedy_run schema.functions
findings_look
gone schema.functions schema relays.unknown

# Rights.
as_superuser 'revoke outbox_relay from relay_of_shop'
findings_look
found rights.missing error '^role relay_of_shop lacks: .*, and [0-9]+ more$'
assert_equal "one grant is enough" 'GRANT outbox_relay TO relay_of_shop;' "$(finding rights.missing remedy)"
remedy_run rights.missing
# With what the remedy grants, and nothing else, all that relays and status ask can be asked.
as_superuser 'revoke all on all tables in schema outbox from outbox_relay; revoke all on schema outbox from outbox_relay;
    revoke all on all functions in schema outbox from outbox_relay; revoke all on all sequences in schema outbox from outbox_relay'
findings_look
remedy_run rights.missing
findings_look
gone rights.missing
as_superuser "insert into outbox.event (event_type, aggregate_id, data) values ('order.made', 'o', '{}');
    select outbox.route('order.**', 'arn:aws:sns:eu-central-1:123456789012:orders')" >/dev/null
code=0
OUTBOX_SINK=stdout OUTBOX_RETENTION=1h "$relay" run --until-empty >/dev/null 2>"$system_dir/relay.log" || code=$?
assert_equal "a relay may do what it does" "0 " "$code $(grep -i denied "$system_dir/relay.log" || true)"
assert_equal "and may be asked how it stands" "order.made" "$("$relay" status --json | jq --raw-output '.by_type[].event_type')"
assert_equal "and may measure and prune" "0" \
    "$(sql "select count(*) from outbox.backlog(), outbox.blockers, outbox.prune_step('1 hour', 0, 10)")"
as_superuser 'revoke update (sent_at), select on outbox.event from outbox_relay;
    revoke execute on function outbox.look(bigint, bigint) from outbox_relay;
    revoke usage on schema outbox from outbox_relay'
findings_look
found rights.missing error \
    '^role relay_of_shop lacks: EXECUTE ON FUNCTION outbox.look\(bigint,bigint\), .*UPDATE \(sent_at\) ON outbox.event'
remedy_run rights.missing
findings_look
gone rights.missing
as_superuser 'alter role relay_of_shop noinherit; revoke outbox_relay from relay_of_shop;
    grant outbox_relay to relay_of_shop'
findings_look
found rights.missing error
remedy_run rights.missing
findings_look
gone rights.missing
as_superuser 'alter table outbox.event enable row level security; revoke outbox_writer from shop'
findings_look
found rights.row_security error
found rights.writers note
remedy_run rights.row_security
as_superuser "$(finding rights.writers remedy | sed 's/"ROLE OF THE APPLICATION"/shop/')"
findings_look
gone rights.row_security rights.writers
findings_look PGUSER=postgres
found rights.more note 'postgres is a superuser'
remedy_run rights.more
findings_look PGUSER=relay
gone rights.more rights.missing

# Settings.
as_superuser "alter role relay_of_shop set synchronous_commit = off; alter role relay_of_shop set statement_timeout = '1s';
    alter role relay_of_shop set lock_timeout = '10ms'; alter role relay_of_shop set idle_session_timeout = '30s';
    alter role relay_of_shop set track_activities = off; alter role relay_of_shop set track_counts = off;
    alter database events set log_statement = 'all'; alter system set full_page_writes = off;
    alter system set autovacuum = off; select pg_reload_conf()" >/dev/null
harmful=(statement_timeout lock_timeout track_counts synchronous_commit idle_session_timeout track_activities log_statement)
if ((major >= 17)); then
    as_superuser "alter role relay_of_shop set transaction_timeout = '30s'"
    harmful+=(transaction_timeout)
fi
wait_for_sql 10 "the settings are read" "select current_setting('autovacuum') = 'off'"
findings_look
for name in full_page_writes autovacuum "${harmful[@]}"; do
    case $name in
        synchronous_commit | idle_session_timeout | track_activities | log_statement) found "server.$name" note ;;
        *) found "server.$name" warning ;;
    esac
    remedy_run "server.$name"
done
wait_for_sql 10 "the settings are read" \
    "select current_setting('autovacuum') = 'on' and current_setting('full_page_writes') = 'on'"
findings_look
gone server.full_page_writes server.autovacuum "${harmful[@]/#/server.}"
found server.settings ok

system_end
