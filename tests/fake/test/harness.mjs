// SPDX-License-Identifier: Apache-2.0
// Runs a fake of its own for each file of tests, and counts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "./client.mjs";

const server = fileURLToPath(new URL("../server.mjs", import.meta.url));
const account = "arn:aws:sns:us-east-1:000000000000";

let passed = 0;
let failed = 0;

export class Fake {
  folder = mkdtempSync(join(tmpdir(), "fake-"));
  log = join(this.folder, "log");
  auto = true;

  async start(...options) {
    const process_ = spawn(
      process.execPath,
      [
        server,
        "--log",
        this.log,
        "--port",
        String(this.port ?? 0),
        ...(this.auto ? ["--auto-topics"] : []),
        ...options,
      ],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    this.process = process_;
    this.ended = new Promise((resolve) => process_.once("exit", (code) => resolve(code)));
    const line = await new Promise((resolve) => process_.stdout.once("data", (data) => resolve(String(data))));
    this.port = Number(/^listening on 127\.0\.0\.1:(\d+)\n$/.exec(line)[1]);
    this.client?.close();
    this.client = new Client(this.port);
    return this;
  }

  async stop(signal = "SIGTERM") {
    this.process.kill(signal);
    return this.ended;
  }

  async end() {
    await this.stop();
    this.client.close();
    rmSync(this.folder, { recursive: true });
  }

  topic(name) {
    return `${account}:${name}`;
  }

  async fault(rule) {
    const answer = await this.client.control("POST", "faults", rule);
    assert.equal(answer.status, 200, answer.body);
    return answer.json.id;
  }

  async clear() {
    await this.client.control("DELETE", "faults");
  }

  async advance(milliseconds) {
    await this.client.control("POST", "clock", { advance_ms: milliseconds });
  }

  async stats() {
    return (await this.client.control("GET", "stats")).json;
  }

  lines() {
    return readFileSync(this.log, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  // A queue that is subscribed to a topic, both new.
  async queue(name, { raw = false, topic = name, attributes = {} } = {}) {
    const fifo = (what) => what.endsWith(".fifo");
    const created = await this.client.sqs("CreateQueue", {
      QueueName: name,
      Attributes: { ...(fifo(name) ? { FifoQueue: "true" } : {}), ...attributes },
    });
    assert.equal(created.status, 200, created.body);
    await this.client.control("POST", "topics", { name: topic });
    const subscribed = await this.client.sns("Subscribe", {
      TopicArn: this.topic(topic),
      Protocol: "sqs",
      Endpoint: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      ...(raw ? { "Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true" } : {}),
    });
    assert.equal(subscribed.status, 200, subscribed.body);
    return created.json.QueueUrl;
  }

  async receive(url, count = 10, more = {}) {
    const answer = await this.client.sqs("ReceiveMessage", {
      QueueUrl: url,
      MaxNumberOfMessages: count,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
      ...more,
    });
    assert.equal(answer.status, 200, answer.body);
    return answer.json.Messages ?? [];
  }
}

export async function test(name, run) {
  try {
    await run();
    passed++;
  } catch (error) {
    failed++;
    console.error(`not ok - ${name}\n${error.stack}\n`);
  }
}

export function assertRefused(answer, code, pattern = /./, status = 400) {
  assert.deepEqual([answer.status, answer.code], [status, code], answer.body);
  assert.match(answer.message, pattern);
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
