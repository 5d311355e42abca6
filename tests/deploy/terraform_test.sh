#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deploy/terraform: the module and its example are well-formed, ask the provider for what it has, and ask for no more than is
# needed. What they stand for is made in the strict fake and in the emulator, and events go through it. Deliberate mistakes
# of each kind are refused.
# shellcheck disable=SC2016 # what is in single quotes is for sed and sh
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

here=$system_root/tests/deploy
schema=$here/terraform/provider.json
provider=arn:aws:iam::000000000000:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789

# validate FOLDER does all but to create it; FOLDER is deploy/terraform or a copy.
validate() {
    local folder=$1 part parts=("$1" "$1/examples/shop")
    for part in "${parts[@]}"; do
        "$tfcheck" check "$schema" "$part" || return
    done
    plan "$folder" "$system_dir/plan" && node "$here/terraform/verify.mjs" "$system_dir/plan" || return
    for part in "${parts[@]}"; do
        "$tfcheck" format "$part" || return
        ! command -v terraform >/dev/null || terraform fmt -check "$part" >/dev/null 2>&1 || return
    done
}
plan() {
    "$tfcheck" plan "$schema" "$1/examples/shop" "lambda_zip=$system_dir/lambda.zip" "oidc_provider_arn=$provider" \
        'on_call=["arn:aws:sns:us-east-1:000000000000:on-call"]' >"$2"
}

# mistake NAME FILE SED PATTERN changes a copy so, and says that it is refused with such a reason.
mistake() {
    local name=$1 file=$2 change=$3 pattern=$4 folder=$system_dir/mistake said status=0
    rm -rf "$folder"
    cp -r "$system_root/deploy/terraform" "$folder"
    sed -E -i "$change" "$folder/$file"
    if cmp --silent "$folder/$file" "$system_root/deploy/terraform/$file"; then
        assert_failed "mistake: $name" "nothing was changed by $change"
        return
    fi
    said=$(validate "$folder" 2>&1) || status=$?
    assert_match "mistake: $name" "^1 .*($pattern)" "$status $(tr '\n' ' ' <<<"$said")"
}

# create PLAN [without-filters] makes it at AWS_ENDPOINT_URL.
create() { node "$here/terraform/create.mjs" "$1" "${AWS_ENDPOINT_URL##*:}" "${@:2}"; }
queue_url() { printf '%s/000000000000/%s\n' "$AWS_ENDPOINT_URL" "$1"; }
depth() { # of both, signed as the strict fake wants it
    node "$system_root/tests/lib/fake_call.mjs" "${AWS_ENDPOINT_URL##*:}" sqs GetQueueAttributes \
        "{\"QueueUrl\":\"$(queue_url "$1")\",\"AttributeNames\":[\"All\"]}" |
        jq '.Attributes | (.ApproximateNumberOfMessages | tonumber) + (.ApproximateNumberOfMessagesNotVisible | tonumber)'
}

# publish sends eight events: five for the orders (one of them broken), one of another type, two for the ledger.
publish() {
    sql "truncate outbox.event; truncate outbox.topic_route;
         select outbox.route('**', '$topics:shop-events');
         select outbox.route('ledger.**', '$topics:shop-ledger.fifo');
         insert into outbox.event (event_type, aggregate_id, data) values
             ('order.created', 'order-1', '{}'), ('order.created', 'order-2', '{}'), ('order.paid', 'order-1', '{}'),
             ('order.sent', 'order-1', '{}'), ('order.paid', 'order-2', '{\"note\": \"broken\"}'),
             ('user.registered', 'user-1', '{}'), ('ledger.booked', 'account-1', '{\"n\": 1}'),
             ('ledger.booked', 'account-1', '{\"n\": 2}')" >/dev/null
    OUTBOX_TOPIC_ARN='' "$relay" run --until-empty >"$system_dir/relay.log" 2>&1 || fail "the relay failed"
}

# consume NAME QUEUE handles what is in the queue with the handler, which fails for what is broken, and prints the types of the
# events, in their order.
consume() {
    local name=$1 queue=$2
    : >"$system_dir/$name.events"
    consumer_start "$name" OUTBOX_RETRY_BASE=1ms OUTBOX_RETRY_MAX=1ms -- --queue-url "$(queue_url "$queue")" \
        --wait-time 200ms --until-empty --on "**=exec:$system_dir/handler $system_dir/$name.events"
    relay_wait "$name" 0 60
    types=$(jq --raw-output .eventType "$system_dir/$name.events" | sort | uniq -c | xargs)
}

