// SPDX-License-Identifier: Apache-2.0
// Makes the topics, queues, policies and subscriptions of a plan where SNS and SQS are emulated:
// `node create.mjs PLAN PORT [without-filters]` (the strict fake knows no filter policies).
import { readFileSync } from "node:fs";
import { Client } from "../../fake/test/client.mjs";

const [, , plan, port, option] = process.argv;
const { resources } = JSON.parse(readFileSync(plan, "utf8"));
const of = (type) => resources.filter((resource) => resource.type === type).map(({ values }) => values);
const client = new Client(Number(port));

async function call(service, action, input) {
  const answer = await client[service](action, input);
  if (answer.status !== 200)
    throw new Error(`${action} ${JSON.stringify(input)}: HTTP ${answer.status}: ${answer.body}`);
}
// An argument that is null is not sent; SNS and SQS take texts.
const texts = (values) =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== null && value !== false)
      .map(([key, value]) => [key, String(value)]),
  );
const entries = (values) =>
  Object.fromEntries(
    Object.entries(texts(values)).flatMap(([key, value], index) => [
      [`Attributes.entry.${index + 1}.key`, key],
      [`Attributes.entry.${index + 1}.value`, value],
    ]),
  );
const urlOf = (address) => `http://127.0.0.1:${port}${new URL(address).pathname}`;

for (const topic of of("aws_sns_topic"))
  await call("sns", "CreateTopic", {
    Name: topic.name,
    ...entries({
      FifoTopic: topic.fifo_topic,
      FifoThroughputScope: topic.fifo_throughput_scope,
      SignatureVersion: topic.signature_version,
      KmsMasterKeyId: topic.kms_master_key_id,
    }),
  });
for (const queue of of("aws_sqs_queue").sort((a) => (a.redrive_policy ? 1 : -1)))
  await call("sqs", "CreateQueue", {
    QueueName: queue.name,
    Attributes: texts({
      FifoQueue: queue.fifo_queue,
      DeduplicationScope: queue.deduplication_scope,
      FifoThroughputLimit: queue.fifo_throughput_limit,
      VisibilityTimeout: queue.visibility_timeout_seconds,
      MessageRetentionPeriod: queue.message_retention_seconds,
      MaximumMessageSize: queue.max_message_size,
      ReceiveMessageWaitTimeSeconds: queue.receive_wait_time_seconds,
      KmsMasterKeyId: queue.kms_master_key_id,
      RedrivePolicy: queue.redrive_policy,
    }),
  });
for (const { queue_url, policy } of of("aws_sqs_queue_policy"))
  await call("sqs", "SetQueueAttributes", { QueueUrl: urlOf(queue_url), Attributes: { Policy: policy } });
for (const { queue_url, redrive_allow_policy } of of("aws_sqs_queue_redrive_allow_policy"))
  await call("sqs", "SetQueueAttributes", {
    QueueUrl: urlOf(queue_url),
    Attributes: { RedriveAllowPolicy: redrive_allow_policy },
  });
for (const subscription of of("aws_sns_topic_subscription")) {
  const filter =
    option === "without-filters"
      ? {}
      : { FilterPolicy: subscription.filter_policy, FilterPolicyScope: subscription.filter_policy_scope };
  await call("sns", "Subscribe", {
    TopicArn: subscription.topic_arn,
    Protocol: subscription.protocol,
    Endpoint: subscription.endpoint,
    ...entries({
      RawMessageDelivery: subscription.raw_message_delivery,
      RedrivePolicy: subscription.redrive_policy,
      ...filter,
    }),
  });
}
client.close();
