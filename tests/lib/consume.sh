# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Queues of the strict fake (system_fake) and what consumes them, for system tests. Meant to be sourced after system.sh.
# shellcheck disable=SC2154 # system_dir, fake_url and others are set there

consume_account=000000000000

# consume_database NAME makes a database with both schemas and schema shop: table shop.seen has a row for each effect
# of shop.take(event), in order; shop.take fails for events whose data have "fail".
consume_database() {
    system_database "$1"
    "$relay" migrate up --inbox >"$system_dir/inbox.log" 2>&1 || fail "migrate up --inbox failed on database $1"
    sql "create schema shop;
         create table shop.seen (id bigserial primary key, event_id uuid, aggregate_id text, sequence bigint);
         create function shop.take(event jsonb) returns void language plpgsql as \$\$
         begin
             if event->'data'->>'fail' is not null then raise exception 'out of stock'; end if;
             insert into shop.seen (event_id, aggregate_id, sequence)
             values ((event->>'eventId')::uuid, event->>'aggregateId', (event->>'sequence')::bigint);
         end \$\$"
}

# queue_make NAME [RECEIVES] makes a queue in the fake, and with RECEIVES a dead-letter queue dead-NAME behind it for
# what was received so often; sets queue_url. queue_subscribe TOPIC NAME [raw] subscribes it to a topic.
queue_make() {
    local fifo='' policy=''
    [[ $1 != *.fifo ]] || fifo='"FifoQueue":"true","ContentBasedDeduplication":"true",'
    if [[ ${2:-} ]]; then
        fake_call sqs CreateQueue "{\"QueueName\":\"dead-$1\",\"Attributes\":{${fifo%,}}}" >/dev/null
        policy="\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"$(queue_arn "dead-$1")\\\",\\\"maxReceiveCount\\\":$2}\","
    fi
    policy=$fifo$policy
    fake_call sqs CreateQueue "{\"QueueName\":\"$1\",\"Attributes\":{${policy%,}}}" >/dev/null
    # shellcheck disable=SC2034 # for the tests
    queue_url=$(queue_url_of "$1")
}
queue_url_of() { printf '%s/%s/%s\n' "$fake_url" "$consume_account" "$1"; }
queue_arn() { printf 'arn:aws:sqs:us-east-1:%s:%s\n' "$consume_account" "$1"; }
queue_subscribe() {
    local raw=''
    [[ ${3:-} != raw ]] || raw=',"Attributes.entry.1.key":"RawMessageDelivery","Attributes.entry.1.value":"true"'
    fake_call sns Subscribe "{\"TopicArn\":\"arn:aws:sns:us-east-1:$consume_account:$1\",\"Protocol\":\"sqs\",\"Endpoint\":\"$(queue_arn "$2")\"$raw}" >/dev/null
}

# queue_counts NAME prints how many messages are visible in a queue, and how many hidden: "3 0". queue_has NAME COUNTS
# is whether it is so.
queue_counts() {
    fake_call sqs GetQueueAttributes "{\"QueueUrl\":\"$(queue_url_of "$1")\",\"AttributeNames\":[\"All\"]}" |
        jq --raw-output '.Attributes | "\(.ApproximateNumberOfMessages) \(.ApproximateNumberOfMessagesNotVisible)"'
}
queue_has() { [[ $(queue_counts "$1") == "$2" ]]; }

# queue_send NAME COUNT [OPTION...] sends made-up domain events: see sqs_send.mjs.
queue_send() { node "$system_root/tests/lib/sqs_send.mjs" "$fake_port" "$(queue_url_of "$1")" "${@:2}"; }

# queue_send_text NAME TEXT [GROUP] sends one message with any body.
queue_send_text() {
    fake_call sqs SendMessage "$(jq --null-input --compact-output --arg url "$(queue_url_of "$1")" --arg text "$2" \
        --arg group "${3:-}" '{QueueUrl: $url, MessageBody: $text} + if $group == "" then {} else {MessageGroupId: $group} end')" \
        >/dev/null
}

# consume_all NAME ARGUMENT... runs a consumer until its queue is empty.
consume_all() {
    consumer_start "$1" -- --until-empty --wait-time 200ms "${@:2}"
    relay_wait "$1" 0
}

# consumed NAME FIGURE prints a figure of the line that the consumer NAME has stopped with.
consumed() { sed -nE "s/.* stopped .*\\<$2=([0-9]+).*/\\1/p" "$system_dir/$1.log"; }

# script_make NAME TEXT makes an executable shell script and sets script.
script_make() {
    script=$system_dir/$1
    printf '#!/bin/bash\n%s\n' "$2" >"$script"
    chmod 755 "$script"
}
