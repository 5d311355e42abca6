// SPDX-License-Identifier: Apache-2.0
// `node verify.mjs TEMPLATE [PACKAGED]` holds a CloudFormation template against AWS's specification and against what the
// consumer needs, and what the Serverless Framework has made of serverless.yml against that template. Prints a plan as
// tfcheck's, for create.mjs.
import { isDeepStrictEqual } from "node:util";
import { readFileSync } from "node:fs";
import { allowed, policyProblems } from "../policies.mjs";
import { problems, readTemplate, resolve } from "./template.mjs";

const [, , file, packagedFile] = process.argv;
const template = readTemplate(file);
const topic = "arn:aws:sns:us-east-1:000000000000:shop-events";
const handlers = "order.created=http:https://shop.example/orders\norder.*=http:https://shop.example/events";

function refuse(found) {
  if (found.length === 0) return;
  for (const problem of found) console.error(problem);
  process.exit(1);
}
refuse(await problems(template));
const resources = resolve(template, { TopicArn: topic, CodeBucket: "code", Handlers: handlers });
const of = (all, type) =>
  Object.values(all)
    .filter((resource) => resource.type === type)
    .map(({ properties }) => properties);
const only = (all, type) => of(all, type)[0] ?? {};

const found = [];
const expect = (what, good) => good || found.push(what);
const [queue, dead] = [resources.Queue.properties, resources.DeadLetterQueue.properties];
const arn = ({ QueueName }) => `arn:aws:sqs:us-east-1:000000000000:${QueueName}`;
for (const { PolicyDocument } of of(resources, "AWS::SQS::QueuePolicy")) {
  found.push(...policyProblems(PolicyDocument, "resource"));
  const [statement] = PolicyDocument.Statement;
  expect(
    "the queues do not let the topic in, and it alone",
    statement.Condition?.ArnEquals?.["aws:SourceArn"] === topic &&
      isDeepStrictEqual(statement.Resource, [arn(queue), arn(dead)]),
  );
}
for (const { AssumeRolePolicyDocument, Policies } of of(resources, "AWS::IAM::Role")) {
  found.push(...policyProblems(AssumeRolePolicyDocument, "trust"));
  for (const { PolicyDocument } of Policies) {
    found.push(...policyProblems(PolicyDocument, "identity"));
    expect(
      "the role allows more or less than is needed",
      isDeepStrictEqual(allowed(PolicyDocument), [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
      ]),
    );
  }
}
const [lambda, mapping] = [
  only(resources, "AWS::Lambda::Function"),
  only(resources, "AWS::Lambda::EventSourceMapping"),
];
expect("Lambda deletes what has failed", isDeepStrictEqual(mapping.FunctionResponseTypes, ["ReportBatchItemFailures"]));
expect("the mapping is of another queue", mapping.EventSourceArn === arn(queue));
expect(
  "the visibility timeout is less than six times the function's timeout",
  queue.VisibilityTimeout >= 6 * lambda.Timeout,
);
expect(
  "the function is not what lambda.zip needs",
  lambda.Runtime === "provided.al2023" &&
    lambda.Handler === "bootstrap" &&
    lambda.Environment.Variables.OUTBOX_ON === handlers,
);
expect(
  "the queue has no dead-letter queue",
  queue.RedrivePolicy?.deadLetterTargetArn === arn(dead) && queue.RedrivePolicy.maxReceiveCount >= 1,
);
expect(
  "the queue may not use its dead-letter queue",
  isDeepStrictEqual(dead.RedriveAllowPolicy, { redrivePermission: "byQueue", sourceQueueArns: [arn(queue)] }),
);
expect(
  "the dead-letter queue forgets sooner",
  (dead.MessageRetentionPeriod ?? 345600) > (queue.MessageRetentionPeriod ?? 345600),
);
expect(
  "SNS could not use the queue's key",
  !queue.KmsMasterKeyId && queue.SqsManagedSseEnabled && dead.SqsManagedSseEnabled,
);
expect(
  "the log group is not the function's",
  only(resources, "AWS::Logs::LogGroup").LogGroupName === `/aws/lambda/${lambda.FunctionName}`,
);
const alarm = only(resources, "AWS::CloudWatch::Alarm");
expect(
  "no alarm on the dead letters",
  alarm.MetricName === "ApproximateNumberOfMessagesVisible" &&
    isDeepStrictEqual(alarm.Dimensions, [{ Name: "QueueName", Value: dead.QueueName }]),
);

// The Serverless Framework's is the same, but for names.
if (packagedFile) {
  const packaged = JSON.parse(readFileSync(packagedFile, "utf8"));
  refuse((await problems(packaged)).map((problem) => `serverless.yml: ${problem}`));
  const made = resolve(packaged, {});
  for (const name of ["Queue", "DeadLetterQueue", "QueuePolicy", "Subscription", "DeadLetterAlarm"])
    expect(`serverless.yml: ${name} differs`, isDeepStrictEqual(made[name], resources[name]));
  const [other, itsMapping] = [only(made, "AWS::Lambda::Function"), only(made, "AWS::Lambda::EventSourceMapping")];
  for (const name of ["Runtime", "Architectures", "Handler", "Timeout", "MemorySize", "Environment", "Description"])
    expect(`serverless.yml: the function's ${name} differs`, isDeepStrictEqual(other[name], lambda[name]));
  for (const name of ["FunctionResponseTypes", "BatchSize", "EventSourceArn", "ScalingConfig"])
    expect(`serverless.yml: the mapping's ${name} differs`, isDeepStrictEqual(itsMapping[name], mapping[name]));
  const [{ Policies }] = of(made, "AWS::IAM::Role");
  for (const action of [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
  ])
    expect(
      `serverless.yml: the role lacks ${action}`,
      Policies.some(({ PolicyDocument }) => allowed(PolicyDocument).includes(action)),
    );
}
refuse(found);

const plan = [{ type: "aws_sns_topic", values: { name: topic.split(":")[5] } }];
const text = (value) => (value === undefined ? null : JSON.stringify(value));
for (const properties of of(resources, "AWS::SQS::Queue"))
  plan.push({
    type: "aws_sqs_queue",
    values: {
      name: properties.QueueName,
      visibility_timeout_seconds: properties.VisibilityTimeout ?? null,
      message_retention_seconds: properties.MessageRetentionPeriod ?? null,
      redrive_policy: text(properties.RedrivePolicy),
    },
  });
for (const { Queues, PolicyDocument } of of(resources, "AWS::SQS::QueuePolicy"))
  for (const url of Queues)
    plan.push({ type: "aws_sqs_queue_policy", values: { queue_url: url, policy: text(PolicyDocument) } });
for (const { TopicArn, Protocol, Endpoint, RedrivePolicy } of of(resources, "AWS::SNS::Subscription"))
  plan.push({
    type: "aws_sns_topic_subscription",
    values: { topic_arn: TopicArn, protocol: Protocol, endpoint: Endpoint, redrive_policy: text(RedrivePolicy) },
  });
// SNS and SQS want null where nothing is set.
for (const { values } of plan)
  for (const name of [
    "fifo_topic",
    "fifo_throughput_scope",
    "signature_version",
    "kms_master_key_id",
    "fifo_queue",
    "deduplication_scope",
    "fifo_throughput_limit",
    "max_message_size",
    "receive_wait_time_seconds",
    "raw_message_delivery",
    "filter_policy",
    "filter_policy_scope",
  ])
    values[name] ??= null;
console.log(JSON.stringify({ resources: plan }));
