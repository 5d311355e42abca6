#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outbox-relay check: nothing wrong is exit code 0; each thing that can be wrong between the outbox and its consumers is
# found, with what to do about it, in the text and in the JSON; what was not allowed to be seen is a note; and no secret
# is in any output.
set -euo pipefail
# shellcheck source=../lib/system.sh
source "${BASH_SOURCE[0]%/*}/../lib/system.sh"

arn=arn:aws:sns:us-east-1:000000000000
queue_arn=arn:aws:sqs:us-east-1:000000000000
key_id=AKIACHECKCHECKCHECK secret=S3cr3tOfTheCheck/plus token=T0kenOfTheCheck== password=hunter2hunter
: "${everything:=}"

route() { sql "select outbox.route('$1', '$arn:$2')" >/dev/null; }
topic() { fake_control POST topics "{\"name\": \"$1\", \"attributes\": ${2:-{\}}}" >/dev/null; }
# queue NAME ATTRIBUTES makes a queue; subscribe TOPIC QUEUE [ATTRIBUTES] subscribes it.
queue() { fake_call sqs CreateQueue "{\"QueueName\": \"$1\", \"Attributes\": $2}" >/dev/null; }
subscribe() {
    fake_call sns Subscribe "$(jq --null-input --compact-output --arg topic "$arn:$1" --arg queue "$queue_arn:$2" \
        "{TopicArn: \$topic, Protocol: \"sqs\", Endpoint: \$queue} + ${3:-{\}}")" >/dev/null
}
# policy QUEUE TOPIC prints the attribute Policy by which the topic may send to the queue.
policy() {
    jq --null-input --compact-output --arg topic "$arn:$2" --arg queue "$queue_arn:$1" '
        {Policy: ({Statement: [{Effect: "Allow", Principal: {Service: "sns.amazonaws.com"}, Action: "sqs:SendMessage",
                                Resource: $queue, Condition: {ArnEquals: {"aws:SourceArn": $topic}}}]} | tojson)}'
}
# with OBJECT... prints one object with the members of all.
with() { jq --slurp --compact-output add <<<"$*"; }

dead_letters="{\"RedrivePolicy\": \"{\\\"deadLetterTargetArn\\\":\\\"$queue_arn:dead\\\",\\\"maxReceiveCount\\\":5}\"}"
fifo='{"FifoQueue": "true"}'

