#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong is said once, with the value, the rule and the remedy, and with the exit code of its cause; a password is
# never shown.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

password=hunter2hunter secret=s3cr3tkeys3cr3t
: "${everything:=}"

# fails NAME CODE PATTERN WORD... runs "env WORD... outbox-relay", the words up to -- being settings.
fails() {
    local name=$1 code=$2 pattern=$3 settings=() status=0 output
    shift 3
    while [[ $1 != -- ]]; do
        settings+=("$1")
        shift
    done
    shift
    output=$(timeout 20 env "${settings[@]}" "$relay" "$@" 2>&1 </dev/null) || status=$?
    everything+=$output$'\n'
    assert_equal "$name: exit code" "$code" "$status"
    assert_match "$name: message" "$pattern" "$output"
}

# sql_fails NAME PATTERN STATEMENT
sql_fails() {
    local output status=0
    output=$(sql "$3" 2>&1) || status=$?
    assert_equal "$1: refused" 1 "$status"
    assert_match "$1: message" "$2" "$output"
}

system_begin
PG_AUTH=password system_postgres
system_empty_database events
server=127.0.0.1:$PGPORT
export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=AKIDLOCAL AWS_SECRET_ACCESS_KEY=$secret AWS_ENDPOINT_URL=http://127.0.0.1:9
export OUTBOX_TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:events

fails "wrong password" 3 'password authentication failed for user "postgres"' \
    "DATABASE_URL=postgresql://postgres:$password@$server/events" -- run
fails "no server there" 3 'port 1 failed: Connection refused' "DATABASE_URL=postgresql://postgres:$password@127.0.0.1:1/events" -- run
fails "no such host" 3 'no.such.host.invalid' "DATABASE_URL=postgresql://postgres:$password@no.such.host.invalid/events" -- run
fails "no such database" 3 'database "nosuch" does not exist' PGDATABASE=nosuch -- run
fails "a URL that is none" 2 'DATABASE_URL .*no valid connection string; write postgresql://' \
    "DATABASE_URL=postgresql://postgres:$password/$password@$server/events" -- run
fails "no schema" 4 'schema outbox is missing.*run "outbox-relay migrate up"' -- run
fails "no schema to publish to" 4 '^outbox-relay: schema outbox is missing in this database; run "outbox-relay migrate up"$' \
    -- publish order.created o '{}'
"$relay" migrate up >"$system_dir/migrate.log"

fails "unknown command" 2 'unknown command rum; outbox-relay help lists them' -- rum
fails "unknown option" 2 'unknown option --batch-row; did you mean --batch-rows' -- run --batch-row 1
fails "a number out of range" 2 '--batch-rows is "0"; it must be a whole number from 1 to 10000' -- run --batch-rows 0
fails "a duration without unit" 2 'OUTBOX_POLL_INTERVAL is "5"; it must be a duration such as 500ms' OUTBOX_POLL_INTERVAL=5 -- run
fails "no such sink" 2 'OUTBOX_SINK is "kafka"; it must be one of .*sns.*stdout' OUTBOX_SINK=kafka -- run
fails "no region" 2 'AWS_REGION is "US east": a region is .* as in eu-west-1' 'AWS_REGION=US east' -- run
fails "no topic's ARN" 2 '"events" is not the ARN of an SNS topic: .* as in arn:aws:sns:' OUTBOX_TOPIC_ARN=events -- run
fails "another service's ARN" 2 'the service must be sns, as in arn:aws:sns:' OUTBOX_TOPIC_ARN=arn:aws:sqs:us-east-1:000000000000:events -- run
fails "no credentials" 5 'no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' \
    AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= -- run
fails "half the credentials" 5 'AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not' AWS_SECRET_ACCESS_KEY= -- run
fails "a secret's file that is not there" 2 'AWS_SECRET_ACCESS_KEY_FILE: the file /no/such cannot be read: No such file' \
    AWS_SECRET_ACCESS_KEY= AWS_SECRET_ACCESS_KEY_FILE=/no/such -- run
fails "an endpoint without scheme" 2 'AWS_ENDPOINT_URL is "localhost:99": it must begin with https:// or http://' \
    AWS_ENDPOINT_URL=localhost:99 -- run
fails "an endpoint with a password" 2 'AWS_ENDPOINT_URL holds an @' "AWS_ENDPOINT_URL=http://user:$password@localhost:99" -- run

