// SPDX-License-Identifier: Apache-2.0
// Consumes a queue as the README says: with the handleMessage that is printed there, npm's sqs-consumer and npm's pg. It
// breaks down at the first delivery of each message, before or after the commit, so that each comes twice. Ends when all
// COUNT messages are done, and prints a line for each delivery. `node consumer.mjs QUEUE_URL COUNT`; PG* name the database.
import { readFile } from "node:fs/promises";
import { SQSClient } from "@aws-sdk/client-sqs";
import pg from "pg";
import { Consumer } from "sqs-consumer";

const [queueUrl, count] = process.argv.slice(2);
const pool = new pg.Pool({ max: 4 });
const begun = new Set(); // event ids whose effect has been begun
const seen = new Set(); // message ids
let done = 0;

async function bill(client, event) {
  await client.query("INSERT INTO invoice (event_id, order_id) VALUES ($1, $2)", [event.eventId, event.aggregateId]);
  if (!begun.has(event.eventId) && event.data.n % 2 === 0) {
    begun.add(event.eventId);
    throw new Error("broken down before the commit");
  }
}

const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
const example = readme.split("```js\n").map((block) => block.split("```")[0]).find((text) => text.includes("handleMessage("));
const handleMessage = new Function("pool", "bill", `${example}\nreturn handleMessage;`)(pool, bill);

async function breakDownOnce(message) {
  const isRepeated = seen.has(message.MessageId);
  seen.add(message.MessageId);
  console.log(`${message.MessageId} ${isRepeated ? "again" : "first"}`);
  await handleMessage(message);
  if (!isRepeated) throw new Error("broken down after the commit");
}

const consumer = Consumer.create({
  queueUrl,
  sqs: new SQSClient({ useQueueUrlAsEndpoint: false }), // the emulator names itself otherwise than we reach it
  handleMessage: breakDownOnce,
  batchSize: 10,
  waitTimeSeconds: 1,
  terminateVisibilityTimeout: true,
});

consumer.on("processing_error", (error) => {
  if (!/broken down/.test(error.message)) fail(error);
});
consumer.on("error", fail);
consumer.on("message_processed", () => {
  done += 1;
  if (done === Number(count)) consumer.stop();
});
consumer.on("stopped", () => pool.end());
consumer.start();

function fail(error) {
  console.error(error);
  process.exit(1);
}