# check NAME CODE [VARIABLE=VALUE...] runs it twice, and sets text and findings (a line "LEVEL|NAME|ABOUT|FOUND|REMEDY"
# for each that the JSON has). check_seconds is how long each may take (120).
check() {
    local name=$1 code=$2 status=0 json
    shift 2
    text=$(timeout "${check_seconds:-120}" env OUTBOX_LOG_LEVEL=debug "$@" "$relay" check 2>"$system_dir/stderr") || status=$?
    assert_equal "$name: exit code" "$code" "$status"
    everything+=$text$'\n'$(<"$system_dir/stderr")$'\n'
    status=0
    json=$(timeout "${check_seconds:-120}" env "$@" "$relay" check --json 2>"$system_dir/stderr") || status=$?
    assert_equal "$name: exit code with --json" "$code" "$status"
    everything+=$json$'\n'$(<"$system_dir/stderr")$'\n'
    findings=$(node -e '
        const { findings, counts } = JSON.parse(process.argv[1]);
        for (const { level, name, about, found, remedy = "" } of findings)
            console.log([level, name, about, found, remedy.replaceAll("\n", " ")].join("|"));
        for (const level of ["ok", "note", "warning", "error"])
            if (findings.filter((finding) => finding.level === level).length !== counts[level]) process.exitCode = 1;
        ' "$json") || assert_failed "$name: the JSON is no document, or counts wrong" "$json"
}
# found NAME PATTERN: a finding's line matches; the text has what it found as well (but for how long it took).
found() {
    local line
    line=$(grep -E -m 1 -- "$2" <<<"$findings") || {
        assert_failed "$1" "pattern: $2" "findings:" "$findings"
        return
    }
    assert_passed "$1"
    line=${line#*|*|*|} line=${line%%|*}
    [[ ${text//[0-9]/} == *"${line//[0-9]/}"* ]] || assert_failed "$1: not in the text" "$line" "$text"
}
# about THING: the names of what was found about it, ok left out.
about() { grep -F -- "|$1" <<<"$findings" | grep -v '^ok|' | cut -d '|' -f 1,2 | tr '\n' ' '; }

system_begin
PG_FSYNC=on system_postgres
system_database events
FAKE_TOPICS=made system_fake
unset OUTBOX_TOPIC_ARN
fake_control POST credentials "{\"accessKeyId\": \"$key_id\", \"secret\": \"$secret\", \"token\": \"$token\"}" >/dev/null
export AWS_ACCESS_KEY_ID=$key_id AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token

topic orders
topic ordered.fifo
queue dead '{}'
queue orders "$(with "$(policy orders orders)" "$dead_letters")"
queue ordered.fifo "$(with "$fifo" "$(policy ordered.fifo ordered.fifo)" "$dead_letters")"
subscribe orders orders
subscribe ordered.fifo ordered.fifo '{"Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true"}'
route 'order.**' orders
route 'ordered.**' ordered.fifo
before=$(fake_stats | jq --compact-output '.actions | del(.GetCallerIdentity)')
check "nothing is wrong" 0
found "where the credentials are from" '^ok\|credentials\|AWS credentials\|from .*AWS_ACCESS_KEY_ID.*access key \.\.\.HECK; no end'
found "whose they are" "^ok\|credentials.identity\|.*arn:aws:iam::000000000000:user/$key_id, account 000000000000"
found "where AWS is" "^ok\|endpoint\|AWS endpoints\|sns in us-east-1 at $fake_url/"
found "how many routes there are" '^ok\|routes\|Routes\|2 routes in the database'
found "a standard topic" "^ok\|topic\|Topic $arn:orders \(route order\.\*\*\)\|exists, standard"
found "a FIFO topic" "^ok\|topic\|Topic $arn:ordered.fifo .*\|exists, FIFO"
found "its size" '^ok\|topic.size\|.*\|takes messages of 262144 bytes'
found "its subscriptions" '^ok\|topic.subscriptions\|.*subscriptions: 1 confirmed, 1 of them of queues'
found "how the subscription delivers" "^ok\|subscription\|Queue $queue_arn:orders \(topic orders\)\|.*in SNS's envelope"
found "or raw" "^ok\|subscription\|Queue $queue_arn:ordered.fifo .*raw delivery"
found "the queue" "^ok\|queue\|Queue $queue_arn:orders .*exists, standard; 0 messages wait"
found "its policy" "^ok\|queue.policy\|Queue $queue_arn:orders .*lets the topic send"
found "its dead-letter queue" "^ok\|queue.dead_letters\|.*$queue_arn:dead"
found "what is not tried" "^note\|credentials.publish\|AWS credentials\|.*aws iam simulate-principal-policy .*user/$key_id --resource-arns $arn:"
assert_equal "nothing else" "credentials.publish relays.none rights.more rights.writers" \
    "$(grep -v '^ok|' <<<"$findings" | cut -d '|' -f 2 | sort | xargs)"
assert_match "the text counts" '[0-9]+ ok, 4 notes, 0 warnings, 0 errors$' "$text"
assert_equal "nothing was changed" \
    '["GetCallerIdentity","GetQueueAttributes","GetQueueUrl","GetSubscriptionAttributes","GetTopicAttributes","ListSubscriptionsByTopic"]' \
    "$(fake_stats | jq --compact-output --argjson before "$before" \
        '.actions | to_entries | map(select(.value != $before[.key]) | .key) | sort')"

# One topic for each trouble.
for name in lonely small keyed paused waiting bare strange shut variable gone_queue aws_key own_key filtered unsure; do
    topic "$name"
done
topic mixed.fifo
fake_call sns SetTopicAttributes "{\"TopicArn\": \"$arn:small\", \"AttributeName\": \"MaximumMessageSize\",
    \"AttributeValue\": \"65536\"}" >/dev/null
fake_call sns SetTopicAttributes "{\"TopicArn\": \"$arn:keyed\", \"AttributeName\": \"KmsMasterKeyId\",
    \"AttributeValue\": \"alias/shop\"}" >/dev/null
fake_call sns Subscribe "{\"TopicArn\": \"$arn:waiting\", \"Protocol\": \"email\", \"Endpoint\": \"a@example.com\"}" >/dev/null
sql "select outbox.pause('$arn:paused')" >/dev/null
queue bare '{}'
queue strange "$(policy strange orders)"
queue shut "$(jq --null-input --compact-output '{Policy: ({Statement: [{Sid: "Shut", Effect: "Deny", Principal: "*",
    Action: "sqs:*", Resource: "*"}]} | tojson)}')"
