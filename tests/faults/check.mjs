// SPDX-License-Identifier: Apache-2.0
// Judges a run by what the strict fake has accepted (its log, see tests/fake/README.md) and by what the table says at
// the end: `node check.mjs LOG TABLE [FAULTS]`. TABLE has a line "id|event_id|aggregate_id|event_type|sent_at is not
// null| parked_at is not null|message_id|topic" for each committed event. FAULTS is the log of run.sh:
// without it, only an answer that did not come explains a repetition. Prints the counts as JSON; exit 1 when one that
// must be 0 is not.
//
// Events whose type ends in .poisoned or .puzzling are never accepted until they are cured, and so must be parked; no
// others may be.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// Faults that make relays forget, or lose track of, what they have published.
const forgetful = new Set(
  ["kill", "kill-all", "freeze", "crash", "restart", "terminate", "limit", "promote", "cut", "cut-reset",
    "cut-slow", "broker", "delay-beyond"]);
// An event may be accepted this long before such a fault and not be marked yet, or this long after it has been healed
// by a relay that has not found its way back.
const BEFORE_US = 10e6;
const AFTER_US = 10e6;

const isPoison = ({ type }) => /\.(poisoned|puzzling)$/.test(type);

const lines = (text) => text.split("\n").filter(Boolean);

export function readTable(text) {
  const rows = new Map();
  for (const line of lines(text)) {
    const [id, eventId, aggregate, type, sent, parked, messageId, topic = ""] = line.split("|");
    const row = { id: Number(id), aggregate, type, sent: sent === "t", parked: parked === "t", messageId };
    rows.set(eventId, { ...row, topic, fifo: topic.endsWith(".fifo"), answers: [] });
  }
  return rows;
}

// spans of faults: { name, from, to }
function spansOf(notes) {
  const spans = new Map();
  for (const { t, event, fault, name } of notes) {
    if (event === "strike") spans.set(fault, { name, from: t, to: Infinity });
    if (event === "heal") spans.get(fault).to = t;
  }
  return [...spans.values()];
}

export const mustBeZero = ["lost", "unsent", "phantom", "disordered", "unexplained", "wronglyParked", "poisonSent",
  "wrongReceipts"];

export function judge(messages, rows, notes = []) {
  const spans = spansOf(notes);
  const counts = { committed: rows.size, published: 0, duplicates: 0, deduplicated: 0, parked: 0, held: 0 };
  for (const name of mustBeZero) counts[name] = 0;
  const examples = [];
  const note = (name, what) => {
    counts[name]++;
    if (counts[name] <= 3) examples.push({ [name]: what });
  };

  // Why an event that was accepted once may be published again.
  const mayRepeat = (before, again) =>
    before.answer !== "sent" ||
    spans.some(
      ({ name, from, to }) =>
        forgetful.has(name) && from <= again.t && before.t >= from - BEFORE_US && before.t <= to + AFTER_US,
    );

  // What subscribers of a FIFO topic get is what was not recognised as a duplicate, in the order of acceptance.
  const lastOfAggregate = new Map();
  const inOrder = (message) => {
    const key = `${message.topic} ${message.agg}`;
    const last = lastOfAggregate.get(key);
    if (last && message.seq < last.seq) note("disordered", { message, after: last });
    else lastOfAggregate.set(key, message);
  };

  for (const message of messages) {
    const row = rows.get(message.id);
    if (!row) {
      note("phantom", message);
      continue;
    }
    const before = row.answers.at(-1);
    if (!before) counts.published++;
    else {
      counts[message.dup ? "deduplicated" : "duplicates"]++;
      if (!mayRepeat(before, message)) note("unexplained", { before, again: message });
    }
    row.answers.push(message);
    if (row.fifo && !message.dup) inOrder(message);
  }

  // The first event that is parked of each aggregate, and of each aggregate and topic, of those that have an order.
  // What is behind it on its topic must not be sent; what goes to another topic may be, or may wait as well.
  const parkedHeads = new Map();
  for (const row of rows.values()) {
    if (!row.fifo || !row.parked) continue;
    for (const key of [row.aggregate, `${row.aggregate} ${row.topic}`]) {
      if (!(parkedHeads.get(key) < row.id)) parkedHeads.set(key, row.id);
    }
  }
  const mayWait = (row) => row.fifo && parkedHeads.get(row.aggregate) < row.id;
  const mustWait = (row) => row.fifo && parkedHeads.get(`${row.aggregate} ${row.topic}`) < row.id;
  const cured = notes.find(({ event }) => event === "cure")?.t ?? Infinity;
  const rulesWereGone = ({ t }) =>
    t >= cured || spans.some(({ name, from, to }) => name === "broker" && from <= t && t <= to);

  for (const row of rows.values()) {
    const { answers, ...facts } = row;
    if (row.sent && answers.length === 0) note("lost", facts);
    const receiptFits = answers.length === 0 || answers.some(({ mid }) => mid === row.messageId);
    if (row.sent && !receiptFits) note("wrongReceipts", facts);
    if (row.parked) {
      counts.parked++;
      if (!isPoison(row)) note("wronglyParked", facts);
    } else if (!row.sent) {
      if (mayWait(row)) counts.held++;
      else note("unsent", facts);
    }
    if (isPoison(row) && row.sent && !answers.every(rulesWereGone)) note("poisonSent", facts);
    if (mustWait(row) && row.sent) note("disordered", { ...facts, after: "a parked event" });
  }
  return { counts, examples };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [log, table, faults] = process.argv.slice(2).map((file) => readFileSync(file, "utf8"));
  const parsed = (text = "") => lines(text).map((line) => JSON.parse(line));
  const { counts, examples } = judge(parsed(log), readTable(table), parsed(faults));
  console.log(JSON.stringify(counts, null, 1));
  for (const example of examples) console.log(JSON.stringify(example));
  process.exit(mustBeZero.some((name) => counts[name] > 0) ? 1 : 0);
}
