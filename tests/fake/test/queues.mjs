// SPDX-License-Identifier: Apache-2.0
// SQS: receiving, visibility on the fake's clock, deleting, dead letters, and its errors.
import assert from "node:assert/strict";
import { test } from "./harness.mjs";

const type = (answer) => [answer.status, answer.json.__type];
const error = (code) => [400, `com.amazonaws.sqs#${code}`];

async function makeQueue({ client }, name, attributes = {}) {
  const fifo = name.endsWith(".fifo") ? { FifoQueue: "true", ContentBasedDeduplication: "true" } : {};
  return (await client.sqs("CreateQueue", { QueueName: name, Attributes: { ...fifo, ...attributes } })).json.QueueUrl;
}

async function testReceiving(fake) {
  const { client } = fake;
  const url = await makeQueue(fake, "work");
  const send = (body) => client.sqs("SendMessage", { QueueUrl: url, MessageBody: body });
  await test("an empty queue answers without Messages", async () =>
    assert.deepEqual((await client.sqs("ReceiveMessage", { QueueUrl: url })).json, {}));
  await test("what is received is hidden, and comes again", async () => {
    await send("a");
    const [first] = await fake.receive(url);
    assert.deepEqual([first.Body, first.Attributes.ApproximateReceiveCount], ["a", "1"]);
    assert.deepEqual(await fake.receive(url), []);
    await fake.advance(30000);
    const [second] = await fake.receive(url);
    assert.deepEqual([second.MessageId, second.Attributes.ApproximateReceiveCount], [first.MessageId, "2"]);
    assert.notEqual(second.ReceiptHandle, first.ReceiptHandle);
    assert.equal(
      (await client.sqs("DeleteMessage", { QueueUrl: url, ReceiptHandle: first.ReceiptHandle })).status,
      200,
    );
    await fake.advance(30000);
    const [third] = await fake.receive(url);
    assert.equal(
      (await client.sqs("DeleteMessage", { QueueUrl: url, ReceiptHandle: third.ReceiptHandle })).status,
      200,
    );
    await fake.advance(30000);
    assert.deepEqual(await fake.receive(url), []);
  });
  await test("visibility may be changed", async () => {
    await send("b");
    const [held] = await fake.receive(url, 1, { VisibilityTimeout: 5 });
    const change = (seconds) =>
      client.sqs("ChangeMessageVisibility", {
        QueueUrl: url,
        ReceiptHandle: held.ReceiptHandle,
        VisibilityTimeout: seconds,
      });
    await change(100);
    await fake.advance(50000);
    assert.deepEqual(await fake.receive(url), []);
    assert.deepEqual(type(await change(43201)), error("InvalidParameterValue"));
    assert.match((await change(43199)).json.message, /Total VisibilityTimeout/);
    await change(0);
    assert.equal((await change(10)).status, 200);
    assert.equal((await fake.receive(url)).length, 1);
  });
  await test("a long poll waits for a message", async () => {
    await client.sqs("PurgeQueue", { QueueUrl: url });
    const waiting = fake.receive(url, 10, { WaitTimeSeconds: 5 });
    await send("c");
    assert.equal((await waiting)[0].Body, "c");
  });
  await test("and for one that becomes visible", async () => {
    const waiting = fake.receive(url, 10, { WaitTimeSeconds: 5 });
    await fake.advance(30000);
    assert.equal((await waiting)[0].Body, "c");
  });
  await test("and not for ever", async () => assert.deepEqual(await fake.receive(url, 10, { WaitTimeSeconds: 1 }), []));
  await test("attributes are given only to who asks", async () => {
    await client.sqs("SendMessage", {
      QueueUrl: url,
      MessageBody: "d",
      MessageAttributes: {
        "a.b": { DataType: "String", StringValue: "x" },
        c: { DataType: "String", StringValue: "y" },
      },
    });
    const { json } = await client.sqs("ReceiveMessage", {
      QueueUrl: url,
      MessageAttributeNames: ["a.*"],
      AttributeNames: ["SentTimestamp"],
    });
    assert.deepEqual(Object.keys(json.Messages[0].MessageAttributes), ["a.b"]);
    assert.deepEqual(Object.keys(json.Messages[0].Attributes), ["SentTimestamp"]);
  });
}

