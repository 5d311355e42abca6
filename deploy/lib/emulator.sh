# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The SNS and SQS emulator of deploy/emulator, on 127.0.0.1. Meant to be sourced after common.sh.

emulator_folder=$(cd "${BASH_SOURCE[0]%/*}/../emulator" && pwd)

# emulator_alone forgets what the caller's environment, shared files and machine say of AWS: it is meant for AWS.
emulator_alone() {
    local name
    for name in $(compgen -e | grep '^AWS_' || true); do
        unset "$name"
    done
    export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
}

# emulator_start PORT DIR starts it (0 takes a free port), waits until it answers, and exports what an AWS client needs:
# AWS_ENDPOINT_URL, AWS_REGION and credentials (which are not checked). Log and process id are kept in DIR.
emulator_start() {
    local port=$1 dir=$2
    emulator_install
    mkdir -p "$dir"
    : >"$dir/emulator.log"
    PORT=$port process_start "$dir/emulator.pid" "$dir/emulator.log" node "$emulator_folder/server.mjs"
    if ! wait_until 20 emulator_settled "$dir" || process_stopped "$dir/emulator.pid"; then
        emulator_fail "$dir"
    fi
    AWS_ENDPOINT_URL=http://$(sed -n 's/^listening on //p' "$dir/emulator.log")
    export AWS_ENDPOINT_URL AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    curl --silent --fail --max-time 10 --output /dev/null "$AWS_ENDPOINT_URL/health" || emulator_fail "$dir"
}

# emulator_stop DIR stops it; what it held is gone. No emulator, no error.
emulator_stop() { process_stop "$1/emulator.pid"; }

# emulator_aws COMMAND... calls SNS or SQS: see deploy/emulator/aws.mjs.
emulator_aws() { node "$emulator_folder/aws.mjs" "$@"; }

# It listens, or it has ended.
emulator_settled() { grep -q '^listening on ' "$1/emulator.log" || process_stopped "$1/emulator.pid"; }

emulator_install() { npm_install "$emulator_folder" "the SNS and SQS emulator"; }

# npm_install FOLDER WHAT installs the npm packages of a folder, once for each package-lock.json, however many ask for them at
# the same time.
npm_install() { (
    local log npm_lock lock=$1/package-lock.json installed=$1/node_modules/.installed
    exec {npm_lock}<"$lock"
    flock "$npm_lock"
    cmp --silent "$lock" "$installed" && exit
    say "installing $2 (npm)"
    log=$(mktemp)
    if ! (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "npm could not install $2: is npm's registry reachable?"
    fi
    rm -f "$log"
    cp "$lock" "$installed"
); }

emulator_fail() {
    tail -n 20 "$1/emulator.log" >&2
    fail "the SNS and SQS emulator did not start (its log is above)"
}
