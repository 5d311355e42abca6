// SPDX-License-Identifier: Apache-2.0
// A strict fake of SNS, SQS and STS, for tests: it refuses what the real services refuse, in their words, checks
// signatures, keeps FIFO's promises on a clock that a test moves, writes down every message it accepts, and goes
// wrong on demand.
//
//     node tests/fake/server.mjs [--port 0] [--log FILE] [--state FILE] [--seed N] [--auto-topics] [--any-credentials]
//
// Listens on 127.0.0.1 only and prints "listening on 127.0.0.1:PORT" once it answers; SIGTERM ends it. README.md has
// the control interface. Needs Node 18.19, and nothing else.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Clock } from "./clock.mjs";
import { Faults } from "./faults.mjs";
import { handle, handleConnection } from "./handler.mjs";
import { Journal, Stats } from "./journal.mjs";
import { Queues } from "./queues.mjs";
import { Credentials } from "./sigv4.mjs";
import { loadState, saveState } from "./state.mjs";
import { Topics } from "./topics.mjs";

const host = "127.0.0.1";
const IDLE_MS = 60 * 1000;

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      log: { type: "string" },
      state: { type: "string" },
      seed: { type: "string", default: "1" },
      "auto-topics": { type: "boolean", default: false },
      "any-credentials": { type: "boolean", default: false },
    },
  });
  return { ...values, autoTopics: values["auto-topics"], anyCredentials: values["any-credentials"] };
}

function createFake(options) {
  const fake = { options, clock: new Clock(), credentials: new Credentials(), stats: new Stats() };
  fake.credentials.set({ accessKeyId: "local", secret: "local" });
  fake.journal = new Journal(fake.stats, options.log);
  fake.faults = new Faults(fake);
  fake.faults.seed(Number(options.seed));
  fake.topics = new Topics(fake);
  fake.queues = new Queues(fake);
  if (options.state) loadState(fake);
  return fake;
}

function serve(fake) {
  const server = createServer({ keepAliveTimeout: IDLE_MS, noDelay: true, requestTimeout: 0 });
  server.on("connection", (socket) => handleConnection(fake, socket));
  server.on("request", (request, response) => handle(fake, request, response));
  server.on("error", (error) => {
    console.error(`fake: cannot listen: ${error.message}`);
    process.exit(1);
  });
  server.listen(Number(fake.options.port), host, () => console.log(`listening on ${host}:${server.address().port}`));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
      if (fake.options.state) saveState(fake);
      process.exit(0);
    });
  }
}

try {
  serve(createFake(readOptions()));
} catch (error) {
  console.error(`fake: ${error.message}`);
  process.exit(2);
}