async function testBatches(fake) {
  const { client } = fake;
  const url = await makeQueue(fake, "batch");
  const entries = (count, more) => Array.from({ length: count }, (_, index) => ({ Id: String(index), ...more }));
  await test("sending, changing and deleting in batches", async () => {
    assert.equal(
      (await client.sqs("SendMessageBatch", { QueueUrl: url, Entries: entries(10, { MessageBody: "x" }) })).json
        .Successful.length,
      10,
    );
    const messages = await fake.receive(url);
    const handles = messages.map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
    const changed = await client.sqs("ChangeMessageVisibilityBatch", {
      QueueUrl: url,
      Entries: handles.map((entry) => ({ ...entry, VisibilityTimeout: 60 })),
    });
    assert.equal(changed.json.Successful.length, 10);
    handles[3].ReceiptHandle = "nonsense";
    const { json } = await client.sqs("DeleteMessageBatch", { QueueUrl: url, Entries: handles });
    assert.equal(json.Successful.length, 9);
    assert.deepEqual(
      json.Failed.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
      [["3", "ReceiptHandleIsInvalid", true]],
    );
  });
  await test("batches that are refused", async () => {
    const send = (list) => client.sqs("SendMessageBatch", { QueueUrl: url, Entries: list });
    assert.deepEqual(type(await send([])), error("EmptyBatchRequest"));
    assert.deepEqual(type(await send(entries(11, { MessageBody: "x" }))), error("TooManyEntriesInBatchRequest"));
    assert.deepEqual(
      type(
        await send([
          { Id: "a", MessageBody: "x" },
          { Id: "a", MessageBody: "x" },
        ]),
      ),
      error("BatchEntryIdsNotDistinct"),
    );
    assert.deepEqual(type(await send([{ Id: "a b", MessageBody: "x" }])), error("InvalidBatchEntryId"));
  });
}

