// SPDX-License-Identifier: Apache-2.0
// Prints how long recovery took after each kind of fault: `node recovery.mjs LOG FAULTS`, see check.mjs. Measured from
// the end of the fault until the slowest topic has accepted an event that was committed after it. Where two faults
// struck at once, the time counts for both, from the end of the later one.
import { readFileSync } from "node:fs";

const [messages, notes] = process.argv
  .slice(2)
  .map((file) => readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)));

const accepted = new Map();
for (const { id, t, topic } of messages) if (!accepted.has(id)) accepted.set(id, { t, topic });

const times = new Map(); // name -> [{ took, topic }]
let healed = [];
for (const { event, t, name, ids } of notes) {
  if (event === "heal") healed.push({ t, name });
  if (event !== "probe") continue;
  const reached = ids.map((id) => accepted.get(id));
  const last = reached.every(Boolean) && reached.reduce((one, other) => (other.t > one.t ? other : one));
  for (const fault of healed) {
    const took = last ? (last.t - healed.at(-1).t) / 1e6 : Infinity;
    times.set(fault.name, [...(times.get(fault.name) ?? []), { took, topic: last ? last.topic : "never" }]);
  }
  healed = [];
}

const row = (...cells) => cells.map((cell, index) => (index === 0 ? cell.padEnd(20) : cell.padStart(12))).join("");
console.log(row("fault", "count", "median s", "max s", "slowest"));
for (const [name, list] of [...times].sort(([one], [other]) => (one < other ? -1 : 1))) {
  list.sort((one, other) => one.took - other.took);
  const median = list[(list.length - 1) >> 1];
  const max = list.at(-1);
  console.log(row(name, String(list.length), median.took.toFixed(2), max.took.toFixed(2), max.topic));
}
