#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The function in AWS Lambda: batches of standard and FIFO queues, what fails and only that comes again, the deadline is
# kept, and it ends when it cannot go on.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/lambda.sh
source "${BASH_SOURCE[0]%/*}/../lib/lambda.sh"

# invoke EVENT [JSON] hands out an invocation; JSON are its other members.
invoke() { lambda_invoke "$(jq --compact-output "{event: .} + ${2:-{\}}" <<<"$1")"; }

# ends NAME CODE PATTERN [VARIABLE=VALUE...] starts a function that ends by itself.
ends() {
    local name=$1 code=$2 pattern=$3
    shift 3
    lambda_start "$name" "$@"
    relay_wait "$name" "$code" 10
    assert_match "$name: it says why" "$pattern" "$(<"$system_dir/$name.log")"
}

system_begin
lambda_handler
ln -s "$(realpath "$relay")" "$system_dir/bootstrap"
lambda_program=("$system_dir/bootstrap")
lambda_environment=(OUTBOX_ON="order.**=http:$handler_url")
no=$(jq --null-input --compact-output '{statuses: [500]}')

# One process, by the name Lambda calls it, handles one invocation after the other.
lambda_api
lambda_start function
invoke "$(lambda_event orders "$(lambda_message m-1 1 order.created)" "$(lambda_message m-2 2 order.created "$no")" \
    "$(lambda_message m-3 3 order.created)" "$(lambda_message m-4 4 user.left)")"
lambda_await response 1
assert_equal "what fails comes again, and only that" m-2 "$(lambda_failed 1)"
assert_equal "the others are handled once" "1 1 1" "$(lambda_handled 1) $(lambda_handled 2) $(lambda_handled 3)"
assert_equal "what has no handler is done" 0 "$(lambda_handled 4)"
assert_equal "the handler gets the event's id" "$(lambda_event_id 1)" \
    "$(jq --raw-output 'select(.id | endswith("001")).key' "$system_dir/handled")"

invoke "$(lambda_event orders.fifo "$(lambda_message a-1 11 order.created null a)" \
    "$(lambda_message b-1 12 order.created null b)" "$(lambda_message a-2 13 order.paid "$no" a)" \
    "$(lambda_message a-3 14 order.sent null a)" "$(lambda_message b-2 15 order.paid null b)")"
lambda_await response 2
assert_equal "FIFO: what comes after a failure comes again behind it" "a-2 a-3" "$(lambda_failed 2)"
assert_equal "and was not handled before it" "1 0 1" "$(lambda_handled 13) $(lambda_handled 14) $(lambda_handled 15)"

invoke "$(lambda_event orders "$(lambda_message m-5 5 order.created)" "$(lambda_message m-6 6 order.created)" |
    jq --compact-output '.Records[0].body = "no event" | .Records[0].messageAttributes = {} |
        .Records[1].body = ({Type: "Notification", MessageId: "n-1", TopicArn: "arn:aws:sns:us-east-1:000000000000:orders",
            Message: .Records[1].body, Timestamp: "2026-01-31T12:34:56.789Z"} | tojson) |
        .Records[1].messageAttributes = {}')"
lambda_await response 3
assert_equal "a message that is no event fails, an envelope is opened" "m-5 1" "$(lambda_failed 3) $(lambda_handled 6)"

lambda_invoke '{"event": {"Records": [{"EventSource": "aws:sns", "Sns": {}}]}}'
lambda_invoke '{"raw": "no JSON"}'
lambda_await error 2
assert_equal "another event is refused" '["Runtime.BadEvent","Runtime.BadEvent"]' \
    "$(jq --slurp --compact-output '[.[] | select(.what == "error" and .type == .body.errorType).type]' "$system_dir/api")"
assert_match "with what is expected" 'handles the messages of an SQS queue' "$(grep '"what":"error"' "$system_dir/api")"

# The first delivery takes longer than the function may; the second comes while it still runs, and fails.
slow=$(lambda_message m-7 7 order.created '{"delays_ms": [2200, 1600], "statuses": [200, 500]}')
invoke "$(lambda_event orders "$(lambda_message m-8 8 order.created)" "$slow")" '{deadline_ms: 1200}'
lambda_await response 4
assert_equal "what is not done when the deadline is near comes again" m-7 "$(lambda_failed 4)"
invoke "$(lambda_event orders "$slow")"
lambda_await response 5
assert_equal "a late result is none of the next delivery" "m-7 2" "$(lambda_failed 5) $(lambda_handled 7)"
assert_equal "no answer is late" 0 "$(jq --slurp 'map(select(.what == "response" and .left_ms < 0)) | length' "$system_dir/api")"

invoke "$(lambda_event orders "$(lambda_message m-9 21 order.created)")" '{answer: {status: 413}}'
invoke "$(lambda_event orders "$(lambda_message m-9 22 order.created)")" '{answer: {delay_ms: 300}}'
invoke "$(lambda_event orders "$(lambda_message m-9 23 order.created)")"
lambda_await response 8
assert_equal "an answer that is refused, or accepted late, is no reason to end" 1 "$(lambda_handled 23)"
lambda_await next 11
relay_stop function 0

# Told to stop, it has a moment.
invoke "$(lambda_event orders "$(lambda_message m-1 31 order.created)" \
    "$(lambda_message m-2 32 order.created '{"delays_ms": [5000]}')")"
lambda_start stopped
wait_for 10 "the handler is called" grep -q "$(lambda_event_id 32)" "$system_dir/handled"
relay_stop stopped 0
assert_equal "what it cannot finish comes again" m-2 "$(lambda_failed 9)"

# What is wrong at the start is told to Lambda.
lambda_api
ends malformed 2 'order.created' OUTBOX_ON=order.created
ends without 2 'OUTBOX_ON is not set' OUTBOX_ON=
assert_equal "both are told" '["Runtime.BadConfiguration","Runtime.BadConfiguration"]' \
    "$(jq --slurp --compact-output '[.[] | select(.what == "init" and .body.stackTrace == []).type]' "$system_dir/api")"
lambda_init '{"status": 500}'
ends untold 2 'order.created' OUTBOX_ON=order.created
ends elsewhere 2 'try outbox-relay consume' AWS_LAMBDA_RUNTIME_API=
assert_equal "no invocation was asked for" 0 "$(lambda_asked next)"

# Without the runtime API there is nothing to do.
event=$(lambda_event orders "$(lambda_message m-1 41 order.created)")
invoke "$event" '{next: {status: 500, body: "container error"}}'
ends next_500 1 'HTTP 500 container error'
invoke "$event" '{next: {reset: true}}'
ends next_reset 1 'no invocation came'
invoke "$event" '{answer: {status: 500}}'
ends answer_500 1 'an answer could not be given: HTTP 500'
ends unreachable 1 'no invocation came' AWS_LAMBDA_RUNTIME_API=127.0.0.1:1

# Programs find the trace id where the X-Ray SDKs look for it.
cat >"$system_dir/program" <<PROGRAM
#!/bin/sh
cat >/dev/null
echo "\$_X_AMZN_TRACE_ID" >>"$system_dir/traces"
PROGRAM
chmod +x "$system_dir/program"
lambda_api
invoke "$event" '{trace: "Root=1-5759e988-bd862e3fe1be46a994272793"}'
lambda_start traced PATH="$PATH" OUTBOX_ON="**=exec:$system_dir/program"
lambda_await next 2
relay_stop traced 0
assert_equal "a program has the trace id" 'Root=1-5759e988-bd862e3fe1be46a994272793' "$(<"$system_dir/traces")"
system_end