# check_says NAME CODE sets found: a line "LEVEL|NAME|ABOUT" for each finding of outbox-relay check.
check_says() {
    local status=0
    "$relay" check --json >"$system_dir/check.json" 2>"$system_dir/check.log" || status=$?
    assert_equal "$1" "$2" "$status"
    found=$(jq --raw-output '.findings[] | "\(.level)|\(.name)|\(.about)"' "$system_dir/check.json")
}

topics=arn:aws:sns:us-east-1:000000000000
queues=arn:aws:sqs:us-east-1:000000000000
system_begin
printf '#!/bin/sh\nread -r event\ncase $event in *broken*) exit 1 ;; esac\necho "$event" >>"$1"\n' >"$system_dir/handler"
chmod 755 "$system_dir/handler"
printf 'code' >"$system_dir/lambda.zip"
tfcheck=$system_dir/tfcheck
(cd "$here/terraform" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=${GOCACHE:-$system_dir/go} go build -o "$tfcheck" .)

said=$(validate "$system_root/deploy/terraform" 2>&1) || assert_failed "the module and its example" "$said"
assert_match "the module and its example are in order" '^[0-9]{2,} looked at, 0 wrong$' "$said"
cp "$system_dir/plan" "$system_dir/good.plan"

# In the strict fake, which refuses what SNS and SQS refuse, but knows no filter policies.
PG_FSYNC=on system_postgres # or check warns of it
system_database events
FAKE_TOPICS=made system_fake
unset OUTBOX_TOPIC_ARN
create "$system_dir/good.plan" without-filters
publish
check_says "check finds no error and no warning" 0
assert_equal "check finds nothing but the keys" "queue.key topic.key" \
    "$(grep -E '\|(Topic|Queue) ' <<<"$found" | grep -v '^ok|' | cut -d '|' -f 2 | sort -u | xargs)"
assert_equal "the queue policies let the topics in" 3 "$(grep -c '^ok|queue.policy|' <<<"$found")"
assert_equal "all have dead-letter queues" 3 "$(grep -c '^ok|queue.dead_letters|' <<<"$found")"
consume orders shop-orders
assert_equal "what is published arrives" "2 order.created 1 order.paid 1 order.sent 1 user.registered" "$types"
assert_equal "what fails is with the dead letters" "0 1" "$(depth shop-orders) $(depth shop-orders-dead)"
consume ledger shop-ledger.fifo
assert_equal "a FIFO topic delivers to a FIFO queue" "2 ledger.booked" "$types"
assert_equal "in order" "1 2" "$(jq --raw-output .data.n "$system_dir/ledger.events" | xargs)"
process_stop "$system_dir/fake.pid"

# A queue that lets another topic in: the module's check and the program's both find it.
jq --compact-output '(.resources[] | select(.address | endswith("aws_sqs_queue_policy.this[\"orders\"]")) | .values.policy) |=
    sub("shop-events"; "shop-ledger.fifo")' "$system_dir/good.plan" >"$system_dir/bad.plan"
assert_fails "a policy for another topic is refused" node "$here/terraform/verify.mjs" "$system_dir/bad.plan"
FAKE_TOPICS=made system_fake
unset OUTBOX_TOPIC_ARN
create "$system_dir/bad.plan" without-filters
check_says "check refuses it, too" 8
assert_match "and names the queue" "error\|queue.policy\|Queue $queues:shop-orders" "$found"
process_stop "$system_dir/fake.pid"

# In the emulator, which applies filter policies.
system_emulator
create "$system_dir/good.plan"
publish
consume filtered shop-orders
assert_equal "the filter by attribute" "2 order.created 1 order.paid 1 order.sent" "$types"
assert_equal "the filter by body" 3 "$(depth shop-emails)"
assert_equal "what fails is with the dead letters, in the emulator as well" "0 1" \
    "$(depth shop-orders) $(depth shop-orders-dead)"
consume raw shop-emails
assert_equal "raw delivery" "2 order.created 1 user.registered" "$types"

mistake "format" topics.tf 's/^  for_each = var.topics$/  for_each  = var.topics/' 'terraform fmt would change it'
mistake "syntax" topics.tf '0,/^}$/s/^}$//' 'Argument or block|Unclosed|closing brace'
mistake "an argument that is not there" queues.tf 's/visibility_timeout_seconds/visibility_timeout_millis /' \
    'has no argument visibility_timeout_millis'
