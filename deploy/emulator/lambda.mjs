// SPDX-License-Identifier: Apache-2.0
// AWS Lambda for one function on one queue of the emulator, for the quick start: takes messages from the queue, hands them
// to the function by the runtime API, and deletes those that it does not report as failed, as Lambda's event source
// mapping with ReportBatchItemFailures does. `PORT=9001 node lambda.mjs QUEUE_URL` (0, the default, takes a free port);
// the function finds it in AWS_LAMBDA_RUNTIME_API=127.0.0.1:PORT.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { sqs } from "./aws.mjs";

const TIMEOUT_S = 30;
const [queueUrl] = process.argv.slice(2);
const invocations = new Map(); // the messages of each that is not answered, by request id

function record(message, queueArn) {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    { stringValue: value.StringValue, dataType: value.DataType, stringListValues: [], binaryListValues: [] },
  ]);
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: process.env.AWS_REGION ?? "us-east-1",
  };
}

// Waits for messages as long as it takes, unless the function has gone.
async function receive(isWanted) {
  while (isWanted()) {
    const { Messages: messages = [] } = await sqs("ReceiveMessage", {
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      VisibilityTimeout: TIMEOUT_S,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    if (messages.length > 0) return messages;
  }
  return [];
}

async function next(request, response, queueArn) {
  const messages = await receive(() => !response.destroyed);
  if (messages.length === 0) return;
  const id = randomUUID();
  invocations.set(id, messages);
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": id,
    "Lambda-Runtime-Deadline-Ms": String(Date.now() + TIMEOUT_S * 1000),
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:emails",
  });
  response.end(JSON.stringify({ Records: messages.map((message) => record(message, queueArn)) }));
}

// What has failed comes again when its visibility ends.
async function settle(id, failures) {
  const failed = new Set(failures.map(({ itemIdentifier }) => itemIdentifier));
  const done = (invocations.get(id) ?? []).filter(({ MessageId: messageId }) => !failed.has(messageId));
  invocations.delete(id);
  if (done.length === 0) return;
  const entries = done.map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
  await sqs("DeleteMessageBatch", { QueueUrl: queueUrl, Entries: entries });
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function answer(request, response, queueArn) {
  const [, id, kind] = request.url.match(/^\/2018-06-01\/runtime\/(?:invocation\/)?([^/]+)(?:\/(\w+))?$/) ?? [];
  if (request.method === "GET" && id === "next") return next(request, response, queueArn);
  const body = await read(request);
  if (kind === "response") await settle(id, JSON.parse(body || "{}").batchItemFailures ?? []);
  else if (kind === "error") console.error(`the function reports an error: ${body}`);
  else return response.writeHead(404).end();
  if (kind === "error") invocations.delete(id);
  return response.writeHead(202, { "Content-Type": "application/json" }).end('{"status":"OK"}');
}

async function main() {
  if (!queueUrl || !process.env.AWS_ENDPOINT_URL) {
    throw new Error("usage, with the emulator's address in AWS_ENDPOINT_URL: node lambda.mjs QUEUE_URL");
  }
  const { Attributes } = await sqs("GetQueueAttributes", { QueueUrl: queueUrl, AttributeNames: ["QueueArn"] });
  const server = createServer((request, response) => {
    answer(request, response, Attributes.QueueArn).catch((error) => {
      console.error(`lambda.mjs: ${error.message}`);
      response.destroy();
    });
  });
  server.requestTimeout = 0;
  server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    console.log(`listening on 127.0.0.1:${server.address().port}`);
  });
}

main().catch((error) => {
  console.error(`lambda.mjs: ${error.message}`);
  process.exit(1);
});