queue unsure "$(jq --null-input --compact-output '{Policy: ({Statement: {Effect: "Allow", Principal: "*", Action: "*",
    Resource: "*", Condition: {StringEquals: {"aws:PrincipalOrgID": "o-1"}}}} | tojson)}')"
queue variable "$(jq --null-input --compact-output '{Policy: ({Statement: {Effect: "Allow", Principal: "*", Action: "*",
    Resource: "arn:aws:sqs:*:*:${aws:PrincipalTag/queue}"}} | tojson)}')"
queue aws_key "$(with "$(policy aws_key aws_key)" '{"KmsMasterKeyId": "alias/aws/sqs"}')"
queue own_key "$(with "$(policy own_key own_key)" '{"KmsMasterKeyId": "alias/shop"}')"
queue mixed "$(policy mixed mixed.fifo)"
for name in bare strange shut unsure variable aws_key own_key gone_queue; do
    subscribe "$name" "$name"
done
subscribe mixed.fifo mixed
subscribe orders foreign # the queue of another account
for name in missing lonely small keyed paused waiting bare strange shut unsure variable gone_queue aws_key own_key mixed.fifo; do
    route "trouble.${name%.fifo}" "$name"
done
sql "insert into outbox.topic_route (pattern, topic_arn) values ('trouble.elsewhere', 'arn:aws:sns:us-east-1:111111111111:orders')"
sql "select outbox.publish('nowhere.to.go', 'o', '{}')" >/dev/null
# However many newer ones there are of another type.
sql "insert into outbox.event (event_type, aggregate_id, data) select 'ordered.now', n, '{}' from generate_series(1, 1100) n"

check "much is wrong" 8
found "a topic that is missing" "^error\|topic.missing\|Topic $arn:missing .*does not exist.*aws sns create-topic --region us-east-1 --name missing"
found "one of another account, too" '^error\|topic.missing\|Topic arn:aws:sns:us-east-1:111111111111:orders'
found "a topic that nobody subscribes to" "^warning\|topic.unsubscribed\|Topic $arn:lonely .*aws sns subscribe .*--topic-arn $arn:lonely"
found "a topic that takes less than is sent" "^warning\|topic.size\|Topic $arn:small .*65536.*262144.*OUTBOX_MAX_MESSAGE_BYTES=65536.*--attribute-value 262144"
found "a topic with a key" "^note\|topic.key\|Topic $arn:keyed .*alias/shop.*kms:GenerateDataKey"
found "a topic that is paused" "^warning\|topic.paused\|Topic $arn:paused .*outbox-relay resume $arn:paused"
found "subscriptions that nobody has confirmed" "^warning\|topic.pending\|Topic $arn:waiting .*confirmed.*: 1"
found "a queue without a policy" "^error\|queue.policy\|Queue $queue_arn:bare .*it has no policy.*aws sqs set-queue-attributes --region us-east-1 --queue-url $fake_url/000000000000/bare .*$arn:bare"
found "a queue for another topic" "^error\|queue.policy\|Queue $queue_arn:strange .*aws:SourceArn must be .*$arn:orders.*add to the statements.*$arn:strange"
found "a queue that is shut" "^error\|queue.policy\|Queue $queue_arn:shut .*the Deny statement \"Shut\" applies"
found "a policy that nobody can tell of" "^warning\|queue.policy\|Queue $queue_arn:unsure .*aws:PrincipalOrgID"
found "a policy with a variable" "^note\|queue.policy\|Queue $queue_arn:variable .*cannot be judged.*policy variable"
found "a queue that is gone" "^error\|queue.missing\|Queue $queue_arn:gone_queue .*aws sns unsubscribe .*$arn:gone_queue:"
found "a queue with the key of AWS" "^error\|queue.key\|Queue $queue_arn:aws_key .*alias/aws/sqs.*SqsManagedSseEnabled"
found "a queue with a key of its own" "^note\|queue.key\|Queue $queue_arn:own_key .*alias/shop.*sns.amazonaws.com"
found "a standard queue behind a FIFO topic" "^warning\|queue.kind\|Queue $queue_arn:mixed .*keeps no order"
found "a queue without a dead-letter queue" "^note\|queue.dead_letters\|Queue $queue_arn:mixed .*RedrivePolicy"
found "events that have no topic" "^error\|route.none\|Routes\|events of type nowhere.to.go: .*outbox.route\('nowhere.to.go'"
assert_equal "what is good beside it stays good" "" "$(about "Queue $queue_arn:ordered.fifo")"
assert_match "the text counts" '[0-9]+ ok, [0-9]+ notes, [0-9]+ warnings, [0-9]+ errors$' "$text"
assert_match "standard error says so, and no more" 'outbox-relay: check has found errors: [0-9]+, warnings: [0-9]+$' \
    "$(<"$system_dir/stderr")"

