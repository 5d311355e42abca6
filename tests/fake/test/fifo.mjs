// SPDX-License-Identifier: Apache-2.0
// FIFO topics: what they ask for, what they remember, and that a queue keeps the order of each group.
import assert from "node:assert/strict";
import { successful, text } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const message = (body, group, deduplication) => ({
  Message: body,
  MessageGroupId: group,
  MessageDeduplicationId: deduplication,
});
const bodies = (messages) => messages.map((received) => received.Body);

async function testRules({ client, topic }) {
  const orders = topic("orders.fifo");
  await test("a group id is required", async () =>
    assertRefused(
      await client.publishBatch(orders, [message("a", "g", "1"), message("b", undefined, "2")]),
      "InvalidParameter",
      /MessageGroupId parameter is required for FIFO/,
    ));
  await test("so is a deduplication id", async () =>
    assertRefused(
      await client.publishBatch(orders, [message("a", "g", "1"), message("b", "g")]),
      "InvalidParameter",
      /ContentBasedDeduplication enabled or MessageDeduplicationId/,
    ));
  await test("without spaces, and no longer than 128", async () => {
    for (const bad of ["a b", "x".repeat(129), ""]) {
      assertRefused(
        await client.publish(orders, message("a", "g", bad)),
        "InvalidParameter",
        /MessageDeduplicationId Reason/,
      );
    }
  });
}

async function testMemory(fake) {
  const { client } = fake;
  const orders = fake.topic("orders.fifo");
  const publish = async (...messages) => successful(await client.publishBatch(orders, messages));
  let first;
  await test("sequence numbers have 20 digits and grow", async () => {
    const members = await publish(message("a", "g", "1"), message("b", "g", "2"), message("c", "h", "3"));
    const numbers = members.map((member) => member.SequenceNumber);
    assert.ok(numbers.every((number) => /^\d{20}$/.test(number)));
    assert.deepEqual(numbers, [...numbers].sort());
    assert.equal(new Set(numbers).size, 3);
    [first] = members;
  });
  await test("a repeated message is answered like the first, and not delivered", async () => {
    const { delivered, deduplicated } = await fake.stats();
    const [again] = await publish(message("another body", "other-group", "1"));
    assert.deepEqual([again.MessageId, again.SequenceNumber], [first.MessageId, first.SequenceNumber]);
    const stats = await fake.stats();
    assert.deepEqual([stats.delivered, stats.deduplicated], [delivered, deduplicated + 1]);
    assert.deepEqual(fake.lines().at(-1).dup, true);
  });
  await test("also within a batch, and alone", async () => {
    const members = await publish(message("x", "g", "same"), message("x", "g", "same"));
    assert.equal(members[0].MessageId, members[1].MessageId);
    assert.equal(
      text((await client.publish(orders, message("x", "g", "same"))).body, "MessageId"),
      members[0].MessageId,
    );
  });
  await test("for five minutes from the first", async () => {
    await fake.advance(299000);
    assert.equal((await publish(message("a", "g", "1")))[0].MessageId, first.MessageId);
    await fake.advance(2000);
    assert.notEqual((await publish(message("a", "g", "1")))[0].MessageId, first.MessageId);
  });
  await test("by content, where the topic says so", async () => {
    const { json } = await client.control("POST", "topics", {
      name: "content.fifo",
      attributes: { ContentBasedDeduplication: "true" },
    });
    const ids = successful(
      await client.publishBatch(json.TopicArn, [message("a", "g"), message("a", "h"), message("b", "g")]),
    ).map((member) => member.MessageId);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });
  await test("by group, where the topic says so", async () => {
    const { json } = await client.control("POST", "topics", {
      name: "group.fifo",
      attributes: { FifoThroughputScope: "MessageGroup" },
    });
    const ids = successful(
      await client.publishBatch(json.TopicArn, [
        message("a", "g", "1"),
        message("a", "h", "1"),
        message("a", "g", "1"),
      ]),
    ).map((member) => member.MessageId);
    assert.equal(ids[0], ids[2]);
    assert.notEqual(ids[0], ids[1]);
  });
}

async function testOrder(fake) {
  const { client } = fake;
  const url = await fake.queue("moves.fifo", { raw: true });
  await client.publishBatch(
    fake.topic("moves.fifo"),
    ["g1", "g2", "g1", "g1", "g2"].map((group, index) => message(`${group}-${index}`, group, `m${index}`)),
  );
  const free = (messages) =>
    client.sqs("DeleteMessageBatch", {
      QueueUrl: url,
      Entries: messages.map((received, index) => ({ Id: String(index), ReceiptHandle: received.ReceiptHandle })),
    });
  let held;
  await test("a queue hands out several of a group, in order", async () => {
    held = await fake.receive(url, 4);
    assert.deepEqual(bodies(held), ["g1-0", "g1-2", "g1-3", "g2-1"]);
    assert.deepEqual([held[0].Attributes.MessageGroupId, held[0].Attributes.MessageDeduplicationId], ["g1", "m0"]);
    assert.match(held[0].Attributes.SequenceNumber, /^\d{20}$/);
  });
  await test("a group is locked until all of it is deleted", async () => {
    await client.publish(fake.topic("moves.fifo"), message("g1-5", "g1", "m5"));
    assert.deepEqual(await fake.receive(url), []);
    await free(held.slice(0, 2));
    assert.deepEqual(await fake.receive(url), []);
    await free(held.slice(2, 3));
    assert.deepEqual(bodies(await fake.receive(url)), ["g1-5"]);
  });
  await test("or visible again, when it is handed out in the same order", async () => {
    await fake.advance(31000);
    const again = await fake.receive(url, 10);
    assert.deepEqual(bodies(again).sort(), ["g1-5", "g2-1", "g2-4"]);
    assert.deepEqual(
      bodies(again).filter((body) => body.startsWith("g2")),
      ["g2-1", "g2-4"],
    );
  });
  await test("an old handle is refused", async () => {
    const answer = await client.sqs("DeleteMessage", { QueueUrl: url, ReceiptHandle: held[3].ReceiptHandle });
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /The receipt handle has expired/);
  });
  await test("a FIFO queue cannot listen to a standard topic", async () =>
    assertRefused(
      await client.sns("Subscribe", {
        TopicArn: fake.topic("events"),
        Protocol: "sqs",
        Endpoint: "arn:aws:sqs:us-east-1:000000000000:moves.fifo",
      }),
      "InvalidParameter",
      /FIFO SQS Queues/,
    ));
}

export async function run(fake) {
  await testRules({ client: fake.client, topic: fake.topic });
  await testMemory(fake);
  await testOrder(fake);
}
