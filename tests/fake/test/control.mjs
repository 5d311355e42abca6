// SPDX-License-Identifier: Apache-2.0
// The log, the counts, and going away and coming back.
import assert from "node:assert/strict";
import { join } from "node:path";
import { text } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const uuid = "0190aaaa-0000-4000-8000-000000000001";
const body = `{"eventId":"${uuid}","eventType":"order.created","eventVersion":"1.0","aggregateId":"o","occurredOn":"2026-01-31T12:34:56.789Z","sequence":42,"data":{},"metadata":{}}`;

async function testLog(fake) {
  const { client } = fake;
  const last = () => fake.lines().at(-1);
  await test("the log says which event it was", async () => {
    const answer = await client.publish(fake.topic("events"), {
      Message: body,
      attributes: [
        ["event-id", "String", "e-1"],
        ["aggregate-id", "String", 'o"1'],
      ],
    });
    const { t, ...line } = last();
    assert.ok(Number.isInteger(t));
    assert.deepEqual(line, {
      topic: "events",
      id: "e-1",
      agg: 'o"1',
      seq: 42,
      mid: text(answer.body, "MessageId"),
      dup: false,
      answer: "sent",
    });
  });
  await test("from the body, where no attribute says it", async () => {
    await client.publish(fake.topic("events"), { Message: body });
    assert.deepEqual([last().id, last().seq], [uuid, 42]);
    await client.publish(fake.topic("events"), { Message: '{ "sequence": 7, "id": "ce-1" }' });
    assert.deepEqual([last().id, last().seq], ["ce-1", 7]);
    await client.publish(fake.topic("events"), { Message: "[not json" });
    assert.deepEqual([last().id, last().seq], [undefined, undefined]);
  });
  await test("with group, deduplication id and sequence number", async () => {
    const answer = await client.publish(fake.topic("o.fifo"), {
      Message: body,
      MessageGroupId: "g",
      MessageDeduplicationId: "d",
    });
    assert.deepEqual([last().group, last().dedup, last().sn], ["g", "d", text(answer.body, "SequenceNumber")]);
  });
}

async function testCounts(fake) {
  const { client } = fake;
  await test("stats", async () => {
    const before = await fake.stats();
    await Promise.all([1, 2, 3].map(() => client.publish(fake.topic("events"), { Message: body })));
    await client.publish(fake.topic("events"), { Message: "" });
    const after = await fake.stats();
    assert.equal(after.requests - before.requests, 4);
    assert.equal(after.accepted - before.accepted, 3);
    assert.equal(after.refused.InvalidParameter, 1);
    assert.ok(after.most_concurrent >= 1 && after.concurrent === 0);
  });
  await test("fired faults", async () => {
    const id = await fake.fault({ kind: "status", count: 1 });
    await client.publish(fake.topic("events"), { Message: body });
    const { faults } = await fake.stats();
    assert.deepEqual([faults.status, faults[`${id}:status`]], [1, 1]);
  });
  await test("topics are made and listed", async () => {
    const { json } = await client.control("POST", "topics", { name: "new.fifo", region: "eu-west-1" });
    assert.deepEqual([json.TopicArn, json.FifoTopic], ["arn:aws:sns:eu-west-1:000000000000:new.fifo", "true"]);
    assert.ok((await client.control("GET", "topics")).json.some((topic) => topic.TopicArn === json.TopicArn));
    assert.equal(
      (
        await client.publish(
          json.TopicArn,
          { Message: body, MessageGroupId: "g", MessageDeduplicationId: "d" },
          { region: "eu-west-1" },
        )
      ).status,
      200,
    );
  });
  await test("paths that are not there", async () =>
    assert.equal((await client.control("GET", "nothing")).status, 404));
}

async function testReturn(fake) {
  const state = join(fake.folder, "state");
  await fake.stop();
  await fake.start("--state", state);
  const orders = { Message: body, MessageGroupId: "g", MessageDeduplicationId: "d" };
  await test("a fake that comes back knows what it knew", async () => {
    const url = await fake.queue("orders.fifo", { raw: true });
    const first = await fake.client.publish(fake.topic("orders.fifo"), orders);
    await fake.advance(1000);
    const [held] = await fake.receive(url, 10, { VisibilityTimeout: 3600 });
    await fake.client.publish(fake.topic("orders.fifo"), { ...orders, MessageDeduplicationId: "d2" });
    assert.equal(await fake.stop(), 0);
    await fake.start("--state", state);
    const again = await fake.client.publish(fake.topic("orders.fifo"), orders);
    assert.equal(text(again.body, "SequenceNumber"), text(first.body, "SequenceNumber"));
    assert.deepEqual(await fake.receive(url), []);
    assert.equal(
      (await fake.client.sqs("DeleteMessage", { QueueUrl: url, ReceiptHandle: held.ReceiptHandle })).status,
      200,
    );
    assert.equal((await fake.receive(url)).length, 1);
  });
  await test("one that is killed comes back as it was saved", async () => {
    await fake.client.publish(fake.topic("orders.fifo"), { ...orders, MessageDeduplicationId: "d3" });
    assert.equal((await fake.client.control("POST", "save")).status, 200);
    await fake.client.publish(fake.topic("orders.fifo"), { ...orders, MessageDeduplicationId: "d4" });
    await fake.stop("SIGKILL");
    await fake.start("--state", state);
    await fake.client.publish(fake.topic("orders.fifo"), { ...orders, MessageDeduplicationId: "d3" });
    await fake.client.publish(fake.topic("orders.fifo"), { ...orders, MessageDeduplicationId: "d4" });
    assert.deepEqual(
      fake
        .lines()
        .slice(-2)
        .map((line) => line.dup),
      [true, false],
    );
  });
  await test("without auto-topics a topic has to be made", async () => {
    await fake.stop();
    fake.auto = false;
    await fake.start();
    assertRefused(
      await fake.client.publish(fake.topic("unheard"), { Message: "x" }),
      "NotFound",
      /^Topic does not exist$/,
      404,
    );
    await fake.client.sns("CreateTopic", { Name: "unheard" });
    assert.equal((await fake.client.publish(fake.topic("unheard"), { Message: "x" })).status, 200);
  });
  await test("any credentials, where that is asked for", async () => {
    await fake.stop();
    await fake.start("--any-credentials");
    await fake.client.sns("CreateTopic", { Name: "open" });
    assert.equal(
      (await fake.client.publish(fake.topic("open"), { Message: "x" }, { keyId: "nobody", secret: "x" })).status,
      200,
    );
  });
}

export async function run(fake) {
  await testLog(fake);
  await testCounts(fake);
  await testReturn(fake);
}
