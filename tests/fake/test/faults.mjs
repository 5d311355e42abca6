// SPDX-License-Identifier: Apache-2.0
// Every kind of fault: what the client sees, and what is published nevertheless.
import assert from "node:assert/strict";
import { failed, successful } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const event = (id) => ({
  Message: `{"eventId":"${id}","aggregateId":"order-${id}"}`,
  attributes: [
    ["event-id", "String", id],
    ["aggregate-id", "String", `order-${id}`],
  ],
});
const ids = (members) => members.map((member) => member.Id);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// faulty(name, rule, check): the rule is there while check(publish, accepted) runs, and no longer.
function testing(fake, topic) {
  const publish = (...events) =>
    fake.client.publishBatch(topic, (events.length > 0 ? events : ["1", "2", "3"]).map(event), { timeout: 500 });
  return (name, rule, check) =>
    test(name, async () => {
      const before = fake.lines().length;
      await fake.fault(rule);
      try {
        await check(publish, () => fake.lines().slice(before));
      } finally {
        await fake.clear();
      }
    });
}

const answers = (lines) => lines.map((line) => line.answer);

async function testErrors(faulty, topic) {
  const refusals = [
    ["status", {}, "InternalError", 500],
    ["status", { status: 503 }, "ServiceUnavailable", 503],
    ["poison", {}, "InvalidParameter", 400],
    ["poison", { code: "ParameterValueInvalid" }, "ParameterValueInvalid", 400],
    ["deny", {}, "AuthorizationError", 403],
    ["missing", {}, "NotFound", 404],
    ["kms", {}, "KMSDisabled", 400],
    ["kms", { code: "KMSThrottling" }, "KMSThrottling", 400],
    ["throttle", { rate: 0.001, burst: 2 }, "Throttling", 400],
  ];
  for (const [kind, settings, code, status] of refusals) {
    await faulty(
      `${kind} ${JSON.stringify(settings)}`,
      { kind, match: { topic }, ...settings },
      async (publish, accepted) => {
        assertRefused(await publish(), code, /./, status);
        assert.deepEqual(accepted(), []);
      },
    );
  }
  await faulty(
    "poison hits the request with the bad event, and no other",
    { kind: "poison", match: { body: '"2"' } },
    async (publish) => {
      assertRefused(await publish("1", "2"), "InvalidParameter", /refused/);
      assert.equal((await publish("1", "3")).status, 200);
    },
  );
  await faulty(
    "an error after the messages were accepted",
    { kind: "status", published: true },
    async (publish, accepted) => {
      assert.equal((await publish()).status, 500);
      assert.deepEqual(answers(accepted()), ["status", "status", "status"]);
    },
  );
  await faulty("a proxy's page", { kind: "html" }, async (publish, accepted) => {
    const answer = await publish();
    assert.deepEqual([answer.status, answer.headers["content-type"]], [502, "text/html"]);
    assert.match(answer.body, /^<html>/);
    assert.deepEqual(accepted(), []);
  });
  await faulty(
    "throttle counts messages, and refills",
    { kind: "throttle", rate: 50, burst: 6 },
    async (publish, accepted) => {
      const statuses = [(await publish()).status, (await publish()).status, (await publish()).status];
      assert.deepEqual(statuses, [200, 200, 400]);
      await sleep(100);
      assert.equal((await publish()).status, 200);
      assert.equal(accepted().length, 9);
    },
  );
}

async function testConnections(faulty, fake) {
  await faulty("lost: accepted, and no answer", { kind: "lost" }, async (publish, accepted) => {
    await assert.rejects(publish(), /socket hang up/);
    assert.deepEqual(answers(accepted()), ["lost", "lost", "lost"]);
  });
  await faulty("reset", { kind: "reset" }, async (publish, accepted) => {
    await assert.rejects(publish(), { code: "ECONNRESET", syscall: "read" });
    assert.deepEqual(accepted(), []);
  });
  await faulty("stall", { kind: "stall" }, async (publish, accepted) => {
    await assert.rejects(publish(), /timed out/);
    assert.deepEqual(accepted(), []);
  });
  await faulty("stall after accepting", { kind: "stall", published: true }, async (publish, accepted) => {
    await assert.rejects(publish(), /timed out/);
    assert.deepEqual(answers(accepted()), ["stall", "stall", "stall"]);
  });
  await faulty("truncated: half of what Content-Length promises", { kind: "truncated" }, async (publish, accepted) => {
    await assert.rejects(publish(), /aborted/);
    assert.deepEqual(answers(accepted()), ["truncated", "truncated", "truncated"]);
  });
  await faulty("truncated: a whole answer of half the XML", { kind: "truncated", length: "half" }, async (publish) => {
    const answer = await publish();
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.body, /PublishBatchResponse>$/);
  });
  await faulty("delay: accepted at once, answered later", { kind: "delay", ms: 200 }, async (publish, accepted) => {
    const began = performance.now();
    const answering = publish();
    await sleep(100);
    assert.deepEqual(answers(accepted()), ["sent", "sent", "sent"]);
    assert.equal((await answering).status, 200);
    assert.ok(performance.now() - began >= 195);
  });
  await faulty("close, announced", { kind: "close" }, async (publish) =>
    assert.equal((await publish()).headers.connection, "close"),
  );
  await faulty("close, not announced", { kind: "close", announce: false }, async (publish) => {
    const answer = await publish();
    assert.deepEqual([answer.status, answer.headers.connection], [200, "keep-alive"]);
  });
  for (const [kind, pattern] of [
    ["reset", /ECONNRESET|socket hang up/],
    ["stall", /timed out/],
  ]) {
    await test(`${kind} before anything is read`, async () => {
      await fake.fault({ kind, at: "connect", count: 1 });
      fake.client.close();
      await assert.rejects(fake.client.publish(fake.topic("events"), event("1"), { timeout: 300 }), pattern);
      assert.equal((await fake.client.publish(fake.topic("events"), event("1"))).status, 200);
    });
  }
}

