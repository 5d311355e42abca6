#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Secrets do not appear: not in logs at debug level, error texts, help, the process list, /proc/PID/environ, the
# environment of a child, a core dump or the database, whatever kind of credentials the relay runs on.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/credentials.sh
source "${BASH_SOURCE[0]%/*}/../lib/credentials.sh"

# What tests/lib/credentials.mjs hands out begins with secret- and session-.
hidden='hunter2|s3cr3t|secret-[0-9a-f]{8}|session-[A-Za-z0-9+/]{8}'

# seen_of PID is what others can see of a process. (/proc/PID/environ is root's alone.)
seen_of() {
    tr '\0' '\n' <"/proc/$1/cmdline"
    { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null || true
}

# runs NAME [VARIABLE=VALUE...] publishes an event with a relay at debug level, and searches what can be seen.
runs() {
    local name=$1
    shift
    relay_start "$name" OUTBOX_LOG_LEVEL=debug "$@"
    events_insert 10
    events_wait_all_sent 30
    seen_of "$(relay_pid "$name")" >>"$system_dir/seen"
    relay_stop "$name" 0
    assert_equal "$name: the log at debug level" "" "$(grep -E -- "$hidden" "$system_dir/$name.log" || true)"
}

# refuses NAME CODE PATTERN [VARIABLE=VALUE...] starts a relay that ends with an error.
refuses() {
    local name=$1 code=$2 pattern=$3 status=0 output
    shift 3
    output=$(timeout 20 env OUTBOX_LOG_LEVEL=debug "$@" "$relay" run 2>&1) || status=$?
    assert_equal "$name: exit code" "$code" "$status"
    assert_match "$name: message" "$pattern" "$output"
    assert_equal "$name: no secret" "" "$(grep -E -- "$hidden" <<<"$output" || true)"
}

# waits NAME PATTERN [VARIABLE=VALUE...] starts a relay that waits for credentials, and says why.
waits() {
    local name=$1 pattern=$2
    shift 2
    relay_start "$name" OUTBOX_LOG_LEVEL=debug "$@"
    wait_for 20 "relay $name says why it waits" relay_log "$name" "AWS credentials cannot be had.*$pattern"
    relay_stop "$name" 0
    assert_equal "$name: no secret" "" "$(grep -E -- "$hidden" "$system_dir/$name.log" || true)"
}

system_begin
PG_AUTH=password system_postgres
system_database events
sql "create role relay login superuser password 'hunter2-database'" >/dev/null
export DATABASE_URL="postgresql://relay:hunter2-database@127.0.0.1:$PGPORT/events"
system_fake
fake_control POST credentials '{"accessKeyId": "AKIDTEST", "secret": "s3cr3t-key", "token": "s3cr3t-token"}' >/dev/null
keys=(AWS_ACCESS_KEY_ID=AKIDTEST AWS_SECRET_ACCESS_KEY=s3cr3t-key AWS_SESSION_TOKEN=s3cr3t-token)

runs environment "${keys[@]}"
runs environment_json OUTBOX_LOG_FORMAT=json "${keys[@]}"

# A payload is nobody's business but the consumers': not at debug level, and not when its event is refused and parked.
printf 'DATABASE_URL=%s\n' "$DATABASE_URL" >"$system_dir/relay.env"
for format in text json; do
    fake_fault '{"kind":"fail_entry","code":"InvalidParameter","senderFault":true,"message":"bad &\"quoted\" entry"}' >/dev/null
    relay_start "hostile_$format" DATABASE_URL= OUTBOX_CONFIG="$system_dir/relay.env" OUTBOX_LOG_LEVEL=debug \
        OUTBOX_LOG_FORMAT="$format" OUTBOX_MAX_ATTEMPTS=1 "${keys[@]}"
    sql "select outbox.publish('card.paid', e'hunter2-\u0085\u202e\"\\\\', '{\"card\": \"s3cr3t-4111\"}',
                               '{\"correlationId\": \"s3cr3t-correlation\"}')" >/dev/null
    wait_for_sql 30 "one is parked" "select count(*) = 1 from outbox.event where parked_at is not null"
    fake_clear >/dev/null
    relay_stop "hostile_$format" 0
    assert_match "a parked event is named, $format" 'an event is parked.*bad' "$(<"$system_dir/hostile_$format.log")"
    assert_equal "no payload in the log, $format" "" "$(grep -E -- "$hidden" "$system_dir/hostile_$format.log" || true)"
    sql 'delete from outbox.event where parked_at is not null'
done
assert_equal "every line is JSON" "$(wc -l <"$system_dir/hostile_json.log")" \
    "$(jq --compact-output 'select(.time and .level and .message)' "$system_dir/hostile_json.log" | wc -l)"

credentials_start --seconds 600 --token s3cr3t-authorization
runs container AWS_CONTAINER_CREDENTIALS_FULL_URI="$credentials_url/credentials" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN=s3cr3t-authorization
runs metadata AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT="$credentials_url"

base64_url() { base64 --wrap 0 | tr '+/' '-_' | tr -d =; }
printf '%s.%s.s3cr3t\n' "$(printf '{}' | base64_url)" "$(printf '{"sub":"pod"}' | base64_url)" >"$system_dir/jwt"
runs identity AWS_WEB_IDENTITY_TOKEN_FILE="$system_dir/jwt" AWS_ROLE_ARN=arn:aws:iam::000000000000:role/relay

