#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A relay finds its endpoint and its region through a profile of the AWS config file, topics of another region go to
# theirs, and what is wrong with the file is said at the start.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

arn() { printf 'arn:aws:sns:%s:000000000000:%s' "$1" "$2"; }
# run_relay [VARIABLE=VALUE...] runs until nothing is left, sets `status`, and keeps what it says in relay.log.
run_relay() {
    status=0
    timeout 60 env "$@" "$relay" run --until-empty >"$system_dir/relay.log" 2>&1 || status=$?
}
# refused NAME PATTERN: it ends at once with exit code 2, and says why; the text of the file is not shown.
refused() {
    run_relay "${@:3}"
    assert_equal "$1" 2 "$status"
    assert_match "$1, and says so" "$2" "$(<"$system_dir/relay.log")"
}

system_begin
system_postgres
system_database events
system_fake
unset AWS_ENDPOINT_URL AWS_REGION OUTBOX_TOPIC_ARN
export AWS_PROFILE=relay AWS_CONFIG_FILE=$system_dir/config
cat >"$AWS_CONFIG_FILE" <<END
[default]
endpoint_url = http://127.0.0.1:9

[profile relay]
region = us-east-1
services = local
endpoint_url = http://127.0.0.1:9

[services local]
sns =
  # the fake
  endpoint_url = $fake_url
END

sql "select outbox.route('order.**', '$(arn us-east-1 orders)'), outbox.route('user.**', '$(arn eu-west-1 users)')" >/dev/null
sql "select outbox.publish('order.created', 'order-1', '{}'), outbox.publish('user.joined', 'eve', '{}')" >/dev/null
run_relay
assert_equal "all is sent to the endpoint of the services section" 0 "$status"
assert_equal "each event to its topic, signed for the topic's region" '["orders","users"]' \
    "$(jq --slurp --compact-output 'map(.topic) | sort' "$system_dir/published")"
assert_equal "no request is refused" '{}' "$(fake_stats | jq --compact-output .refused)"

refused "a profile that is nowhere is refused" "AWS_PROFILE is \"other\", but there is no such profile in .*$AWS_CONFIG_FILE" \
    AWS_PROFILE=other
refused "FIPS does not go with an address of one's own" \
    'endpoint_url of sns in the AWS section \[services local\] cannot be used together with AWS_USE_FIPS_ENDPOINT' \
    AWS_USE_FIPS_ENDPOINT=true
refused "a topic of another partition is refused" 'must begin with arn:aws-cn:sns:cn-north-1:' \
    "OUTBOX_TOPIC_ARN=$(arn cn-north-1 orders)"
printf '\nhidden\n' >>"$AWS_CONFIG_FILE"
refused "a malformed file is refused" "$AWS_CONFIG_FILE, line 14: a line must be"
assert_equal "but not shown" "" "$(grep hidden "$system_dir/relay.log" || true)"
system_end
