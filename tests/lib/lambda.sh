# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# AWS Lambda for system tests: its runtime API, the function, and the application its handlers call. Meant to be sourced
# after system.sh.
# shellcheck disable=SC2034,SC2154 # system_dir and system_root are set there; lambda_port and handler_url are for the test

# lambda_api starts tests/lib/lambda_api.mjs, which see, and sets lambda_port; what it is asked is in
# "$system_dir/api". A second time it begins anew. lambda_handler [KEY CERTIFICATE] starts tests/lib/handler.mjs, which
# see, and sets handler_url; what it was posted is in "$system_dir/handled".
lambda_api() {
    process_stop "$system_dir/api.pid"
    : >"$system_dir/api"
    lambda_port=$(lambda_server api lambda_api.mjs "$system_dir/api")
}
lambda_handler() {
    : >"$system_dir/handled"
    handler_url=http${1:+s}://127.0.0.1:$(lambda_server handler handler.mjs "$system_dir/handled" "$@")/events
}
lambda_server() {
    local name=$1 program=$2 log=$system_dir/$1.log
    shift 2
    : >"$log"
    process_start "$system_dir/$name.pid" "$log" node "$system_root/tests/lib/$program" "$@"
    wait_until 10 grep -q '^listening on ' "$log" || fail "$program did not start"
    sed -n 's/^listening on //p' "$log"
}

# lambda_invoke JSON hands out an invocation, lambda_init JSON says what an error at the start is answered with.
lambda_invoke() { lambda_control invocations "$1"; }
lambda_init() { lambda_control init "$1"; }
lambda_control() {
    curl --silent --show-error --fail --max-time 10 --data "$2" "http://127.0.0.1:$lambda_port/_fake/$1" >/dev/null
}

# lambda_message ID NUMBER TYPE [DATA [GROUP]] prints a record of an event: a raw delivery of event NUMBER. lambda_event
# QUEUE RECORD... prints the event. lambda_event_id NUMBER prints the event id.
lambda_message() {
    jq --null-input --compact-output --arg id "$1" --arg event "$(lambda_event_id "$2")" --arg type "$3" \
        --argjson data "${4:-null}" --arg group "${5:-}" '
        def text: {stringValue: ., stringListValues: [], binaryListValues: [], dataType: "String"};
        {messageId: $id, receiptHandle: "AQEB/\($id)==",
         body: ({eventId: $event, eventType: $type, eventVersion: "1.0", aggregateId: "order-1",
                 occurredOn: "2026-01-31T12:34:56.789Z", sequence: 42, data: $data, metadata: {}} | tojson),
         attributes: ({ApproximateReceiveCount: "1", SentTimestamp: "1545082649183"} +
                      if $group == "" then {} else {MessageGroupId: $group} end),
         messageAttributes: {"event-id": ($event | text), "event-type": ($type | text)},
         eventSource: "aws:sqs", awsRegion: "us-east-1"}'
}
lambda_event() {
    local queue=$1
    shift
    printf '%s\n' "$@" | jq --slurp --compact-output --arg queue "arn:aws:sqs:us-east-1:000000000000:$queue" \
        '{Records: map(. + {eventSourceARN: $queue})}'
}
lambda_event_id() { printf '00000000-0000-4000-8000-%012d\n' "$1"; }

# lambda_start NAME [VARIABLE=VALUE...] starts the function, as Lambda would: with nothing in its environment but this.
# relay_wait, relay_stop and so on take its NAME.
lambda_start() {
    local name=$1
    shift
    process_start "$system_dir/$name.pid" "$system_dir/$name.log" env -i AWS_LAMBDA_RUNTIME_API="127.0.0.1:$lambda_port" \
        AWS_LAMBDA_FUNCTION_NAME=orders "${lambda_environment[@]}" "$@" "${lambda_program[@]}"
    printf -v "relay_pid_$name" '%s' "$process_id"
}

# lambda_asked WHAT counts the requests so far: next, response, error, init. lambda_await WHAT COUNT waits for them.
# lambda_failed NUMBER prints the messages that response NUMBER, from 1, wants again.
lambda_asked() { grep --count "\"what\":\"$1\"" "$system_dir/api" || true; }
lambda_asked_at_least() { (($(lambda_asked "$1") >= $2)); }
lambda_await() { wait_for "${3:-10}" "$2 times $1" lambda_asked_at_least "$1" "$2"; }
lambda_failed() {
    grep '"what":"response"' "$system_dir/api" | sed -n "$1p" |
        jq --raw-output '[.body.batchItemFailures[].itemIdentifier] | join(" ")'
}

# lambda_handled NUMBER counts how often the application was called for an event.
lambda_handled() { grep --count "$(lambda_event_id "$1")" "$system_dir/handled" || true; }
