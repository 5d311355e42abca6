// SPDX-License-Identifier: Apache-2.0
// Who somebody is, and session keys: that they work, and that they end.
import assert from "node:assert/strict";
import { text } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const HOUR = 60 * 60 * 1000;
const role = { RoleArn: "arn:aws:iam::123456789012:role/path/relay", RoleSessionName: "session-1" };
const encode = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");
const jwt = (claims) => `${encode({ alg: "RS256" })}.${encode(claims)}.c2ln`;

const pairOf = ({ body }) => ({
  keyId: text(body, "AccessKeyId"),
  secret: text(body, "SecretAccessKey"),
  token: text(body, "SessionToken"),
});

async function testIdentity({ client }) {
  await test("GetCallerIdentity", async () => {
    const { status, body } = await client.sts("GetCallerIdentity", {});
    assert.equal(status, 200, body);
    assert.match(body, /^<GetCallerIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/">/);
    assert.equal(text(body, "Arn"), "arn:aws:iam::000000000000:user/local");
    assert.equal(text(body, "Account"), "000000000000");
    assert.ok(text(body, "UserId"));
  });
  await test("it must be signed, for STS", async () => {
    const refused = (options, code) =>
      client.sts("GetCallerIdentity", {}, options).then((answer) => assertRefused(answer, code, /./, 403));
    await refused({ unsigned: true }, "MissingAuthenticationToken");
    await refused({ secret: "other" }, "SignatureDoesNotMatch");
    await refused({ keyId: "nobody" }, "InvalidClientTokenId");
    const body = "Action=GetCallerIdentity&Version=2011-06-15";
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    assert.match((await client.signed("sns", headers, body)).body, /correct service: 'sts'/);
  });
  await test("an action that there is not", async () =>
    assertRefused(await client.sts("GetFederationToken", {}), "InvalidAction"));
}

async function testRole(fake) {
  const { client } = fake;
  await test("AssumeRole gives keys that work", async () => {
    const answer = await client.sts("AssumeRole", role);
    assert.equal(answer.status, 200, answer.body);
    const arn = "arn:aws:sts::123456789012:assumed-role/relay/session-1";
    assert.equal(text(answer.body, "Arn"), arn);
    const end = Date.parse(text(answer.body, "Expiration"));
    assert.ok(Math.abs(end - Date.now() - HOUR) < HOUR / 10);
    const pair = pairOf(answer);
    assert.equal(text((await client.sts("GetCallerIdentity", {}, pair)).body, "Arn"), arn);
    assert.equal((await client.publish(fake.topic("events"), { Message: "hello" }, pair)).status, 200);
    assertRefused(
      await client.sts("GetCallerIdentity", {}, { ...pair, token: undefined }),
      "InvalidClientTokenId",
      /./,
      403,
    );
  });
  await test("and end when their time is over", async () => {
    const pair = pairOf(await client.sts("AssumeRole", { ...role, DurationSeconds: "900" }));
    const other = pairOf(await client.sts("AssumeRole", role));
    assert.notEqual(pair.keyId, other.keyId);
    await fake.advance(900 * 1000 - 60000);
    assert.equal((await client.sts("GetCallerIdentity", {}, pair)).status, 200);
    await fake.advance(60000);
    assertRefused(await client.sts("GetCallerIdentity", {}, pair), "ExpiredToken", /expired/, 403);
    assert.equal((await client.sts("GetCallerIdentity", {}, other)).status, 200);
    const input = { QueueName: "q" };
    assert.match((await client.sqs("CreateQueue", input, pair)).json.__type, /#ExpiredToken$/);
  });
  await test("a role must be named well", async () => {
    const bad = [
      { RoleArn: "relay" },
      { RoleArn: "arn:aws:iam::1:role/relay" },
      { RoleSessionName: "a b" },
      { RoleSessionName: "" },
      { DurationSeconds: "899" },
      { DurationSeconds: "43201" },
      { DurationSeconds: "long" },
    ];
    for (const wrong of bad)
      assertRefused(await client.sts("AssumeRole", { ...role, ...wrong }), "ValidationError");
  });
  await test("a role can be denied", async () => {
    await fake.fault({ kind: "deny", match: { action: "AssumeRole" } });
    assertRefused(await client.sts("AssumeRole", role), "AccessDenied", /to perform: sts:AssumeRole/, 403);
    assert.equal((await client.sts("GetCallerIdentity", {})).status, 200);
    await fake.clear();
  });
}

async function testWebIdentity(fake) {
  const { client } = fake;
  const assume = (token, more = {}) =>
    client.sts("AssumeRoleWithWebIdentity", { ...role, WebIdentityToken: token, ...more }, { unsigned: true });
  await test("AssumeRoleWithWebIdentity needs no signature", async () => {
    const answer = await assume(jwt({ sub: "system:serviceaccount:shop:relay", exp: Date.now() / 1000 + 10 * 3600 }));
    assert.equal(answer.status, 200, answer.body);
    assert.equal(text(answer.body, "SubjectFromWebIdentityToken"), "system:serviceaccount:shop:relay");
    assert.equal((await client.sts("GetCallerIdentity", {}, pairOf(answer))).status, 200);
  });
  await test("but a token that is one", async () => {
    for (const token of ["", "token", "a.b", "a.b.c", "a.!.c", `${jwt({})}.d`])
      assertRefused(await assume(token), "InvalidIdentityToken");
  });
  await test("which has not expired", async () => {
    const now = Date.parse((await client.control("GET", "clock")).json.now) / 1000;
    assertRefused(await assume(jwt({ exp: now - 1 })), "ExpiredTokenException", /^Token expired/);
    assert.equal((await assume(jwt({ exp: now + 60 }))).status, 200);
  });
  await test("and a role", async () =>
    assertRefused(await assume(jwt({}), { RoleArn: "relay" }), "ValidationError"));
}

export async function run(fake) {
  await testIdentity(fake);
  await testRole(fake);
  await testWebIdentity(fake);
}
