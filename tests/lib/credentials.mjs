// SPDX-License-Identifier: Apache-2.0
// A stand-in for what hands out credentials: a container's endpoint (GET /credentials) and EC2's instance metadata
// service. Each set is new, known to the strict fake of SNS, and lives for a while; the fake then refuses it.
//
//     node tests/lib/credentials.mjs --fake URL [--port 0] [--seconds 4] [--token TEXT]
//
// Prints "listening on 127.0.0.1:PORT". --token is what the Authorization header must be. POST /fail {"for": SECONDS}
// has it answer 500 for so long, POST /live {"seconds": N} changes the lifetime, GET /stats counts.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    fake: { type: "string" },
    port: { type: "string", default: "0" },
    seconds: { type: "string", default: "4" },
    token: { type: "string", default: "" },
  },
});
const stats = { given: 0, failed: 0, unauthorized: 0 };
const imdsToken = randomBytes(24).toString("base64");
let lifetime = Number(options.seconds) * 1000;
let failingUntil = 0;

async function control(path, body) {
  const answer = await fetch(`${options.fake}/_fake/${path}`, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the fake answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function give() {
  const pair = {
    accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
    secret: `secret-${randomBytes(20).toString("hex")}`,
    token: `session-${randomBytes(100).toString("base64")}`,
  };
  const expires = Date.now() + lifetime;
  await control("credentials", pair);
  const match = { accessKeyId: pair.accessKeyId };
  setTimeout(() => control("faults", { kind: "expire_token", match }).catch(() => {}), lifetime).unref();
  stats.given++;
  return {
    Code: "Success",
    AccessKeyId: pair.accessKeyId,
    SecretAccessKey: pair.secret,
    Token: pair.token,
    Expiration: new Date(expires).toISOString(),
  };
}

const text = (status, body) => ({ status, body });
const roles = "/latest/meta-data/iam/security-credentials/";

async function answerTo(request, body) {
  const path = `${request.method} ${request.url}`;
  if (path === "GET /stats") return text(200, JSON.stringify(stats));
  if (path === "POST /fail") {
    failingUntil = Date.now() + JSON.parse(body).for * 1000;
    return text(200, "{}");
  }
  if (path === "POST /live") {
    lifetime = JSON.parse(body).seconds * 1000;
    return text(200, "{}");
  }
  if (Date.now() < failingUntil) {
    stats.failed++;
    return text(500, JSON.stringify({ code: "InternalError", message: "not now" }));
  }
  if (path === "PUT /latest/api/token") return text(200, imdsToken);
  const isMetadata = request.url.startsWith(roles);
  const allowed = isMetadata
    ? request.headers["x-aws-ec2-metadata-token"] === imdsToken
    : (request.headers.authorization ?? "") === options.token;
  if (!allowed) {
    stats.unauthorized++;
    return text(401, "");
  }
  if (path === `GET ${roles}`) return text(200, "relay-role");
  if (path === `GET ${roles}relay-role` || path === "GET /credentials") return text(200, JSON.stringify(await give()));
  return text(404, "");
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const { status, body } = await answerTo(request, Buffer.concat(chunks).toString());
    response.writeHead(status).end(body);
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ code: "InternalError", message: error.message }));
  }
});
server.listen(Number(options.port), "127.0.0.1", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
process.once("SIGTERM", () => process.exit(0));
