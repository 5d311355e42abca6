// SPDX-License-Identifier: Apache-2.0
// Sends made-up domain events to a queue of the strict fake: `node sqs_send.mjs PORT QUEUE_URL COUNT [--copies N]
// [--seed N] [--aggregates N] [--fail SEQUENCE]... [--first N]`. Each is sent as often as --copies says, in an order that
// --seed shuffles (none: in order). Event number n has sequence n and aggregate n modulo --aggregates (COUNT); of those
// named by --fail the data say so. To a FIFO queue the aggregate is the group, and each copy is a message of its own.
import { parseArgs } from "node:util";
import { Client } from "../fake/test/client.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    copies: { type: "string", default: "1" },
    seed: { type: "string" },
    aggregates: { type: "string" },
    first: { type: "string", default: "1" },
    fail: { type: "string", multiple: true, default: [] },
  },
});
const [port, url] = positionals;
const count = Number(positionals[2]);
const aggregates = Number(values.aggregates ?? count);
const failing = new Set(values.fail.map(Number));
const fifo = url.endsWith(".fifo");

function event(sequence) {
  return {
    eventId: `00000000-0000-4000-8000-${sequence.toString(16).padStart(12, "0")}`,
    eventType: "order.created",
    eventVersion: "1.0",
    aggregateId: `order-${sequence % aggregates}`,
    occurredOn: "2026-01-31T12:34:56.789Z",
    sequence,
    data: { n: sequence, ...(failing.has(sequence) ? { fail: true } : {}) },
    metadata: {},
  };
}

// mulberry32, as in the fake
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle(list, random) {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
}

const messages = [];
for (let copy = 0; copy < Number(values.copies); copy++) {
  for (let index = 0; index < count; index++) messages.push({ copy, event: event(Number(values.first) + index) });
}
if (values.seed !== undefined) shuffle(messages, generator(Number(values.seed)));

const client = new Client(Number(port));
for (let start = 0; start < messages.length; start += 10) {
  const entries = messages.slice(start, start + 10).map(({ copy, event: { ...body } }, index) => ({
    Id: String(index),
    MessageBody: JSON.stringify(body),
    ...(fifo ? { MessageGroupId: body.aggregateId, MessageDeduplicationId: `${body.eventId}-${copy}` } : {}),
  }));
  const answer = await client.sqs("SendMessageBatch", { QueueUrl: url, Entries: entries });
  if (answer.json?.Successful?.length !== entries.length) throw new Error(`SendMessageBatch: ${answer.body}`);
}
client.close();
