#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deploy/serverless: the CloudFormation template is what AWS's specification allows, serverless.yml what the framework's schema
# allows and stands for the same, what they stand for is made in the strict fake and events come. Mistakes are refused.
# shellcheck disable=SC2016 # what is in single quotes is for sed
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"
# shellcheck source=../lib/consume.sh
source "${BASH_SOURCE[0]%/*}/../lib/consume.sh"

here=$system_root/tests/deploy
topic=arn:aws:sns:us-east-1:000000000000:shop-events
handlers=$'order.created=http:https://shop.example/orders\norder.*=http:https://shop.example/events'

# package FOLDER has the framework make a CloudFormation template of serverless.yml; nothing is asked over the network.
package() {
    (cd "$1" && SLS_TELEMETRY_DISABLED=1 SLS_NOTIFICATIONS_MODE=off AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none \
        OUTBOX_ON=$handlers node "$here/node_modules/osls/bin/serverless.js" package --region us-east-1 --param "topicArn=$topic" \
        --param zip=lambda.zip)
}
# copy makes a copy of deploy/serverless to spoil, with a zip as osls wants one.
copy() {
    rm -rf "$1"
    cp -r "$system_root/deploy/serverless" "$1"
    base64 --decode <<<UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA== >"$1/lambda.zip" # an empty one
}
spoil() { # FILE SED
    cp "$1" "$1.before"
    sed -E -i "$2" "$1"
    ! cmp --silent "$1" "$1.before" || assert_failed "nothing was changed" "$2"
}

# mistake NAME SED PATTERN for template.yaml; sls_mistake NAME SED PATTERN for serverless.yml.
mistake() {
    local said status=0
    copy "$system_dir/mistake"
    spoil "$system_dir/mistake/template.yaml" "$2"
    said=$(node "$here/serverless/verify.mjs" "$system_dir/mistake/template.yaml" 2>&1) || status=$?
    assert_match "mistake: $1" "^1 .*($3)" "$status $(tr '\n' ' ' <<<"$said")"
}
sls_mistake() {
    local said status=0 folder=$system_dir/mistake
    copy "$folder"
    spoil "$folder/serverless.yml" "$2"
    said=$(package "$folder" 2>&1 && node "$here/serverless/verify.mjs" "$system_root/deploy/serverless/template.yaml" \
        "$folder/.serverless/cloudformation-template-update-stack.json" 2>&1) || status=$?
    assert_match "mistake: $1" "^1 .*($3)" "$status $(tr '\n' ' ' <<<"$said")"
}

system_begin
npm_install "$here" "what validates deployments"
copy "$system_dir/serverless"
said=$(package "$system_dir/serverless" 2>&1) || assert_failed "serverless.yml" "$said"
assert_match "the framework takes serverless.yml" 'Service packaged' "$said"
said=$(node "$here/serverless/verify.mjs" "$system_root/deploy/serverless/template.yaml" \
    "$system_dir/serverless/.serverless/cloudformation-template-update-stack.json" 2>&1 >"$system_dir/plan") || :
assert_equal "the template is in order, and the framework's the same" "" "$said"

PG_FSYNC=on system_postgres # or check has something to say of it
consume_database events
FAKE_TOPICS=made system_fake
node "$here/terraform/create.mjs" "$system_dir/plan" "$fake_port"
OUTBOX_TOPIC_ARN=$topic "$relay" check --json >"$system_dir/check.json" 2>"$system_dir/check.log" || assert_failed "check" "$(<"$system_dir/check.json")"
assert_equal "check finds nothing to say of topic and queue" "Queue Topic ok" \
    "$(jq --raw-output '[.findings[] | select(.about | test("^(Topic|Queue) ")) | .about[:5], .level] | unique | join(" ")' "$system_dir/check.json")"
sql "insert into outbox.event (event_type, aggregate_id, data) values
    ('order.created', 'order-1', '{}'), ('order.created', 'order-2', '{\"fail\": true}')"
OUTBOX_TOPIC_ARN=$topic "$relay" run --until-empty >"$system_dir/relay.log" 2>&1 || fail "the relay failed"
OUTBOX_RETRY_BASE=1ms OUTBOX_RETRY_MAX=1ms consume_all consumer --queue-url "$(queue_url_of stack-events)" --on '**=sql:shop.take'
assert_equal "what is published arrives" 1 "$(sql 'select count(*) from shop.seen')"
assert_equal "what fails is with the dead letters" "1 0" "$(queue_counts stack-events-dead)"

mistake "a type" 's/AWS::SQS::QueuePolicy/AWS::SQS::QueueRule/' 'there is no type AWS::SQS::QueueRule'
mistake "one handler at most" 's/^    AllowedPattern: "\[\^=\].*/    AllowedPattern: "[^=]+=.+"/' 'parameter Handlers: .* does not match'
mistake "a property" 's/VisibilityTimeout/VisibleTimeout/' 'Queue has no property VisibleTimeout'
mistake "a property of a property" 's/S3Key:/S3Name:/' 'Function.Code has no property S3Name'
mistake "a required property" '/^      Protocol:/d' 'Subscription lacks the property Protocol'
mistake "a value" 's/BatchSize: 10/BatchSize: ten/' 'BatchSize: "ten" is no integer'
mistake "a reference" 's/!Ref CodeBucket/!Ref Bucket/' 'there is no Bucket'
mistake "an attribute" 's/!GetAtt Role\.Arn/!GetAtt Role.Number/' 'has no attribute Number'
mistake "a substitution" 's/\$\{AWS::StackName\}-events$/${Stack}-events/' 'there is no Stack'
mistake "an unused parameter" 's/!Ref CodeKey/lambda.zip/' 'parameter CodeKey is used by nobody'
mistake "YAML" 's/^  Role:/ Role:/' 'template.yaml: '
mistake "a tag" 's/!Ref Handlers/!Reff Handlers/' 'Reff'
mistake "an action" 's/sqs:DeleteMessage/sqs:RemoveMessage/' 'there is no action sqs:RemoveMessage'
mistake "a queue policy without a condition" 's/aws:SourceArn: .*/aws:SourceAccount: "000000000000"/' 'do not let the topic in, and it alone'
mistake "failures that are deleted" 's/- ReportBatchItemFailures/[]/' 'is no string|Lambda deletes what has failed|is no array'
mistake "a short visibility timeout" 's/VisibilityTimeout: 180/VisibilityTimeout: 60/' 'less than six times'
sls_mistake "a property of serverless.yml" 's/^    memorySize: /    memory: /' "unrecognized property 'memory'"
sls_mistake "a value of serverless.yml" 's/functionResponseType: Report.*/functionResponseType: None/' 'functionResponseType'
sls_mistake "a parameter of serverless.yml" 's/param:topicArn\}/param:topic}/' 'Value not found at "param" source'
sls_mistake "a difference to the template" 's/maxReceiveCount: 5/maxReceiveCount: 50/' 'serverless.yml: Queue differs'
sls_mistake "a missing permission" 's/sqs:ChangeMessageVisibility/sqs:GetQueueUrl/' 'the role lacks sqs:ChangeMessageVisibility'
system_end