# The rest is about what stands before all that: one good topic is enough.
sql 'delete from outbox.topic_route; delete from outbox.event' >/dev/null
sql "select outbox.resume('$arn:paused')" >/dev/null
export OUTBOX_TOPIC_ARN=$arn:ordered.fifo
check "one topic, by a setting" 0
found "its reason" "^ok\|topic\|Topic $arn:ordered.fifo \(OUTBOX_TOPIC_ARN\)"

check "a message may be larger than the topic's" 8 OUTBOX_MAX_MESSAGE_BYTES=1048576
found "the size" '^warning\|topic.size\|.*OUTBOX_MAX_MESSAGE_BYTES is 1048576'

sql "select outbox.publish('order.made', 'o', '{}')" >/dev/null
check "topics by a prefix" 8 OUTBOX_TOPIC_ARN= OUTBOX_TOPIC_ARN_PREFIX=$arn
found "the topic of an event type" "^error\|topic.missing\|Topic $arn:order-made \(OUTBOX_TOPIC_ARN_PREFIX and event type order.made\)"
check "no topic at all" 8 OUTBOX_TOPIC_ARN= OUTBOX_TOPIC_ARN_PREFIX= PGDATABASE=postgres
found "none to look at" '^warning\|routes.none\|Routes\|no topic is named.*OUTBOX_TOPIC_ARN'

check "the region of a prefix" 8 OUTBOX_TOPIC_ARN= OUTBOX_TOPIC_ARN_PREFIX=arn:aws:sns:eu-south-2:000000000000 AWS_REGION= PGDATABASE=postgres
found "STS is asked there" '^ok\|endpoint\|AWS endpoints\|sts in eu-south-2 at'
check "an endpoint without TLS" 8 AWS_ENDPOINT_URL=http://aws.invalid:4566 OUTBOX_REQUEST_TIMEOUT=100ms
found "what is read on the way" '^warning\|endpoint.plain\|AWS endpoints\|sns is spoken to without TLS'
sql 'delete from outbox.event' >/dev/null

for action in GetTopicAttributes ListSubscriptionsByTopic GetSubscriptionAttributes GetQueueUrl GetQueueAttributes; do
    case $action in
        GetSubscriptionAttributes) resource='\*' ;; # IAM knows no other
        GetQueue*) resource="$queue_arn:ordered.fifo" ;;
        *) resource="$arn:ordered.fifo" ;;
    esac
    fake_fault "{\"kind\": \"deny\", \"match\": {\"action\": \"$action\"}}" >/dev/null
    check "$action is not allowed" 0
    found "a note says what it takes" "^note\|permission\|.*:$action is not allowed.*\"Action\":\"s[nq]s:$action\",\"Resource\":\"$resource\""
    fake_clear >/dev/null
