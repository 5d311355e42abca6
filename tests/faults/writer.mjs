// SPDX-License-Identifier: Apache-2.0
// Random business transactions from several psql sessions at once, until SIGTERM: `node writer.mjs SEED`. The
// transactions of each session are those of the seed. Some roll back, some stay open for seconds, some have many
// events, some of them scheduled. Whoever writes to an aggregate locks it first, so that its events have an order: that
// of their ids. At the end it prints how the transactions ended as JSON; "unknown" is one whose session ended first.
//
// Types that end in .poisoned or .puzzling are what the broker refuses (rules in run.sh). They have aggregates of their
// own, with some good events, which must go nevertheless unless they are ordered and behind.
import { spawn } from "node:child_process";
import { Random } from "./random.mjs";

const seed = Number(process.argv[2]);
const SESSIONS = 4;
const AGGREGATES = 100;
const AGAIN_MS = 200;
const psqlArguments = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"];

const totals = { committed: 0, rolledBack: 0, unknown: 0, events: 0 };
let stopping = false;

const kindOf = ["order", "order", "stock", "bill"]; // topics orders, stock.fifo and bills.fifo
const verbs = ["created", "changed", "moved", "closed"];

function goodEvent(random) {
  const kind = random.pick(kindOf);
  const event = { type: `${kind}.${random.pick(verbs)}`, aggregate: `item-${random.between(1, AGGREGATES)}` };
  // An event of a FIFO topic that is scheduled has its place when it is due, which would disturb the judgement.
  if (kind === "order" && random.chance(0.1)) event.delay = random.between(200, 2000);
  return event;
}

// The later events of a poisoned aggregate wait behind it on a FIFO topic.
function poisonEvents(random) {
  const kind = random.pick(kindOf);
  const aggregate = `poison-${random.between(1, 200)}`;
  const bad = { type: `${kind}.${random.pick(["poisoned", "poisoned", "puzzling"])}`, aggregate };
  const good = { type: `${random.pick(kindOf)}.created`, aggregate };
  return random.chance(0.5) ? [good, bad] : [bad, good];
}

function events(random) {
  if (random.chance(0.01)) return poisonEvents(random);
  if (random.chance(0.01)) {
    const first = goodEvent(random);
    return Array.from({ length: random.between(30, 150) }, () => ({ ...first, delay: undefined }));
  }
  return Array.from({ length: random.pick([1, 1, 1, 2, 3, 4]) }, () => goodEvent(random));
}

const insert = ({ type, aggregate, delay }, random, number) => {
  const data = JSON.stringify({ number, text: "x".repeat(random.between(0, 300)) });
  const due = delay === undefined ? "NULL" : `now() + interval '${delay} ms'`;
  const values = `'${type}', '${aggregate}', '${data}'`;
  return random.chance(0.5)
    ? `SELECT outbox.publish(${values}, due_at => ${due});`
    : `INSERT INTO outbox.event (event_type, aggregate_id, data, due_at) VALUES (${values}, ${due});`;
};

function transaction(random, number) {
  const chosen = events(random);
  const aggregates = [...new Set(chosen.map(({ aggregate }) => aggregate))].sort(); // in one order: no deadlock
  const statements = aggregates.map((aggregate) => `SELECT pg_advisory_xact_lock(7, hashtext('${aggregate}'));`);
  for (const event of chosen) statements.push(insert(event, random, number));
  if (random.chance(0.05)) {
    const undone = { type: chosen[0].type, aggregate: chosen[0].aggregate };
    statements.push("SAVEPOINT undone;", insert(undone, random, number), "ROLLBACK TO undone;");
  }
  if (random.chance(0.15)) statements.push(`SELECT pg_sleep(${random.between(10, 300) / 1000});`);
  if (random.chance(0.005)) statements.push(`SELECT pg_sleep(${random.between(1000, 4000) / 1000});`);
  const commit = !random.chance(0.08);
  const text = ["BEGIN;", ...statements, commit ? "COMMIT;" : "ROLLBACK;", "\\echo ended"].join("\n");
  return { text: `${text}\n`, commit, events: chosen.length };
}

// A session of psql: run(text) resolves with whether it came to the end of the text; a session that breaks off is begun
// anew.
class Session {
  #child;
  #resolve;
  #output = "";

  #start() {
    const child = spawn("psql", psqlArguments, { stdio: ["pipe", "pipe", "ignore"] });
    this.#child = child;
    this.#output = "";
    child.stdin.on("error", () => {}); // the end of the process tells
    child.stdout.on("data", (data) => {
      this.#output += data;
      if (!/^ended$/m.test(this.#output)) return;
      this.#output = "";
      this.#settle(true);
    });
    child.on("close", () => {
      if (this.#child === child) this.#child = undefined;
      this.#settle(false);
    });
  }

  #settle(result) {
    this.#resolve?.(result);
    this.#resolve = undefined;
  }

  run(text) {
    if (!this.#child) this.#start();
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#child.stdin.write(text);
    });
  }

  end() {
    this.#child?.stdin.end();
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function count({ commit, events: number }, ended) {
  if (!ended) totals.unknown++;
  else if (!commit) totals.rolledBack++;
  else {
    totals.committed++;
    totals.events += number;
  }
}

async function write(index) {
  const random = new Random(seed * SESSIONS + index);
  const session = new Session();
  for (let number = 1; !stopping; number++) {
    const next = transaction(random, `${index}-${number}`);
    const rest = random.between(0, 100);
    const ended = await session.run(next.text);
    count(next, ended);
    await pause(ended ? rest : AGAIN_MS);
  }
  session.end();
}

process.once("SIGTERM", () => (stopping = true));
await Promise.all(Array.from({ length: SESSIONS }, (_, index) => write(index)));
console.log(JSON.stringify(totals));
