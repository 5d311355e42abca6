// SPDX-License-Identifier: Apache-2.0
// Holds what tfcheck has planned (a file of JSON) against what AWS demands, and what a relay and its consumers need:
// `node verify.mjs PLAN`. Prints what is wrong, and how many things were looked at.
import { readFileSync } from "node:fs";
import { allowed, policyProblems } from "../policies.mjs";

const { resources } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const of = (type) => resources.filter((resource) => resource.type === type);
const arnOf = (arn, type) => of(type).find(({ values }) => values.arn === arn)?.values;
let looked = 0;
const problems = [];

function expect(address, what, good) {
  looked++;
  if (!good) problems.push(`${address}: ${what}`);
}
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const policyKinds = {
  aws_iam_policy: ["policy", "identity"],
  aws_iam_role_policy: ["policy", "identity"],
  aws_iam_role: ["assume_role_policy", "trust"],
  aws_sqs_queue_policy: ["policy", "resource"],
  aws_kms_key: ["policy", "resource"],
};
for (const { address, type, values } of resources) {
  const [name, kind] = policyKinds[type] ?? [];
  if (name) {
    const found = policyProblems(values[name], kind);
    expect(address, found.join("; "), found.length === 0);
  }
}

const consuming = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
const needed = {
  relay: ["kms:Decrypt", "kms:GenerateDataKey", "sns:Publish"],
  consumer: ["kms:Decrypt", ...consuming],
  check: [
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
  ],
};
for (const { address, values } of of("aws_iam_policy")) {
  const name = address.match(/aws_iam_policy\.(\w+)/)[1];
  expect(
    address,
    `allows ${allowed(values.policy)}, not just what ${name} needs`,
    same(allowed(values.policy), needed[name]),
  );
}
for (const { address, values } of of("aws_iam_role_policy"))
  expect(
    address,
    "allows more or less than a function needs",
    same(allowed(values.policy), ["kms:Decrypt", "logs:CreateLogStream", "logs:PutLogEvents", ...consuming]),
  );

for (const { address, values } of of("aws_kms_key")) {
  const sns = JSON.parse(values.policy).Statement.find(({ Principal }) => Principal?.Service === "sns.amazonaws.com");
  expect(
    address,
    "SNS may not use it: nothing is delivered",
    same([sns?.Action ?? []].flat().sort(), ["kms:Decrypt", "kms:GenerateDataKey"]),
  );
}
for (const { address, values } of [...of("aws_sns_topic"), ...of("aws_sqs_queue")])
  expect(address, "is not encrypted with a key of its own", arnOf(values.kms_master_key_id, "aws_kms_key"));
for (const { address, values } of of("aws_sns_topic").filter(({ values }) => values.fifo_topic))
  expect(
    address,
    "deduplicates by content",
    values.content_based_deduplication === false && values.name.endsWith(".fifo"),
  );

// Who may send to a queue: topics that are subscribed, and no others.
const policies = new Map(of("aws_sqs_queue_policy").map(({ values }) => [values.queue_url, JSON.parse(values.policy)]));
const mayBeSentTo = (queue, topic) =>
  policies
    .get(queue.url)
    ?.Statement.some(
      ({ Principal, Action, Resource, Condition }) =>
        Principal?.Service === "sns.amazonaws.com" &&
        Action === "sqs:SendMessage" &&
        Resource === queue.arn &&
        [Condition?.ArnEquals?.["aws:SourceArn"]].flat().includes(topic),
    );
for (const { address, values } of of("aws_sns_topic_subscription")) {
  const [queue, topic] = [arnOf(values.endpoint, "aws_sqs_queue"), arnOf(values.topic_arn, "aws_sns_topic")];
  const lost = arnOf(JSON.parse(values.redrive_policy ?? "{}").deadLetterTargetArn, "aws_sqs_queue");
  expect(address, "its queue does not let the topic in", queue && mayBeSentTo(queue, values.topic_arn));
  expect(address, "its dead-letter queue does not let the topic in", lost && mayBeSentTo(lost, values.topic_arn));
  expect(address, "its dead-letter queue is of another kind than the topic", lost?.fifo_queue === topic?.fifo_topic);
  expect(address, "a scope needs a policy", Boolean(values.filter_policy) === Boolean(values.filter_policy_scope));
}
for (const { address, values } of of("aws_sqs_queue_policy"))
  expect(
    address,
    "lets in who is not named",
    JSON.parse(values.policy).Statement.every(({ Condition }) =>
      [Condition?.ArnEquals?.["aws:SourceArn"]].flat().every((arn) => arnOf(arn, "aws_sns_topic")),
    ),
  );

