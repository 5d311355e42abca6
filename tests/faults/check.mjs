// SPDX-License-Identifier: Apache-2.0
// Judges a run by what the strict fake has accepted (its log, see tests/fake/README.md) and by what the table says at the
// end: `node check.mjs LOG TABLE [POISON]`. TABLE has a line "id|event_id|aggregate_id|event_type|sent_at is not null|
// parked_at is not null|message_id" for each committed event. POISON is a text: events whose aggregate id contains it may
// be parked, others must not. Prints the counts as JSON; exit 1 when one that must be 0 is not.
import { readFileSync } from "node:fs";

const [logFile, tableFile, poison] = process.argv.slice(2);
const lines = (file) => readFileSync(file, "utf8").split("\n").filter(Boolean);

const rows = new Map();
for (const line of lines(tableFile)) {
  const [id, eventId, aggregate, type, sent, parked, messageId] = line.split("|");
  rows.set(eventId, { id: Number(id), aggregate, type, sent: sent === "t", parked: parked === "t", messageId });
}

const counts = { committed: rows.size, published: 0, lost: 0, unsent: 0, phantom: 0, disordered: 0, duplicates: 0,
  unexplained: 0, deduplicated: 0, parked: 0, wronglyParked: 0, wrongReceipts: 0 };
const examples = [];
const note = (name, what) => {
  counts[name]++;
  if (examples.length < 10) examples.push({ [name]: what });
};

// What subscribers of a FIFO topic get is what was not recognised as a duplicate, in the order of acceptance.
const seen = new Map();
const lastOfAggregate = new Map();
for (const line of lines(logFile)) {
  const message = JSON.parse(line);
  const row = rows.get(message.id);
  const before = seen.get(message.id);
  if (!row) note("phantom", message);
  if (before && message.dup) counts.deduplicated++;
  if (before && !message.dup) {
    counts.duplicates++;
    if (before.every((answer) => answer === "sent")) note("unexplained", message);
  }
  if (!before) counts.published++;
  seen.set(message.id, [...(before ?? []), message.answer]);
  if (message.topic.endsWith(".fifo") && !message.dup) {
    const key = `${message.topic} ${message.agg}`;
    if (message.seq < (lastOfAggregate.get(key) ?? 0)) note("disordered", { ...message, after: lastOfAggregate.get(key) });
    else lastOfAggregate.set(key, message.seq);
  }
}

for (const [eventId, row] of rows) {
  const isPoison = poison && row.aggregate.includes(poison);
  if (row.parked) counts.parked++;
  if (row.parked && !isPoison) note("wronglyParked", row);
  if (row.sent && !seen.has(eventId)) note("lost", row);
  if (!row.sent && !row.parked) note("unsent", row);
}

console.log(JSON.stringify({ ...counts, examples }));
const mustBeZero = ["lost", "unsent", "phantom", "disordered", "wronglyParked"];
process.exit(mustBeZero.some((name) => counts[name] > 0) ? 1 : 0);
