// SPDX-License-Identifier: Apache-2.0
// Who is let in, and in which words the others are sent away.
import assert from "node:assert/strict";
import { basicDate, Raw } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const MINUTE = 60 * 1000;

export async function run(fake) {
  const { client } = fake;
  const topic = fake.topic("events");
  const publish = (options) => client.publish(topic, { Message: "hello" }, options);
  const lastDigit = (header) => header.slice(0, -1) + (header.endsWith("0") ? "1" : "0");

  await test("a good signature", async () => assert.equal((await publish()).status, 200));
  await test("a signature with one wrong digit", async () =>
    assertRefused(await publish({ tamper: lastDigit }), "SignatureDoesNotMatch", /does not match/, 403));
  await test("a wrong secret", async () =>
    assertRefused(await publish({ secret: "other" }), "SignatureDoesNotMatch", /./, 403));
  await test("an unknown key", async () =>
    assertRefused(await publish({ keyId: "nobody" }), "InvalidClientTokenId", /./, 403));
  await test("a body that was tampered with", async () => {
    const body = `Action=Publish&Version=2010-03-31&TopicArn=${encodeURIComponent(topic)}&Message=hello`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assert.equal((await client.signed("sns", headers, body)).status, 200);
    const answer = await client.signed("sns", headers, body, { sent: body.replace("hello", "jello") });
    assert.equal(answer.status, 403);
    assert.match(answer.body, /<Code>SignatureDoesNotMatch</);
  });
  await test("14 minutes old, and as much too new", async () => {
    for (const minutes of [-14, 14]) {
      assert.equal((await publish({ date: basicDate(Date.now() + minutes * MINUTE) })).status, 200);
    }
  });
  await test("16 minutes old", async () =>
    assertRefused(
      await publish({ date: basicDate(Date.now() - 16 * MINUTE) }),
      "SignatureDoesNotMatch",
      /^Signature expired/,
      403,
    ));
  await test("16 minutes too new", async () =>
    assertRefused(
      await publish({ date: basicDate(Date.now() + 16 * MINUTE) }),
      "SignatureDoesNotMatch",
      /^Signature not yet current/,
      403,
    ));
  await test("the scope of another day", async () =>
    assertRefused(await publish({ scopeDay: "20200101" }), "SignatureDoesNotMatch", /^Date in Credential scope/, 403));
  await test("a date that is none", async () =>
    assertRefused(await publish({ date: "yesterday" }), "IncompleteSignature"));
  await test("no Authorization header", async () => {
    const answer = await client.send(
      "POST",
      "/",
      { "content-type": "application/x-www-form-urlencoded" },
      "Action=Publish",
    );
    assert.equal(answer.status, 403);
    assert.match(answer.body, /<Code>MissingAuthenticationToken</);
  });
  await test("half an Authorization header", async () =>
    assertRefused(await publish({ tamper: (header) => header.split(", Signature")[0] }), "IncompleteSignature"));
  await test("host and x-amz-date must be signed", async () => {
    assertRefused(await publish({ names: ["content-type", "x-amz-date"] }), "IncompleteSignature", /'host'/);
    assertRefused(await publish({ names: ["content-type", "host"] }), "IncompleteSignature", /'x-amz-date'/);
  });
  await test("the content type need not be", async () =>
    assert.equal((await publish({ names: ["host", "x-amz-date"] })).status, 200));
  await test("the scope of another service", async () => {
    const answer = await client.signed(
      "sqs",
      { "content-type": "application/x-www-form-urlencoded" },
      "Action=ListTopics&Version=2010-03-31",
    );
    assert.equal(answer.status, 403);
    assert.match(answer.body, /correct service: 'sns'/);
  });
  await test("a topic of another region", async () =>
    assertRefused(await publish({ region: "eu-west-1" }), "InvalidParameter", /TopicArn/));
  await test("SQS says it in JSON", async () => {
    const answer = await client.sqs("CreateQueue", { QueueName: "q" }, { secret: "other" });
    assert.equal(answer.status, 403);
    assert.match(answer.json.__type, /#SignatureDoesNotMatch$/);
  });
  await test("a key pair with a session token", async () => {
    const pair = { keyId: "temporary", secret: "secret/+=", token: "to/ken+==" };
    await client.control("POST", "credentials", { accessKeyId: pair.keyId, secret: pair.secret, token: pair.token });
    assert.equal((await publish(pair)).status, 200);
    assertRefused(await publish({ ...pair, token: undefined }), "InvalidClientTokenId", /./, 403);
    assertRefused(await publish({ ...pair, token: "another" }), "InvalidClientTokenId", /./, 403);
  });
  await test("an expired token, until new credentials are there", async () => {
    await fake.fault({ kind: "expire_token", match: { accessKeyId: "temporary" } });
    const old = { keyId: "temporary", secret: "secret/+=", token: "to/ken+==" };
    assertRefused(await publish(old), "ExpiredToken", /expired/, 403);
    assert.equal((await publish()).status, 200);
    await client.control("POST", "credentials", { accessKeyId: "temporary", secret: "new", token: "newer" });
    assert.equal((await publish({ ...old, secret: "new", token: "newer" })).status, 200);
    await fake.clear();
  });
  await test("every token expires, until the rule goes", async () => {
    await fake.fault({ kind: "expire_token" });
    assertRefused(await publish(), "ExpiredToken", /expired/, 403);
    await fake.clear();
    assert.equal((await publish()).status, 200);
  });
  await test("a server whose clock is wrong says so in Date", async () => {
    await client.control("POST", "clock", { skew_ms: 60 * MINUTE });
    const answer = await publish();
    assertRefused(answer, "SignatureDoesNotMatch", /^Signature expired/, 403);
    const date = Date.parse(answer.headers.date);
    assert.ok(date > Date.now() + 55 * MINUTE);
    assert.equal((await publish({ date: basicDate(date) })).status, 200);
    await client.control("POST", "clock", { skew_ms: 0 });
  });
  await test("what is refused is not published", async () => {
    const before = (await fake.stats()).accepted;
    await publish({ secret: "other" });
    await client.publish(topic, { Message: new Raw("%ff") });
    assert.equal((await fake.stats()).accepted, before);
  });
}
