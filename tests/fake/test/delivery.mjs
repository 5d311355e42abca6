// SPDX-License-Identifier: Apache-2.0
// What arrives in a queue: envelopes and raw bodies, from standard and from FIFO topics.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { text } from "./client.mjs";
import { test } from "./harness.mjs";

const message = {
  Message: 'say "hé"',
  Subject: "greeting",
  attributes: [
    ["event-type", "String", "order.created"],
    ["count", "Number", "3"],
    ["blob", "Binary", "AAEC"],
  ],
};

async function testStandard(fake) {
  const { client } = fake;
  const wrapped = await fake.queue("wrapped", { topic: "events" });
  const raw = await fake.queue("raw", { topic: "events", raw: true });
  const answer = await client.publish(fake.topic("events"), { ...message, MessageGroupId: "fair" });
  const [envelope] = await fake.receive(wrapped);
  const [plain] = await fake.receive(raw);

  await test("an envelope's fields, in their order", async () => {
    const body = JSON.parse(envelope.Body);
    assert.deepEqual(Object.keys(body), [
      "Type",
      "MessageId",
      "TopicArn",
      "Subject",
      "Message",
      "Timestamp",
      "SignatureVersion",
      "Signature",
      "SigningCertURL",
      "UnsubscribeURL",
      "MessageAttributes",
    ]);
    assert.deepEqual(
      [body.Type, body.MessageId, body.Message, body.Subject],
      ["Notification", text(answer.body, "MessageId"), message.Message, "greeting"],
    );
    assert.deepEqual(body.MessageAttributes, {
      "event-type": { Type: "String", Value: "order.created" },
      count: { Type: "Number", Value: "3" },
      blob: { Type: "Binary", Value: "AAEC" },
    });
    assert.match(body.Timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
  await test("a raw body, with its attributes beside it", async () => {
    assert.equal(plain.Body, message.Message);
    assert.deepEqual(plain.MessageAttributes.blob, { DataType: "Binary", BinaryValue: "AAEC" });
    assert.deepEqual(plain.MessageAttributes["event-type"], { DataType: "String", StringValue: "order.created" });
    assert.equal(plain.MD5OfBody, createHash("md5").update(message.Message).digest("hex"));
    assert.match(plain.MD5OfMessageAttributes, /^[0-9a-f]{32}$/);
  });
  await test("a standard topic hands the group on", async () => {
    assert.deepEqual([plain.Attributes.MessageGroupId, envelope.Attributes.MessageGroupId], ["fair", "fair"]);
    assert.equal(plain.Attributes.SequenceNumber, undefined);
  });
  await test("what is not given is not there", async () => {
    await client.publish(fake.topic("events"), { Message: "bare" });
    const body = JSON.parse((await fake.receive(wrapped))[0].Body);
    assert.ok(!("Subject" in body) && !("MessageAttributes" in body) && !("SequenceNumber" in body));
    assert.ok(!("MessageAttributes" in (await fake.receive(raw))[0]));
  });
  await test("eleven attributes are too many for raw delivery, and nobody is told", async () => {
    const attributes = Array.from({ length: 11 }, (_, index) => [`a${index}`, "String", "x"]);
    assert.equal((await client.publish(fake.topic("events"), { Message: "wide", attributes })).status, 200);
    assert.deepEqual(await fake.receive(raw), []);
    assert.equal((await fake.receive(wrapped)).length, 1);
    assert.equal((await fake.stats()).discarded, 1);
  });
  await test("a structure has a text for each protocol, and no attributes", async () => {
    await client.publish(fake.topic("events"), {
      ...message,
      Message: '{"default":"all","sqs":"queue"}',
      MessageStructure: "json",
    });
    const [received] = await fake.receive(raw);
    assert.equal(received.Body, "queue");
    assert.equal(received.MessageAttributes, undefined);
  });
}

async function testFifo(fake) {
  const { client } = fake;
  const fifo = await fake.queue("orders.fifo");
  const standard = await fake.queue("plain", { topic: "orders.fifo" });
  const answer = await client.publish(fake.topic("orders.fifo"), {
    ...message,
    MessageGroupId: "g",
    MessageDeduplicationId: "d",
  });
  await test("a FIFO envelope has a sequence number and no signature", async () => {
    const body = JSON.parse((await fake.receive(fifo))[0].Body);
    assert.deepEqual(Object.keys(body), [
      "Type",
      "MessageId",
      "SequenceNumber",
      "TopicArn",
      "Subject",
      "Message",
      "Timestamp",
      "UnsubscribeURL",
      "MessageAttributes",
    ]);
    assert.equal(body.SequenceNumber, text(answer.body, "SequenceNumber"));
  });
  await test("a standard queue may listen to a FIFO topic", async () => {
    const [received] = await fake.receive(standard);
    assert.match(received.Body, /"SequenceNumber"/);
    assert.equal(received.Attributes.SequenceNumber, undefined);
    assert.equal(received.Attributes.MessageDeduplicationId, undefined);
  });
}

export async function run(fake) {
  await testStandard(fake);
  await testFifo(fake);
}