async function testEntries(faulty) {
  const third = { eventId: ["3"] };
  await faulty(
    "an entry fails, the others succeed",
    { kind: "fail_entry", match: third, code: "Oops", message: "<so>", senderFault: true },
    async (publish, accepted) => {
      const answer = await publish();
      assert.deepEqual(ids(successful(answer)), ["0", "1"]);
      assert.deepEqual(failed(answer), [{ Id: "2", Code: "Oops", Message: "&lt;so&gt;", SenderFault: "true" }]);
      assert.deepEqual(
        accepted().map((line) => line.id),
        ["1", "2"],
      );
    },
  );
  await faulty(
    "an entry is in neither list, and not published",
    { kind: "omit_entry", match: { aggregateId: "order-3" } },
    async (publish, accepted) => {
      const answer = await publish();
      assert.deepEqual([ids(successful(answer)), ids(failed(answer))], [["0", "1"], []]);
      assert.equal(accepted().length, 2);
    },
  );
  await faulty(
    "an entry is in neither list, and published",
    { kind: "omit_entry", match: third, published: true },
    async (publish, accepted) => {
      assert.deepEqual(ids(successful(await publish())), ["0", "1"]);
      assert.deepEqual(answers(accepted()), ["sent", "sent", "omitted"]);
    },
  );
  await faulty("entries are counted one by one", { kind: "fail_entry", count: 2 }, async (publish) => {
    assert.deepEqual(ids(successful(await publish())), ["2"]);
    assert.deepEqual(ids(successful(await publish())), ["0", "1", "2"]);
  });
}

async function testRules(faulty, fake) {
  await faulty("a rule for another topic", { kind: "status", match: { topic: "others" } }, async (publish) =>
    assert.equal((await publish()).status, 200),
  );
  await faulty(
    "a rule for another action",
    { kind: "status", match: { action: ["Subscribe", "Publish"] } },
    async (publish) => assert.equal((await publish()).status, 200),
  );
  await faulty(
    "SQS has faults as well",
    { kind: "status", match: { action: "CreateQueue" }, status: 503 },
    async () => {
      const answer = await fake.client.sqs("CreateQueue", { QueueName: "q" });
      assert.deepEqual([answer.status, answer.json.__type], [503, "com.amazonaws.sqs#ServiceUnavailable"]);
    },
  );
  await faulty("a rule for so many times", { kind: "status", count: 2 }, async (publish) => {
    const statuses = [(await publish()).status, (await publish()).status, (await publish()).status];
    assert.deepEqual(statuses, [500, 500, 200]);
    assert.deepEqual((await fake.client.control("GET", "faults")).json, []);
  });
  await faulty("a rule for so long", { kind: "status", until: 150 }, async (publish) => {
    assert.equal((await publish()).status, 500);
    await sleep(160);
    assert.equal((await publish()).status, 200);
  });
  await faulty("two rules together", { kind: "delay", ms: 100 }, async (publish) => {
    await fake.fault({ kind: "status" });
    const began = performance.now();
    assert.equal((await publish()).status, 500);
    assert.ok(performance.now() - began >= 95);
  });
  await test("chances are the same for the same seed", async () => {
    const series = async () => {
      const id = await fake.fault({ kind: "status", probability: 0.3, seed: 7 });
      const statuses = [];
      for (let index = 0; index < 60; index++)
        statuses.push((await fake.client.publish(fake.topic("events"), event("1"))).status);
      await fake.client.control("DELETE", `faults/${id}`);
      return statuses;
    };
    const first = await series();
    const errors = first.filter((status) => status === 500).length;
    assert.ok(errors > 8 && errors < 30, `${errors} of 60`);
    assert.deepEqual(await series(), first);
  });
  await test("rules that make no sense are refused", async () => {
    for (const rule of [
      { kind: "flood" },
      { kind: "status", colour: 1 },
      { kind: "status", match: { shelf: "x" } },
      { kind: "reset", at: "connect" },
      {},
    ]) {
      const answer = await fake.client.control("POST", "faults", rule);
      assert.equal(answer.status, 400, JSON.stringify(rule));
      assert.ok(answer.json.error);
    }
  });
}

export async function run(fake) {
  const faulty = testing(fake, fake.topic("events"));
  await fake.client.publish(fake.topic("events"), event("0"));
  await testErrors(faulty, fake.topic("events"));
  await testConnections(faulty, fake);
  await testEntries(faulty);
  await testRules(faulty, fake);
}