// Redrive: there and back.
const mayUse = new Map(
  of("aws_sqs_queue_redrive_allow_policy").map(({ values }) => [
    values.queue_url,
    JSON.parse(values.redrive_allow_policy),
  ]),
);
const isDead = ({ address }) => /\.(dead|undelivered)\[/.test(address);
for (const { address, values } of of("aws_sqs_queue").filter((queue) => !isDead(queue))) {
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(values.redrive_policy ?? "{}");
  const dead = arnOf(deadLetterTargetArn, "aws_sqs_queue");
  expect(address, "has no dead-letter queue", dead && maxReceiveCount >= 1 && maxReceiveCount <= 1000);
  if (!dead) continue;
  expect(address, "its dead-letter queue is of another kind", dead.fifo_queue === values.fifo_queue);
  expect(
    address,
    "its dead-letter queue forgets sooner",
    dead.message_retention_seconds > values.message_retention_seconds,
  );
  const allow = mayUse.get(dead.url);
  expect(
    address,
    "may not use its dead-letter queue",
    allow?.redrivePermission === "byQueue" && same(allow.sourceQueueArns, [values.arn]),
  );
}

for (const { address, values } of of("aws_lambda_event_source_mapping")) {
  const [queue, lambda] = [
    arnOf(values.event_source_arn, "aws_sqs_queue"),
    arnOf(values.function_name, "aws_lambda_function"),
  ];
  expect(
    address,
    "lets Lambda delete what has failed",
    same(values.function_response_types, ["ReportBatchItemFailures"]),
  );
  expect(
    address,
    "its queue's visibility timeout is too short",
    queue?.visibility_timeout_seconds >= 6 * lambda?.timeout,
  );
  for (const { filter } of values.filter_criteria)
    for (const { pattern } of filter)
      expect(address, `no pattern: ${pattern}`, typeof JSON.parse(pattern) === "object");
}
for (const { address, values } of of("aws_lambda_function"))
  expect(
    address,
    "is not what lambda.zip needs",
    values.runtime === "provided.al2023" &&
      values.handler === "bootstrap" &&
      values.environment[0]?.variables.OUTBOX_ON,
  );

// Roles of pods: exactly one service account.
for (const { address, values } of of("aws_iam_role").filter(({ address }) => address.includes(".pod[")))
  for (const { Principal, Condition } of JSON.parse(values.assume_role_policy).Statement) {
    const keys = Object.entries(Condition?.StringEquals ?? {});
    const issuer = Principal.Federated?.split("oidc-provider/")[1];
    const ends = Principal.Federated
      ? [`${issuer}:aud`, `${issuer}:sub`]
      : [
          "aws:RequestTag/eks-cluster-name",
          "aws:RequestTag/kubernetes-namespace",
          "aws:RequestTag/kubernetes-service-account",
        ];
    expect(
      address,
      "can be taken by other pods",
      same(keys.map(([key]) => key).sort(), ends) && !/[*?]/.test(JSON.stringify(keys)),
    );
  }

// An alarm for each thing that can go wrong, on a metric that AWS has.
const metrics = {
  ApproximateNumberOfMessagesVisible: [
    "AWS/SQS",
    "QueueName",
    of("aws_sqs_queue")
      .filter(isDead)
      .map(({ values }) => values.name),
  ],
  ApproximateAgeOfOldestMessage: [
    "AWS/SQS",
    "QueueName",
    of("aws_sqs_queue")
      .filter((queue) => !isDead(queue))
      .map(({ values }) => values.name),
  ],
  NumberOfNotificationsFailed: ["AWS/SNS", "TopicName", of("aws_sns_topic").map(({ values }) => values.name)],
  Errors: ["AWS/Lambda", "FunctionName", of("aws_lambda_function").map(({ values }) => values.function_name)],
  Throttles: ["AWS/Lambda", "FunctionName", of("aws_lambda_function").map(({ values }) => values.function_name)],
};
const alarms = of("aws_cloudwatch_metric_alarm").map(({ values }) => values);
for (const [metric, [namespace, dimension, names]] of Object.entries(metrics))
  for (const name of names)
    expect(
      `${metric} of ${name}`,
      "no alarm",
      alarms.some(
        (alarm) =>
          alarm.metric_name === metric &&
          alarm.namespace === namespace &&
          alarm.dimensions[dimension] === name &&
          alarm.threshold !== null,
      ),
    );
expect(
  "alarms",
  "one for something else",
  alarms.every(({ metric_name }) => metrics[metric_name]),
);

const unique = new Set(
  resources.map(
    ({ type, values }) => `${type} ${values.name ?? values.function_name ?? values.alarm_name ?? values.id}`,
  ),
);
expect(
  "names",
  "two resources have one name",
  unique.size ===
    resources.filter(({ type, values }) => values.name || values.function_name || values.alarm_name || values.id)
      .length,
);

for (const problem of problems) console.error(problem);
console.log(`${looked} looked at, ${problems.length} wrong`);
process.exitCode = problems.length > 0 || looked === 0 ? 1 : 0;
