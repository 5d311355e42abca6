#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The config file, and SIGHUP: a relay that runs takes up what may change without a restart (a rotated password and AWS
# key, limits, the log), says what may not, keeps all as it was when the file is wrong, and never ends by the signal.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

config() { printf '%s\n' "$@" >"$system_dir/config"; }
hang_up() { relay_signal "$1" HUP; }

# rejects NAME PATTERN LINE... starts a relay whose config file has these lines, and that ends with code 2.
rejects() {
    local name=$1 pattern=$2 status=0 output
    shift 2
    config "$@"
    output=$(timeout 20 "$relay" run --config "$system_dir/config" 2>&1) || status=$?
    assert_equal "$name: exit code" 2 "$status"
    assert_match "$name: message" "$pattern" "$output"
}

system_begin
PG_AUTH=password system_postgres
system_database events
sql "create role relay login superuser password 'hunter2-one'" >/dev/null
system_fake
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
key() {
    fake_control POST credentials "{\"accessKeyId\": \"AKID$1\", \"secret\": \"s3cr3t-$1\"}" >/dev/null
}
key_files() {
    printf 'AKID%s\n' "$1" >"$system_dir/id"
    printf 's3cr3t-%s\n' "$1" >"$system_dir/key"
}
url() { printf 'postgresql://relay:%s@127.0.0.1:%s/events\n' "$1" "$PGPORT" >"$system_dir/url"; }
key ONE
key_files ONE
url hunter2-one

rejects "a misspelt name" 'line 2 of .*/config: OUTBOX_SINKS is no setting; did you mean OUTBOX_SINK' '# ours' OUTBOX_SINKS=stdout
rejects "a wrong value" 'OUTBOX_CLAIMS \(line 1 of .*/config\) is "many"; it must be a whole number from 1 to 16' OUTBOX_CLAIMS=many
rejects "an open quote" 'line 1 of .*/config: the value of OUTBOX_SINK begins with a quote that nothing closes' "OUTBOX_SINK='stdout"

common=("DATABASE_URL_FILE=$system_dir/url" "AWS_ACCESS_KEY_ID_FILE='$system_dir/id'" "AWS_SECRET_ACCESS_KEY_FILE=$system_dir/key"
    SHOP_COLOUR=red)
config "${common[@]}" OUTBOX_CLAIMS=2 OUTBOX_MAX_ATTEMPTS=9
relay_start relay -- --config "$system_dir/config" --retry-max 9s
relay_wait_ready relay
events_insert 10
events_wait_all_sent 20
assert_passed "a relay publishes with what the file says"

config "${common[@]}" OUTBOX_MAX_ATTEMPTS=2 'OUTBOX_RATE_LIMIT =5'
hang_up relay
wait_for 20 "the relay says what is wrong with the file" relay_log relay \
    'the settings cannot be read again, the earlier ones stay in use reason="line 6 of .*leave out the blanks'
assert_passed "a wrong file changes nothing"
url 'hunter2@one'
config "${common[@]}"
hang_up relay
wait_for 20 "nor does a value that cannot be used" relay_log relay 'the settings cannot be used, .*DATABASE_URL .not shown'

sql "alter role relay password 'hunter2-two'"
url hunter2-two
key TWO
key_files TWO
config "${common[@]}" OUTBOX_CLAIMS=3 OUTBOX_RETRY_MAX=1s OUTBOX_MAX_ATTEMPTS=1 OUTBOX_RATE_LIMIT=900 OUTBOX_LOG_FORMAT=json
hang_up relay
wait_for 20 "the relay says what has changed" relay_log relay '"message":"settings read again","changed":"DATABASE_URL, '
changed=$(grep -h '"settings read again"' "$system_dir/relay.log" | jq --raw-output .changed)
assert_equal "what has changed" "DATABASE_URL, OUTBOX_MAX_ATTEMPTS, OUTBOX_RATE_LIMIT, OUTBOX_LOG_FORMAT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY" \
    "$changed"
assert_equal "what needs a restart" OUTBOX_CLAIMS \
    "$(grep -h 'need a restart' "$system_dir/relay.log" | jq --raw-output .settings)"
sql "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'relay'" >/dev/null
wait_for 30 "the relay connects with the new password" relay_log relay 'connected again'
events_insert 10
wait_for_sql 60 "events are signed with the new key" 'select count(*) = 0 from outbox.event where sent_at is null'
assert_passed "a rotated password and key are taken up"
fake_fault '{"kind":"fail_entry","code":"InvalidParameter","senderFault":true,"count":1}' >/dev/null
events_insert 1
wait_for_sql 20 "one refusal is enough now" 'select count(*) = 1 from outbox.event where parked_at is not null and attempts = 1'
sql 'delete from outbox.event where parked_at is not null'
assert_passed "one refusal is enough now"

url hunter2-two
sed -i 's,/events,/other,' "$system_dir/url"
hang_up relay
wait_for 20 "another database needs a restart" relay_log relay 'need a restart.*"settings":"DATABASE_URL, OUTBOX_CLAIMS"'
url hunter2-two
for _ in {1..50}; do hang_up relay; done
events_insert 10
events_wait_all_sent 20
relay_stop relay 0
assert_equal "no secret is logged" "" "$(grep -E 'hunter2|s3cr3t' "$system_dir/relay.log" || true)"

# Without a config file the files of _FILE variables are read all the same.
printf 'whsec_%s\n' "$(head -c 24 /dev/zero | base64)" >"$system_dir/webhook"
"$relay" migrate up --inbox >"$system_dir/inbox.log" 2>&1
queue_make orders
consumer_start consumer OUTBOX_QUEUE_URL="$queue_url" OUTBOX_ON='**=exec:true' OUTBOX_WEBHOOK_SECRET_FILE="$system_dir/webhook" \
    AWS_ACCESS_KEY_ID_FILE="$system_dir/id" AWS_SECRET_ACCESS_KEY_FILE="$system_dir/key" OUTBOX_WAIT_TIME=1s
wait_for 20 "the consumer is ready" relay_log consumer ' ready '
printf 'whsec_%s\n' "$(head -c 24 /dev/urandom | base64)" >"$system_dir/webhook"
hang_up consumer
wait_for 20 "the consumer takes up a new secret" relay_log consumer 'settings read again changed=OUTBOX_WEBHOOK_SECRET$'
relay_stop consumer 0
assert_passed "a consumer takes up a new secret"

config OUTBOX_SINK=stdout "DATABASE_URL=$(<"$system_dir/url")"
chmod 644 "$system_dir/config"
"$relay" run --until-empty --config "$system_dir/config" >/dev/null 2>"$system_dir/exposed.log"
assert_match "a file with secrets that all may read" "warn  the config file holds secrets.*file=$system_dir/config" "$(<"$system_dir/exposed.log")"
system_end
