#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Credentials that live for seconds, from each kind of place, under load: they are fetched anew in time, and not one
# publish fails; where they are withdrawn, or nobody hands them out, events wait and are not blamed.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/events.sh
source "${BASH_SOURCE[0]%/*}/../lib/events.sh"
# shellcheck source=../lib/credentials.sh
source "${BASH_SOURCE[0]%/*}/../lib/credentials.sh"

refused() { fake_stats | jq --compact-output .refused; }
published_at_least() { (($(wc -l <"$system_dir/published") >= $1)); }

# load COMMAND... inserts events, a few all the time, until the command succeeds, and waits until all are sent.
load() {
    local deadline=$((SECONDS + 60))
    until "$@"; do
        ((SECONDS < deadline)) || fail "gave up: $*"
        events_insert 20
        sleep 0.1
    done
    events_wait_all_sent 30
}

# refreshes NAME PATTERN [VARIABLE=VALUE...] runs a relay under load through six sets of credentials.
refreshes() {
    local name=$1 pattern=$2 before
    shift 2
    before=$(refused)
    relay_start "$name" "$@"
    load credentials_at_least $(($(credentials_count given) + 6))
    relay_stop "$name" 0
    assert_equal "$name: not one publish fails" "$before" "$(refused)"
    assert_match "$name: the log says where they are from, and until when" \
        "AWS credentials are there source=\"?$pattern\"? expires=20[0-9-]+T" "$(<"$system_dir/$name.log")"
    assert_equal "$name: nothing is warned of" "" "$(grep -E ' (warn|error) ' "$system_dir/$name.log" || true)"
    assert_equal "$name: no event is blamed" 0 "$(events_blamed)"
}

system_begin
system_postgres
system_database events
system_fake
printf 'Bearer of-the-pod\n' >"$system_dir/token"
credentials_start --seconds 3 --token "Bearer of-the-pod"

refreshes container 'container \(127.0.0.1\)' AWS_CONTAINER_CREDENTIALS_FULL_URI="$credentials_url/credentials" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$system_dir/token"
refreshes metadata 'instance metadata \(role relay-role\)' AWS_EC2_METADATA_SERVICE_ENDPOINT="$credentials_url" \
    AWS_EC2_METADATA_DISABLED=false

cat >"$system_dir/program" <<'PROGRAM'
#!/bin/sh
curl --silent --fail --header "Authorization: Bearer of-the-pod" "$1/credentials" |
    jq '{Version: 1, AccessKeyId, SecretAccessKey, SessionToken: .Token, Expiration}'
PROGRAM
chmod +x "$system_dir/program"
printf '[profile helper]\ncredential_process = "%s" %s\n' "$system_dir/program" "$credentials_url" >"$system_dir/config"
refreshes process 'profile helper \(credential_process\)' AWS_PROFILE=helper AWS_CONFIG_FILE="$system_dir/config"

# STS gives what lives for a quarter of an hour at least, so these are fetched once.
base64_url() { base64 --wrap 0 | tr '+/' '-_' | tr -d =; }
printf '%s.%s.signature\n' "$(printf '{}' | base64_url)" "$(printf '{"sub":"pod","iss":"here"}' | base64_url)" >"$system_dir/jwt"
relay_start identity AWS_WEB_IDENTITY_TOKEN_FILE="$system_dir/jwt" AWS_ROLE_ARN=arn:aws:iam::000000000000:role/relay
events_insert 100
events_wait_all_sent 30
relay_stop identity 0
assert_match "web identity: a role's keys are used" 'source="?web identity \(role arn:aws:iam::000000000000:role/relay\)' \
    "$(<"$system_dir/identity.log")"

printf '[profile assumed]\nrole_arn = arn:aws:iam::000000000000:role/other\nsource_profile = base\n' >"$system_dir/config"
printf '[base]\naws_access_key_id = local\naws_secret_access_key = local\n' >"$system_dir/credentials"
relay_start assumed AWS_PROFILE=assumed AWS_CONFIG_FILE="$system_dir/config" \
    AWS_SHARED_CREDENTIALS_FILE="$system_dir/credentials"
events_insert 100
events_wait_all_sent 30
relay_stop assumed 0
assert_match "profile: a role is assumed with another's keys" \
    'source="?profile assumed \(role arn:aws:iam::000000000000:role/other\)' "$(<"$system_dir/assumed.log")"

# Whoever hands them out fails for longer than they live: events wait, and go when it is over.
credentials_live 3
relay_start outage AWS_CONTAINER_CREDENTIALS_FULL_URI="$credentials_url/credentials" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$system_dir/token"
events_insert 100
events_wait_all_sent 30
credentials_fail 6
wait_for 20 "they have expired" relay_log outage 'error .*AWS credentials have expired, publishing waits for new ones'
before=$(refused)
events_insert 500
events_wait_all_sent 30
assert_equal "outage: what had expired was not even tried" "$before" "$(refused)"
assert_match "outage: the log says what is wrong" \
    'warn .*AWS credentials cannot be refreshed reason="container: 127.0.0.1 answers HTTP 500: InternalError: not now"' \
    "$(<"$system_dir/outage.log")"
assert_equal "outage: no event is blamed" 0 "$(events_blamed)"

# Withdrawn before their time: refused once, and new ones are fetched at once. The rest that a failure brings is longer
# than the test waits.
credentials_live 3600
wait_for 20 "a long-lived set is there" relay_log outage 'credentials are there .*expires=.*'
load credentials_at_least $(($(credentials_count given) + 1))
relay_stop outage 0
relay_start withdrawn AWS_CONTAINER_CREDENTIALS_FULL_URI="$credentials_url/credentials" OUTBOX_RETRY_BASE=2s \
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$system_dir/token"
events_insert 100
events_wait_all_sent 30
fake_fault '{"kind": "expire_token"}' >/dev/null
events_insert 500
events_wait_all_sent 30
assert_match "withdrawn: new ones are fetched" 'AWS refuses the credentials, new ones are fetched' "$(<"$system_dir/withdrawn.log")"
assert_equal "withdrawn: no event is blamed" 0 "$(events_blamed)"
relay_stop withdrawn 0
fake_clear >/dev/null
events_check
assert_passed "every event is published"

# Nothing at all is configured: that is said, for each place. What is configured and fails is waited for.
status=0
output=$(AWS_EC2_METADATA_DISABLED=true "$relay" run 2>&1) || status=$?
assert_equal "none: exit code" 5 "$status"
for place in 'environment: AWS_ACCESS_KEY_ID' 'web identity: AWS_WEB_IDENTITY_TOKEN_FILE' 'profile: no profile default' \
    'container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI' 'instance metadata: AWS_EC2_METADATA_DISABLED'; do
    assert_match "none: the report names it" "$place" "$output"
done
status=0
output=$(AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 "$relay" run 2>&1) || status=$?
assert_equal "no metadata service: exit code" 5 "$status"
assert_match "no metadata service: it is named" 'instance metadata: http://127.0.0.1:1 does not answer for a token' "$output"
relay_start late AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/
wait_for 20 "it says that it waits" relay_log late 'warn .*AWS credentials cannot be had, publishing waits for them'
relay_wait_ready late
relay_stop late 0
system_end