cat >"$system_dir/program" <<PROGRAM
#!/bin/sh
env >"$system_dir/child"
tr '\\0' '\\n' <"/proc/\$PPID/environ" >>"$system_dir/child" 2>/dev/null
echo '{"Version":1,"AccessKeyId":"AKIDTEST","SecretAccessKey":"s3cr3t-key","SessionToken":"s3cr3t-token"}'
PROGRAM
chmod +x "$system_dir/program"
cat >"$system_dir/config" <<CONFIG
[profile process]
credential_process = $system_dir/program
[profile keys]
aws_access_key_id = AKIDTEST
aws_secret_access_key = s3cr3t-key
aws_session_token = s3cr3t-token
[profile assumed]
role_arn = arn:aws:iam::000000000000:role/other
source_profile = keys
[profile broken]
aws_access_key_id = AKIDTEST
aws_secret_access_key = s3cr3t key
[profile garbage]
credential_process = echo '{"Version":1,"SecretAccessKey":"s3cr3t-key"} s3cr3t'
[profile nothing]
credential_process = echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s3cr3t key"}'
CONFIG
export AWS_CONFIG_FILE=$system_dir/config
runs process AWS_PROFILE=process
assert_equal "a child inherits no secret" "" "$(grep -E -- "$hidden" "$system_dir/child" || true)"
assert_match "but all else" 'AWS_PROFILE=process' "$(<"$system_dir/child")"
runs keys AWS_PROFILE=keys
runs assumed AWS_PROFILE=assumed

waits broken 'aws_secret_access_key holds byte 0x20' AWS_PROFILE=broken
waits garbage 'is not one JSON object' AWS_PROFILE=garbage
waits nothing 'SecretAccessKey holds byte 0x20' AWS_PROFILE=nothing
waits unauthorized '127.0.0.1 answers HTTP 401' AWS_CONTAINER_CREDENTIALS_FULL_URI="$credentials_url/credentials" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN=s3cr3t-but-wrong
waits header 'AWS_CONTAINER_AUTHORIZATION_TOKEN holds byte 0x0a' AWS_CONTAINER_AUTHORIZATION_TOKEN=$'s3cr3t\nX-Evil: 1' \
    AWS_CONTAINER_CREDENTIALS_FULL_URI="$credentials_url/credentials"
printf 's3cr3t.s3cr3t' >"$system_dir/bad_jwt"
waits token 'HTTP 400 InvalidIdentityToken' AWS_WEB_IDENTITY_TOKEN_FILE="$system_dir/bad_jwt" \
    AWS_ROLE_ARN=arn:aws:iam::000000000000:role/relay
refuses "half a pair" 5 'AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not' AWS_SECRET_ACCESS_KEY=s3cr3t-key
refuses "a blank" 5 'AWS_SECRET_ACCESS_KEY holds byte 0x20' AWS_ACCESS_KEY_ID=AKIDTEST "AWS_SECRET_ACCESS_KEY=s3cr3t key"
refuses "a token in a handler's URL" 2 'line 1: the URL at "https://hooks.example": it must have no fragment' \
    'OUTBOX_ON=order.created=http:https://hooks.example/s3cr3t?token=s3cr3t#note' OUTBOX_SINK=handlers
refuses "a password in a URL" 2 'AWS_CONTAINER_CREDENTIALS_FULL_URI holds an @' \
    AWS_CONTAINER_CREDENTIALS_FULL_URI=http://user:hunter2@127.0.0.1/
printf '[profile x]\naws_secret_access_key s3cr3t\n' >"$system_dir/malformed"
refuses "a malformed file" 2 'malformed' AWS_CONFIG_FILE="$system_dir/malformed"

assert_equal "the process list and /proc show none" "" "$(grep -E -- "$hidden" "$system_dir/seen" || true)"
assert_match "though they were looked at" "$relay" "$(<"$system_dir/seen")"
# shellcheck disable=SC2016 # the parts of the loop are the shell's that runs it
assert_equal "help shows none" "" "$(env "${keys[@]}" bash -c '"$0" help run; "$0" help settings; "$0" run --help' "$relay" |
    grep -E -- "$hidden" || true)"
# (Not by pg_dump, which dumps no server that is newer than itself.)
PGPASSWORD=hunter2-database psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 "$DATABASE_URL" >"$system_dir/dump" <<'SQL'
select format('copy %s to stdout', oid::regclass) from pg_class where relkind = 'r' and relnamespace in ('outbox'::regnamespace, 'public'::regnamespace) \gexec
SQL
assert_match "the database is looked at" "outbox|order" "$(<"$system_dir/dump")"
assert_equal "and has none" "" "$(grep -E -- "$hidden" "$system_dir/dump" || true)"

mkdir "$system_dir/cores"
(cd "$system_dir/cores" && ulimit -c unlimited && relay_start crash "${keys[@]}" && relay_wait_ready crash && relay_signal crash ABRT &&
    wait_for 20 "it has ended" process_stopped "$system_dir/crash.pid")
assert_equal "no core is dumped" "" "$(ls "$system_dir/cores")"
system_end