done
fake_fault '{"kind": "status", "count": 2, "match": {"action": "GetTopicAttributes"}}' >/dev/null
check "trouble that passes" 0
fake_clear >/dev/null
fake_fault '{"kind": "html", "match": {"action": "GetTopicAttributes"}}' >/dev/null
check "trouble that stays" 8
found "somebody else answers" '^error\|no_answer\|.*sns:GetTopicAttributes.*HTTP 502, and no answer of AWS: <html>'
fake_clear >/dev/null
fake_fault '{"kind": "stall", "match": {"action": "GetQueueAttributes"}}' >/dev/null
check "an answer that never comes" 8 OUTBOX_REQUEST_TIMEOUT=200ms
found "no answer" "^error\|no_answer\|Queue $queue_arn:ordered.fifo .*sqs:GetQueueAttributes"
fake_clear >/dev/null

check "a secret that is wrong" 8 AWS_SECRET_ACCESS_KEY=wr0ngSecret
found "AWS refuses it" '^error\|credentials.refused\|AWS credentials\|.*SignatureDoesNotMatch'
found "and no topic is looked at" "^note\|topic.skipped\|Topic $arn:ordered.fifo"
check "a key that nobody knows" 8 AWS_ACCESS_KEY_ID=AKIANOBODY
found "AWS refuses it, too" '^error\|credentials.refused\|.*InvalidClientTokenId'
check "no credentials" 8 AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= AWS_SESSION_TOKEN= AWS_EC2_METADATA_DISABLED=true \
    AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
found "where they were looked for" '^error\|credentials.none\|AWS credentials\|no AWS credentials.*AWS_ACCESS_KEY_ID'
check_seconds=30 # it must not wait for what has failed already
check "credentials that fail at once" 8 AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= AWS_SESSION_TOKEN= \
    AWS_ROLE_ARN=arn:aws:iam::000000000000:role/relay AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere/token
found "which ones" '^error\|credentials.none\|AWS credentials\|.*AWS_WEB_IDENTITY_TOKEN_FILE.*/nowhere/token'
check_seconds=""
check "a setting that is wrong" 8 AWS_CA_BUNDLE=/nowhere/ca.pem
found "which one" '^error\|settings\|.*AWS_CA_BUNDLE.*/nowhere/ca.pem'
check "nobody there" 8 AWS_ENDPOINT_URL=http://127.0.0.1:9
found "no answer of STS" '^error\|no_answer\|AWS credentials\|no answer to sts:GetCallerIdentity'
found "nor of SNS" "^error\|no_answer\|Topic $arn:ordered.fifo .*sns:GetTopicAttributes"
fake_control POST clock '{"skew_ms": 3600000}' >/dev/null
check "a clock that is an hour behind" 0
fake_control POST clock '{"skew_ms": 0}' >/dev/null

check "no database" 8 "DATABASE_URL=postgresql://postgres:$password@127.0.0.1:1/events"
found "why" '^error\|database.unreachable\|Database\|.*Connection refused'
found "the routes are not known" '^note\|routes.unknown\|Routes\|.*only what the settings name'
found "the topic of the settings is looked at" "^ok\|topic\|Topic $arn:ordered.fifo \(OUTBOX_TOPIC_ARN\)"
check "no schema" 8 PGDATABASE=postgres
found "what to do" '^error\|schema.missing\|Schema outbox\|.*outbox-relay migrate up'

for word in "$secret" "$token" "$password" "$key_id:" wr0ngSecret; do
    assert_fails "${word:0:4}... is in no output" grep -qF -- "$word" <<<"$everything"
done
assert_match "--help explains it" 'Usage: outbox-relay check \[OPTION...\].*--json' "$("$relay" check --help | tr '\n' ' ')"

# The emulator knows no STS; what it knows is enough for a look.
unset AWS_SESSION_TOKEN
system_emulator
system_queue emulated
check "the emulator" 0 OUTBOX_TOPIC_ARN="$topic_arn"
found "its topic" "^ok\|topic\|Topic $topic_arn \(OUTBOX_TOPIC_ARN\)\|exists, standard"
found "its queue" '^ok\|queue\|Queue arn:aws:sqs:us-east-1:000000000000:emulated .*exists, standard'
found "which lets it send" '^ok\|queue.policy\|.*lets the topic send'
system_end