fails "a malformed type" 3 'event_type "Order.Created" is refused: it must be words.*hint: Name the event like order.created' \
    -- publish Order.Created o '{}'
fails "data that is no JSON" 3 'invalid input syntax for type json' -- publish order.created o '{x'
fails "operands missing" 2 'publish needs TYPE AGGREGATE DATA' -- publish order.created
sql_fails "an event without aggregate" 'aggregate_id "" is refused: .*HINT: ' "select outbox.publish('order.created', '', '{}')"
sql_fails "an event without data" 'data is NULL.*HINT: ' "select outbox.publish('order.created', 'o', null)"
sql_fails "an oversized event" 'data "\(300002 bytes\)" is refused: .* must be 262144 bytes at most.*HINT: +Store the content elsewhere' \
    "select outbox.publish('order.created', 'o', to_json(repeat('x', 300000)))"
sql_fails "metadata that is no object" 'metadata "\(array, 2 bytes\)" is refused: it must be a JSON object' \
    "select outbox.publish('order.created', 'o', '{}', '[]')"
sql_fails "a route's pattern" 'pattern "order.\*\*\*" is refused: .*HINT: +Write order.created' \
    "select outbox.route('order.***', 'arn:aws:sns:us-east-1:000000000000:x')"
sql_fails "a route's topic" 'topic_arn "topic" is refused: it must be the ARN of an SNS topic' "select outbox.route('order.*', 'topic')"
sql_fails "a route's format" 'format "xml" is refused: it must be domain-event, cloudevents or data' \
    "select outbox.route('order.*', 'arn:aws:sns:us-east-1:000000000000:x', 'xml')"

sql "create role writer login in role outbox_writer password '$password'"
sql "create role stranger login in role outbox_relay password '$password'"
sql "create database closed"
sql "revoke connect on database closed from public"
fails "a role that may not connect" 3 'SQLSTATE 42501.*GRANT CONNECT ON DATABASE' "DATABASE_URL=postgresql://stranger:$password@${server}/closed" -- run
fails "a role that may not" 3 'permission denied for table migration' "DATABASE_URL=postgresql://writer:$password@$server/events" -- run
sql "create role nobody_yet login password '$password'"
nobody=DATABASE_URL=postgresql://nobody_yet:$password@$server/events
while read -r role command; do
    # shellcheck disable=SC2086 # words
    fails "a role that may not ${command%% *}" 3 "permission denied .*; the role needs: GRANT $role TO \.\.\.$" "$nobody" -- $command
done <<'END'
outbox_writer publish order.created o {}
outbox_reader status
outbox_relay retry 1
outbox_relay park 1
outbox_relay pause arn:aws:sns:us-east-1:000000000000:events
outbox_relay resume arn:aws:sns:us-east-1:000000000000:events
outbox_relay prune --older-than 7d
END
sql "alter table outbox.event enable row level security; grant outbox_writer to nobody_yet"
fails "what a policy denies, no role gives" 3 'row-level security policy for table "event"$' "$nobody" -- publish order.created o '{}'
sql "alter table outbox.event disable row level security
    ; create function public.audit() returns trigger language plpgsql as 'begin perform public.absent(); return new; end'
    ; create trigger audit before insert on outbox.event for each row execute function public.audit()"
fails "what a trigger lacks" 3 'function public.absent\(\) does not exist' "$nobody" -- publish order.created o '{}'
sql "drop trigger audit on outbox.event; drop function public.audit"
sql "insert into outbox.migration values (99, '0099_future.up.sql', 'x')"
fails "a newer schema" 4 'newer than this program: it has migration 99 .*upgrade outbox-relay' -- run
fails "a newer schema, migrating" 4 'newer than this program' -- migrate up
sql "delete from outbox.migration where version = 99; update outbox.migration set checksum = 'feedfeedfeed' where version = 1"
fails "another release's schema" 4 'is not the file that was applied to this database' -- run
sql "delete from outbox.migration where version = 1"
fails "an older schema" 4 'run "outbox-relay migrate up"' -- run

for hidden in "$password" "$secret" "$PGPASSWORD"; do
    assert_equal "no output shows a password or a secret" 0 "$(grep -cF -- "$hidden" <<<"$everything" || true)"
done
system_end