async function testDeadLetters(fake) {
  const { client } = fake;
  for (const suffix of ["", ".fifo"]) {
    await test(`after so many times a message goes to the dead letters${suffix}`, async () => {
      const dead = await makeQueue(fake, `dead${suffix}`);
      const policy = { deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:dead${suffix}`, maxReceiveCount: 2 };
      const url = await makeQueue(fake, `alive${suffix}`, { RedrivePolicy: JSON.stringify(policy) });
      await client.sqs("SendMessage", { QueueUrl: url, MessageBody: "x", ...(suffix ? { MessageGroupId: "g" } : {}) });
      for (const count of ["1", "2"]) {
        assert.equal((await fake.receive(url))[0].Attributes.ApproximateReceiveCount, count);
        await fake.advance(30000);
      }
      assert.deepEqual(await fake.receive(url), []);
      const [letter] = await fake.receive(dead);
      assert.deepEqual([letter.Body, letter.Attributes.ApproximateReceiveCount], ["x", "3"]);
      assert.equal(letter.Attributes.DeadLetterQueueSourceArn, `arn:aws:sqs:us-east-1:000000000000:alive${suffix}`);
    });
  }
}

async function testErrors(fake) {
  const { client } = fake;
  const url = await makeQueue(fake, "errors");
  await test("a queue that is not there", async () => {
    const answer = await client.sqs("ReceiveMessage", { QueueUrl: url + "x" });
    assert.deepEqual(type(answer), error("QueueDoesNotExist"));
    assert.equal(answer.headers["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
  });
  await test("parameters out of range", async () => {
    for (const bad of [{ MaxNumberOfMessages: 11 }, { MaxNumberOfMessages: 0 }, { WaitTimeSeconds: 21 }]) {
      assert.deepEqual(
        type(await client.sqs("ReceiveMessage", { QueueUrl: url, ...bad })),
        error("InvalidParameterValue"),
      );
    }
  });
  await test("characters that SQS refuses", async () => {
    for (const body of ["a\u0001", "\ufffe", "\ud800"]) {
      assert.deepEqual(
        type(await client.sqs("SendMessage", { QueueUrl: url, MessageBody: body })),
        error("InvalidMessageContents"),
      );
    }
    assert.equal((await client.sqs("SendMessage", { QueueUrl: url, MessageBody: "\t\n\r𝄞" })).status, 200);
  });
  await test("a handle that is none", async () =>
    assert.deepEqual(
      type(await client.sqs("DeleteMessage", { QueueUrl: url, ReceiptHandle: "x" })),
      error("ReceiptHandleIsInvalid"),
    ));
  await test("an action that is none", async () =>
    assert.deepEqual(type(await client.sqs("Vanish", {})), error("InvalidAction")));
  await test("a queue of other attributes under the same name", async () => {
    assert.equal(
      (await client.sqs("CreateQueue", { QueueName: "errors", Attributes: { VisibilityTimeout: "30" } })).status,
      200,
    );
    assert.deepEqual(
      type(await client.sqs("CreateQueue", { QueueName: "errors", Attributes: { VisibilityTimeout: "31" } })),
      error("QueueNameExists"),
    );
  });
  await test("a queue by its name, and what is in it", async () => {
    assert.equal((await client.sqs("GetQueueUrl", { QueueName: "errors" })).json.QueueUrl, url);
    const { json } = await client.sqs("GetQueueAttributes", { QueueUrl: url, AttributeNames: ["All"] });
    assert.deepEqual(
      [json.Attributes.QueueArn, json.Attributes.ApproximateNumberOfMessages],
      ["arn:aws:sqs:us-east-1:000000000000:errors", "1"],
    );
  });
}

const handles = (messages) => messages.map((message) => message.ReceiptHandle);
const bodies = (messages) => messages.map((message) => message.Body);

async function testAttempts(fake) {
  const { client } = fake;
  const url = await makeQueue(fake, "attempts.fifo");
  const send = (body) => client.sqs("SendMessage", { QueueUrl: url, MessageBody: body, MessageGroupId: "g" });
  const attempt = (id) => fake.receive(url, 10, { ReceiveRequestAttemptId: id });
  const one = (action, message, more) =>
    client.sqs(action, { QueueUrl: url, ReceiptHandle: message.ReceiptHandle, ...more });
  await test("who repeats an attempt gets the same messages, hidden anew", async () => {
    for (const body of ["a", "b", "c"]) await send(body);
    const first = await attempt("one");
    assert.deepEqual(bodies(first), ["a", "b", "c"]);
    assert.deepEqual(await attempt("another"), []);
    await fake.advance(20000);
    const again = await attempt("one");
    assert.deepEqual(handles(again), handles(first));
    assert.equal(again[0].Attributes.ApproximateReceiveCount, "1");
    await fake.advance(20000);
    assert.deepEqual(await attempt("another"), []);
  });
  await test("but not once they are visible again", async () => {
    await fake.advance(10000);
    const [message] = await attempt("one");
    assert.equal(message.Attributes.ApproximateReceiveCount, "2");
  });
  await test("nor when something has been done with them", async () => {
    const [message] = await attempt("one");
    assert.equal((await one("DeleteMessage", message)).status, 200);
    assert.deepEqual(await attempt("one"), []);
    await fake.advance(30000);
    const rest = await attempt("one");
    assert.deepEqual(bodies(rest), ["b", "c"]);
    await one("ChangeMessageVisibility", rest[1], { VisibilityTimeout: 100 });
    assert.deepEqual(await attempt("one"), []);
  });
  await test("an attempt is for FIFO queues, and a word", async () => {
    const standard = await makeQueue(fake, "attempts");
    const receive = (QueueUrl, id) => client.sqs("ReceiveMessage", { QueueUrl, ReceiveRequestAttemptId: id });
    assert.deepEqual(type(await receive(standard, "x")), error("InvalidParameterValue"));
    assert.deepEqual(type(await receive(url, "a b")), error("InvalidParameterValue"));
  });
}

async function testExpiredHandles(fake) {
  const { client } = fake;
  for (const [suffix, refused] of [
    ["", 0],
    [".fifo", 2],
  ]) {
    const url = await makeQueue(fake, `expired${suffix}`);
    for (const body of ["a", "b"]) {
      await client.sqs("SendMessage", {
        QueueUrl: url,
        MessageBody: body,
        ...(suffix ? { MessageGroupId: "g" } : {}),
      });
    }
    const entries = (list, more) =>
      handles(list).map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, ...more }));
    await test(`handles that have expired, in batches${suffix}`, async () => {
      const list = await fake.receive(url);
      assert.equal(list.length, 2);
      await fake.advance(30000);
      const hidden = await client.sqs("ChangeMessageVisibilityBatch", {
        QueueUrl: url,
        Entries: entries(list, { VisibilityTimeout: 60 }),
      });
      assert.equal(hidden.json.Failed.length, refused);
      const deleted = await client.sqs("DeleteMessageBatch", { QueueUrl: url, Entries: entries(list) });
      assert.equal(deleted.json.Failed.length, refused);
      for (const { Code, Message, SenderFault } of deleted.json.Failed) {
        assert.deepEqual([Code, SenderFault], ["InvalidParameterValue", true]);
        assert.match(Message, /The receipt handle has expired/);
      }
    });
  }
}

async function testFaults(fake) {
  const { client } = fake;
  const url = await makeQueue(fake, "faulty");
  const entries = ["a", "b"].map((body, index) => ({ Id: String(index), MessageBody: body }));
  await test("entries of a queue's batches may fail, or be left out", async () => {
    await client.sqs("SendMessageBatch", { QueueUrl: url, Entries: entries });
    await fake.fault({ kind: "fail_entry", count: 1, match: { queue: "faulty", action: "DeleteMessageBatch" } });
    await fake.fault({ kind: "omit_entry", count: 1, match: { queue: "other" } });
    await fake.fault({ kind: "omit_entry", count: 1, match: { queue: "faulty" } });
    const held = handles(await fake.receive(url)).map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    const { json } = await client.sqs("DeleteMessageBatch", { QueueUrl: url, Entries: held });
    assert.deepEqual(
      json.Failed.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
      [["0", "InternalError", false]],
    );
    assert.deepEqual(json.Successful, []);
    await fake.clear();
    await fake.advance(30000);
    assert.deepEqual((await fake.receive(url)).length, 2);
  });
}

export async function run(fake) {
  await testReceiving(fake);
  await testAttempts(fake);
  await testExpiredHandles(fake);
  await testFaults(fake);
  await testBatches(fake);
  await testDeadLetters(fake);
  await testErrors(fake);
}
