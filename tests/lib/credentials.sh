# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Credentials that are handed out and expire, for system tests. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir, system_root and fake_url are set there

# credentials_start [ARGUMENT...] starts tests/lib/credentials.mjs for the fake (system_fake), sets credentials_url and
# forgets the keys of the environment. process_stop "$system_dir/credentials.pid" stops it.
credentials_start() {
    local log=$system_dir/credentials.log
    process_start "$system_dir/credentials.pid" "$log" node "$system_root/tests/lib/credentials.mjs" \
        --fake "$fake_url" "$@"
    wait_until 10 grep -q '^listening on ' "$log" || fail "the credentials' endpoint did not start"
    credentials_url=http://$(sed -n 's/^listening on //p' "$log")
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}

# credentials_fail SECONDS has it answer nothing but 500, credentials_live SECONDS changes how long new ones live,
# credentials_count NAME prints a count: given, failed, unauthorized.
credentials_fail() { credentials_post fail "{\"for\": $1}"; }
credentials_live() { credentials_post live "{\"seconds\": $1}"; }
credentials_post() { curl --silent --show-error --fail --max-time 10 --data "$2" "$credentials_url/$1" >/dev/null; }
credentials_count() { curl --silent --fail --max-time 10 "$credentials_url/stats" | jq ".$1"; }
credentials_at_least() { (($(credentials_count given) >= $1)); }

# events_blamed counts the events that an outage has been held against.
events_blamed() { sql 'select count(*) from outbox.event where attempts > 0 or parked_at is not null'; }