mistake "a required argument is missing" functions.tf '/^  function_name +=/d' 'lacks the argument function_name|fmt'
mistake "a block that is not there" functions.tf 's/scaling_config \{/scaling_policy {/' 'has no block scaling_policy'
mistake "an argument of a block" functions.tf 's/maximum_concurrency/minimum_concurrency/' 'has no argument minimum_concurrency'
mistake "a resource that is not there" queues.tf 's/"aws_sqs_queue_policy" "this"/"aws_sqs_queue_rule" "this"/' \
    'provider 6.25.0 knows no aws_sqs_queue_rule|there is no aws_sqs_queue_policy.this'
mistake "a type" kms.tf 's/= 30$/= "soon"/' 'deletion_window_in_days: a number is required'
mistake "an unknown variable" queues.tf 's/var\.queues$/var.lines/' 'there is no var.lines'
mistake "an unknown local" topics.tf 's/local\.kms_key_arn/local.key/' 'there is no local.key'
mistake "an unknown resource" queues.tf 's/aws_sqs_queue\.dead\[each.key\]\.arn/aws_sqs_queue.lost[each.key].arn/' \
    'there is no aws_sqs_queue.lost'
mistake "an unknown attribute" queues.tf 's/(aws_sqs_queue\.dead\[each.key\]\.)arn/\1number/' 'has no attribute'
mistake "an unknown output" examples/shop/main.tf 's/module\.events\.queue_urls/module.events.queue_names/' \
    'there is no module.events.queue_names'
mistake "a variable that nobody uses" variables.tf '$a\\nvariable "idle" {\n  description = "x"\n  type        = string\n  default     = null\n}' \
    'var.idle is used by nobody'
mistake "a local that nobody uses" iam.tf 's/^(  region +=.*)$/\1\n  idle       = 1/' 'local.idle is used by nobody'
mistake "keys that are not known before it is there" queues.tf \
    's/for_each = local.senders/for_each = toset([for name in keys(local.senders) : aws_sqs_queue.this[name].arn])/' \
    'for_each depends on what is known only after apply'
mistake "an argument that the module has not" examples/shop/main.tf 's/^  alarms =/  bells =/' 'module events has no variable bells'
mistake "an argument that the module needs" examples/shop/main.tf '/^  name = "shop"/d' 'module events lacks its variable name'

mistake "a name" examples/shop/main.tf 's/^  name = "shop"/  name = "Shop"/' 'name is 2 to 32 lower-case letters'
mistake "a filter" examples/shop/main.tf 's/jsonencode\(\{ "event-type".*/"order.*"/' 'filter_policy is a JSON object'
mistake "a dead-letter queue that forgets sooner" examples/shop/main.tf 's/max_receives = 10/retention_days = 14/' 'retention_days is 1 to 13'
mistake "a function without handlers" examples/shop/main.tf 's/OUTBOX_ON = /OUTBOX_NO = /' 'environment has OUTBOX_ON'
mistake "a wildcard service account" examples/shop/main.tf 's/namespace( +)= "shop"/namespace\1= "*"/' 'a wildcard would let other pods in'
mistake "a short visibility timeout" examples/shop/main.tf 's/visibility_timeout = 180/visibility_timeout = 60/' 'six times'
mistake "a FIFO queue behind a standard topic" examples/shop/main.tf 's/orders = \{ visibility_timeout = 60 \}/orders = { fifo = true }/' \
    'from a standard topic to a FIFO queue'

