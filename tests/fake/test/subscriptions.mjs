// SPDX-License-Identifier: Apache-2.0
// What can be asked about topics, subscriptions and queues.
import assert from "node:assert/strict";
import { members, text } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const map = ({ body }) =>
  Object.fromEntries(
    [...body.matchAll(/<key>([^<]*)<\/key><value>([^<]*)<\/value>/g)].map(([, key, value]) => [key, value]),
  );

async function testTopic(fake) {
  const { client } = fake;
  const attributes = async (name) => map(await client.sns("GetTopicAttributes", { TopicArn: fake.topic(name) }));
  await test("a topic tells what was set, and nothing else of it", async () => {
    await client.control("POST", "topics", { name: "plain" });
    await client.control("POST", "topics", { name: "big.fifo", attributes: { MaximumMessageSize: "1048576" } });
    const [plain, big] = [await attributes("plain"), await attributes("big.fifo")];
    assert.deepEqual([plain.FifoTopic, plain.MaximumMessageSize, plain.KmsMasterKeyId], [undefined, undefined, undefined]);
    assert.deepEqual([big.FifoTopic, big.MaximumMessageSize], ["true", "1048576"]);
  });
  await test("a protocol that somebody must confirm stays pending, and gets nothing", async () => {
    const subscription = { TopicArn: fake.topic("plain"), Protocol: "email", Endpoint: "a@example.com" };
    assert.equal(text((await client.sns("Subscribe", subscription)).body, "SubscriptionArn"), "pending confirmation");
    await fake.queue("plain");
    const { SubscriptionsPending: pending, SubscriptionsConfirmed: confirmed } = await attributes("plain");
    assert.deepEqual([pending, confirmed], ["1", "1"]);
    await client.publish(fake.topic("plain"), { Message: "hello" });
    const { delivered, discarded } = await fake.stats();
    assert.deepEqual([delivered, discarded], [1, 0]);
  });
  await test("endpoints are held against their protocol", async () => {
    const refused = async (Protocol, Endpoint, topic = "plain") =>
      assertRefused(
        await client.sns("Subscribe", { TopicArn: fake.topic(topic), Protocol, Endpoint }),
        "InvalidParameter",
      );
    await refused("email", "nobody");
    await refused("https", "http://example.com");
    await refused("sqs", "arn:aws:sqs:us-east-1:1:q");
    await refused("sms", "+15550100");
    await refused("email", "a@example.com", "big.fifo");
    await refused("sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo");
  });
}

async function testSubscriptions(fake) {
  const { client } = fake;
  const list = (parameters) => client.sns("ListSubscriptionsByTopic", { TopicArn: fake.topic("many"), ...parameters });
  await test("subscriptions come in pages of a hundred", async () => {
    await client.control("POST", "topics", { name: "many" });
    for (let index = 0; index < 201; index++) {
      const endpoint = `arn:aws:sqs:us-east-1:000000000000:q-${index}`;
      await client.sns("Subscribe", { TopicArn: fake.topic("many"), Protocol: "sqs", Endpoint: endpoint });
    }
    const seen = [];
    let next;
    do {
      const answer = await list(next ? { NextToken: next } : {});
      const page = members(answer.body, "Subscriptions");
      assert.ok(page.length <= 100);
      seen.push(...page.map(({ Endpoint: endpoint }) => endpoint));
      next = text(answer.body, "NextToken");
    } while (next);
    assert.equal(new Set(seen).size, 201);
    assertRefused(await list({ NextToken: "wrong" }), "InvalidParameter", /NextToken/);
  });
  await test("a pending one has no ARN yet", async () => {
    const [pending] = members(
      (await client.sns("ListSubscriptionsByTopic", { TopicArn: fake.topic("plain") })).body,
      "Subscriptions",
    );
    assert.deepEqual([pending.SubscriptionArn, pending.Protocol], ["PendingConfirmation", "email"]);
  });
  await test("a subscription tells how it delivers", async () => {
    await client.control("POST", "topics", { name: "raw" });
    const { body } = await client.sns("Subscribe", {
      TopicArn: fake.topic("raw"),
      Protocol: "sqs",
      Endpoint: "arn:aws:sqs:us-east-1:000000000000:raw",
      "Attributes.entry.1.key": "RawMessageDelivery",
      "Attributes.entry.1.value": "true",
      "Attributes.entry.2.key": "RedrivePolicy",
      "Attributes.entry.2.value": '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}',
    });
    const answer = await client.sns("GetSubscriptionAttributes", { SubscriptionArn: text(body, "SubscriptionArn") });
    const { RawMessageDelivery: raw, PendingConfirmation: pending, RedrivePolicy: redrive } = map(answer);
    assert.deepEqual([raw, pending], ["true", "false"]);
    assert.match(redrive, /deadLetterTargetArn/);
  });
  await test("what is not there is not found", async () => {
    const nobody = { SubscriptionArn: `${fake.topic("raw")}:00000000-0000-0000-0000-000000000000` };
    assertRefused(await client.sns("GetSubscriptionAttributes", nobody), "NotFound", /does not exist/, 404);
    const pending = { SubscriptionArn: "PendingConfirmation" };
    assertRefused(await client.sns("GetSubscriptionAttributes", pending), "InvalidParameter");
  });
}

async function testQueues(fake) {
  const { client } = fake;
  const settings = {
    Policy: '{"Statement":[]}',
    RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":5}',
    KmsMasterKeyId: "alias/relay",
  };
  await test("a queue tells what was set", async () => {
    const url = await fake.queue("told", { attributes: settings });
    const answer = await client.sqs("GetQueueAttributes", { QueueUrl: url, AttributeNames: ["All"] });
    const { Policy: policy, RedrivePolicy: redrive, KmsMasterKeyId: key, QueueArn: arn } = answer.json.Attributes;
    assert.deepEqual({ Policy: policy, RedrivePolicy: redrive, KmsMasterKeyId: key }, settings);
    assert.equal(arn, "arn:aws:sqs:us-east-1:000000000000:told");
    assert.equal(answer.json.Attributes.ApproximateNumberOfMessages, "0");
  });
  await test("a queue's URL is found by name and owner", async () => {
    const ask = (input) => client.sqs("GetQueueUrl", input);
    const found = await ask({ QueueName: "told", QueueOwnerAWSAccountId: "000000000000" });
    assert.match(found.json.QueueUrl, /\/000000000000\/told$/);
    for (const input of [{ QueueName: "nobody" }, { QueueName: "told", QueueOwnerAWSAccountId: "111111111111" }]) {
      const answer = await ask(input);
      assert.equal(answer.status, 400);
      assert.match(answer.json.__type, /#QueueDoesNotExist$/);
    }
    assert.match((await ask({})).json.__type, /#MissingParameter$/);
  });
  await test("looking can be denied, in each service's words", async () => {
    await fake.fault({ kind: "deny", match: { action: ["GetQueueAttributes", "GetTopicAttributes"] } });
    const queue = await client.sqs("GetQueueAttributes", { QueueUrl: "http://q/000000000000/told" });
    assert.deepEqual([queue.status, queue.json.__type], [403, "com.amazonaws.sqs#AccessDenied"]);
    const topic = await client.sns("GetTopicAttributes", { TopicArn: fake.topic("plain") });
    assertRefused(topic, "AuthorizationError", /is not authorized to perform: SNS:GetTopicAttributes/, 403);
    await fake.clear();
  });
}

export async function run(fake) {
  await testTopic(fake);
  await testSubscriptions(fake);
  await testQueues(fake);
}
