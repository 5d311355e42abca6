// SPDX-License-Identifier: Apache-2.0
// The few SNS and SQS calls that the quick start and the tests need, against the emulator at AWS_ENDPOINT_URL. Requests
// are not signed: this is no client for the real services. `node aws.mjs` without a command lists the commands.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const endpoint = process.env.AWS_ENDPOINT_URL;
const isFifo = (name) => name.endsWith(".fifo");

async function post(what, headers, body) {
  const response = await fetch(endpoint, { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what}: HTTP ${response.status} from ${endpoint}: ${text}`);
  return text;
}

function sns(action, parameters) {
  const form = new URLSearchParams({ Action: action, Version: "2010-03-31", ...parameters });
  return post(action, { "Content-Type": "application/x-www-form-urlencoded" }, form);
}

export async function sqs(action, parameters) {
  const headers = { "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": `AmazonSQS.${action}` };
  const text = await post(action, headers, JSON.stringify(parameters));
  return text ? JSON.parse(text) : {};
}

function element(xml, name) {
  const match = xml.match(new RegExp(`<${name}>([^<]*)</${name}>`));
  if (!match) throw new Error(`no <${name}> in the answer: ${xml}`);
  return match[1];
}

async function createTopic(name) {
  const fifo = { "Attributes.entry.1.key": "FifoTopic", "Attributes.entry.1.value": "true" };
  return element(await sns("CreateTopic", { Name: name, ...(isFifo(name) ? fifo : {}) }), "TopicArn");
}

async function createQueue(name) {
  const attributes = isFifo(name) ? { FifoQueue: "true" } : {};
  return (await sqs("CreateQueue", { QueueName: name, Attributes: attributes })).QueueUrl;
}

async function attribute(queueUrl, name) {
  const answer = await sqs("GetQueueAttributes", { QueueUrl: queueUrl, AttributeNames: [name] });
  return answer.Attributes?.[name];
}

// As real queues need it, and `outbox-relay check` looks for it; the emulator delivers all the same.
async function letSend(queueUrl, queueArn, topicArn) {
  const before = JSON.parse((await attribute(queueUrl, "Policy")) || '{"Statement": []}');
  const statement = {
    Effect: "Allow",
    Principal: { Service: "sns.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: queueArn,
    Condition: { ArnEquals: { "aws:SourceArn": topicArn } },
  };
  const policy = { Version: "2012-10-17", Statement: [...before.Statement, statement] };
  await sqs("SetQueueAttributes", { QueueUrl: queueUrl, Attributes: { Policy: JSON.stringify(policy) } });
}

async function subscribe(topicArn, queueUrl, delivery = "envelope") {
  const raw = { "Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true" };
  const queueArn = await attribute(queueUrl, "QueueArn");
  const parameters = { TopicArn: topicArn, Protocol: "sqs", Endpoint: queueArn };
  await letSend(queueUrl, queueArn, topicArn);
  const answer = await sns("Subscribe", { ...parameters, ...(delivery === "raw" ? raw : {}) });
  return element(answer, "SubscriptionArn");
}

async function receiveBatch(queueUrl, count, seconds) {
  const answer = await sqs("ReceiveMessage", {
    QueueUrl: queueUrl,
    MaxNumberOfMessages: Math.min(count, 10),
    WaitTimeSeconds: Math.min(Math.max(seconds, 0), 20),
    MessageSystemAttributeNames: ["All"],
    MessageAttributeNames: ["All"],
  });
  const messages = answer.Messages ?? [];
  if (messages.length > 0) {
    const entries = messages.map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
    await sqs("DeleteMessageBatch", { QueueUrl: queueUrl, Entries: entries });
  }
  return messages;
}

// How many messages it holds: those that wait, and those that somebody has received and not deleted.
async function depth(queueUrl) {
  const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
  const counts = await Promise.all(names.map((name) => attribute(queueUrl, name)));
  return counts.map(Number).reduce((sum, count) => sum + count);
}

// Prints each message as a line of JSON and deletes it. Ends when `count` messages have come, or when none has come for
// `seconds`; with 0 it takes what is there and does not wait.
async function receive(queueUrl, count = "Infinity", seconds = "0") {
  let left = Number(count);
  while (left > 0) {
    const messages = await receiveBatch(queueUrl, left, Number(seconds));
    if (messages.length === 0) break;
    left -= messages.length;
    for (const { ReceiptHandle, ...message } of messages) console.log(JSON.stringify(message));
  }
}

const commands = {
  "create-topic": { use: "NAME", run: createTopic },
  "create-queue": { use: "NAME", run: createQueue },
  subscribe: { use: "TOPIC_ARN QUEUE_URL [envelope|raw]", run: subscribe },
  receive: { use: "QUEUE_URL [COUNT [SECONDS]]", run: receive },
  count: { use: "QUEUE_URL", run: (queueUrl) => attribute(queueUrl, "ApproximateNumberOfMessages") },
  depth: { use: "QUEUE_URL", run: depth },
};

async function main([name, ...operands]) {
  const command = commands[name];
  const required = command?.use.split(" ").filter((word) => /^[A-Z]/.test(word)).length;
  if (!command || operands.length < required) {
    const lines = Object.entries(commands).map(([word, { use }]) => `  node aws.mjs ${word} ${use}`);
    throw new Error(`usage, with the emulator's address in AWS_ENDPOINT_URL:\n${lines.join("\n")}`);
  }
  if (!endpoint) throw new Error("AWS_ENDPOINT_URL is not set: give the emulator's address, http://127.0.0.1:PORT");
  const result = await command.run(...operands);
  if (result !== undefined) console.log(result);
}

function fail(error) {
  console.error(`aws.mjs: ${error.message}${error.cause ? `: ${error.cause.message}` : ""}`);
  process.exit(1);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2)).catch(fail);