mistake "an action that AWS has not" iam.tf 's/sqs:DeleteMessage/sqs:RemoveMessage/' 'there is no action sqs:RemoveMessage'
mistake "more than is needed" iam.tf 's/"sqs:DeleteMessage"/"sqs:DeleteMessage", "sqs:PurgeQueue"/' 'not just what consumer needs'
mistake "all topics" iam.tf 's/(sns:Publish", Resource = )local.topic_arns/\1"*"/' 'wrong resources for sns:Publish'
mistake "a policy's grammar" queues.tf 's/^      Principal = /      Principle = /' 'no element Principle'
mistake "a condition's operator" queues.tf 's/ArnEquals/ArnEqual/' 'no operator ArnEqual'
mistake "a queue policy without a condition" queues.tf '/^      Condition = /d' 'does not let the topic in'
mistake "a key that SNS may not use" kms.tf 's/"sns.amazonaws.com"/"lambda.amazonaws.com"/' 'SNS may not use it'
mistake "a queue with the key of AWS" queues.tf 's/= local.kms_key_arn/= "alias\/aws\/sqs"/' 'is not encrypted with a key of its own'
mistake "tokens for anybody" eks.tf '/:aud" =/d' 'can be taken by other pods'
mistake "any service account" eks.tf '/:sub" =/d' 'can be taken by other pods'
mistake "any pod of the cluster" eks.tf '/kubernetes-service-account/d' 'can be taken by other pods'
mistake "failures that are deleted" functions.tf 's/\["ReportBatchItemFailures"\]/[]/' 'lets Lambda delete what has failed'
mistake "another runtime" functions.tf 's/provided.al2023/nodejs22.x/' 'is not what lambda.zip needs'
mistake "a queue without redrive" queues.tf 's/aws_sqs_queue\.dead\[each.key\]\.arn/"arn:aws:sqs:us-east-1:000000000000:lost"/' 'has no dead-letter queue'
mistake "a queue that may not use it" queues.tf 's/"byQueue"/"denyAll"/' 'may not use its dead-letter queue'
mistake "an alarm on nothing" alarms.tf 's/NumberOfNotificationsFailed/NumberOfNotificationsLost/' 'NumberOfNotificationsFailed of shop-events: no alarm'

# Other ways to use it: as little as there can be, and each way to roles for pods alone.
# uses NAME COUNT ARGUMENTS counts the resources of a module with these arguments.
uses() {
    mkdir -p "$system_dir/use"
    printf 'module "use" {\n  source = "%s"\n%s\n}\n' \
        "$(realpath --relative-to="$system_dir/use" "$system_root/deploy/terraform")" "$3" >"$system_dir/use/main.tf"
    "$tfcheck" plan "$schema" "$system_dir/use" >"$system_dir/use/plan" || :
    assert_equal "$1" "$2" "$(jq '.resources | length' "$system_dir/use/plan")"
}
key='kms_key_arn = "arn:aws:kms:us-east-1:000000000000:key/1"'
uses "one topic" 7 $'name = "shop"\ntopics = { events = {} }'
uses "with a key that is there" 5 $'name = "shop"\ntopics = { events = {} }\n'"$key"
uses "and IRSA" 8 $'name = "shop"\ntopics = { events = {} }\neks = { namespace = "shop", oidc_provider_arn = "'"$provider"$'" }\n'"$key"
uses "or Pod Identity" 9 $'name = "shop"\ntopics = { events = {} }\neks = { namespace = "shop", cluster = "shop" }\n'"$key"
uses "or nothing for pods" '' $'name = "shop"\ntopics = { events = {} }\neks = { namespace = "shop" }\n'"$key"

# The README's own use of it, and the outputs that it names.
awk '$0 == "```hcl" {on = 1; next} /^```/ {on = 0} on' "$system_root/README.md" >"$system_dir/use/main.tf"
section=$(awk '/^##+ / {on = 0} $0 == "### AWS resources" {on = 1} on' "$system_root/README.md")
ln -s "$system_root/deploy" "$system_dir/use/deploy"
"$tfcheck" format "$system_dir/use" || assert_failed "the README's example is formatted"
"$tfcheck" check "$schema" "$system_dir/use" || assert_failed "the README's example is well-formed"
"$tfcheck" plan "$schema" "$system_dir/use" >"$system_dir/use/plan" || :
assert_equal "the README's example" "shop-events shop-ledger.fifo" \
    "$(jq --raw-output '.resources[] | select(.type == "aws_sns_topic").values.name' "$system_dir/use/plan" | xargs)"
for name in topic_arns queue_urls policy_arns; do
    assert_match "the README names an output that is there: $name" "\`$name\`" \
        "$(grep -q "^output \"$name\"" "$system_root/deploy/terraform/outputs.tf" && printf '%s' "$section")"
done
for name in $(grep -oE '\(deploy/[^)]+\)' <<<"$section" | tr -d '()'); do
    assert_equal "the README names a file that is there: $name" yes "$([[ -e $system_root/$name ]] && say yes)"
done

# The README of the module has all variables and outputs, and no others.
for kind in variable output; do
    assert_equal "the module's README has every $kind" "$(sed -nE "s/^$kind \"(\w+)\".*/\1/p" "$system_root"/deploy/terraform/*.tf | sort | xargs)" \
        "$(sed -nE "/^\| $kind /,/^\$/s/^\| \`(\w+)\` .*/\1/p" "$system_root/deploy/terraform/README.md" | sort | xargs)"
done
system_end
