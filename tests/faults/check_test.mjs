// SPDX-License-Identifier: Apache-2.0
// Tests of the judgement: a checker that cannot find anything would be content with every run. Each case is a small
// log, made by hand, and what is to be found in it. `node check_test.mjs`; the last line counts.
import assert from "node:assert/strict";
import { judge, mustBeZero, readTable } from "./check.mjs";

const SECOND = 1e6;
let passed = 0;

// A row: ["e1", aggregate, type, "sent" | "parked" | "", topic], whose id is its number.
const table = (rows) =>
  readTable(
    rows
      .map(([event, aggregate, type, state = "sent", topic = "orders"]) => {
        const flag = (value) => (value ? "t" : "f");
        const receipt = state === "sent" ? `m-${event}` : "";
        const flags = [flag(state === "sent"), flag(state === "parked")];
        return [event.slice(1), event, aggregate, type, ...flags, receipt, topic].join("|");
      })
      .join("\n"),
  );

// A message: what is not said is as it should be.
const message = (event, seconds, more = {}) => ({
  t: seconds * SECOND, topic: "orders", id: event, agg: "o", seq: Number(event.slice(1)), mid: `m-${event}`, dup: false,
  answer: "sent", ...more,
});
const fault = (number, name, from, to) => [
  { t: from * SECOND, event: "strike", fault: number, name },
  { t: to * SECOND, event: "heal", fault: number, name },
];

// found(name, rows, messages, expected, notes): what must be zero is, but for what is expected.
function found(name, rows, messages, expected, notes = []) {
  const { counts, examples } = judge(messages, table(rows), notes);
  const wrong = Object.fromEntries(mustBeZero.filter((key) => counts[key] > 0).map((key) => [key, counts[key]]));
  const { counted, ...violations } = expected;
  assert.deepEqual(wrong, violations, name);
  for (const [key, value] of Object.entries(counted ?? {})) assert.equal(counts[key], value, `${name}: ${key}`);
  assert.equal(examples.length > 0, Object.keys(violations).length > 0, `${name}: examples`);
  passed++;
}

const plain = ["e1", "o", "order.created"];
const fifo = (event, state = "sent", type = "stock.moved") => [event, "o", type, state, "stock.fifo"];

found("all is well", [plain], [message("e1", 1)], { counted: { committed: 1, published: 1, duplicates: 0 } });
found("sent, but nobody has got it", [plain], [], { lost: 1 });
found("nobody has got it, nor is it marked", [[...plain, ""]], [], { unsent: 1 });
found("published, and never marked", [[...plain, ""]], [message("e1", 1)], { unsent: 1 });
found("published, but not committed", [plain], [message("e1", 1), message("e2", 1)], { phantom: 1 });
found("marked with a receipt that nobody gave", [plain], [message("e1", 1, { mid: "other" })], { wrongReceipts: 1 });

found("a later one first", [fifo("e1"), fifo("e2")], [message("e2", 1), message("e1", 2)], { disordered: 1 });
found("in order", [fifo("e1"), fifo("e2")], [message("e1", 1), message("e2", 1)], {});
found("no order on a standard topic", [plain, ["e2", "o", "order.created"]], [message("e2", 1), message("e1", 2)], {});
found("no order between aggregates", [fifo("e1"), fifo("e2")], [message("e2", 1, { agg: "p" }), message("e1", 2)], {});
found("no order between topics", [fifo("e1"), fifo("e2")], [message("e2", 1, { topic: "x" }), message("e1", 2)], {});
found("a repetition that the topic recognised does not disorder", [fifo("e1"), fifo("e2")],
  [message("e1", 1, { answer: "lost" }), message("e2", 1), message("e1", 2, { dup: true })],
  { counted: { deduplicated: 1, duplicates: 0 } });

const twice = (more, seconds = 2) => [message("e1", 1, more), message("e1", seconds)];
found("twice without a reason", [plain], twice({}), { unexplained: 1, counted: { duplicates: 1 } });
for (const answer of ["lost", "omitted", "truncated", "stall", "reset", "status", "html"]) {
  found(`twice, the answer was ${answer}`, [plain], twice({ answer }), { counted: { duplicates: 1 } });
}
found("three times, one answer was lost", [plain], [...twice({ answer: "lost" }), message("e1", 3)],
  { unexplained: 1 });
found("recognised, but without a reason", [fifo("e1")], [message("e1", 1), message("e1", 2, { dup: true })],
  { unexplained: 1 });
found("twice, a relay was killed between", [plain], twice({}), {}, fault(1, "kill", 1.5, 1.6));
found("twice, a relay was killed later", [plain], twice({}), { unexplained: 1 }, fault(1, "kill", 3, 4));
found("twice, a relay was killed long before", [plain], [message("e1", 100), message("e1", 101)], { unexplained: 1 },
  fault(1, "kill", 3, 4));
found("twice, long before a relay was killed", [plain], twice({}, 100), { unexplained: 1 }, fault(1, "kill", 99, 100));
found("twice, the database was away", [plain], twice({}), {}, fault(1, "crash", 0.5, 3));
found("twice, a relay was asked to stop", [plain], twice({}), { unexplained: 1 }, fault(1, "stop", 1.5, 1.6));
found("twice, the broker only throttled", [plain], twice({}), { unexplained: 1 }, fault(1, "throttle", 0.5, 3));

const poison = ["e1", "p", "order.poisoned"];
found("poison is parked", [[...poison, "parked"]], [], { counted: { parked: 1 } });
found("poison is not parked", [[...poison, ""]], [], { unsent: 1 });
found("poison that was taken", [poison], [message("e1", 1)], { poisonSent: 1 });
found("poison that was taken when the broker came back", [poison], [message("e1", 1)], {},
  fault(1, "broker", 0.5, 1.5));
found("poison that was taken once it was cured", [poison], [message("e1", 2)], {},
  [{ t: SECOND, event: "cure", fault: 0, name: "cure" }]);
found("poison that was taken before it was cured", [poison], [message("e1", 2)], { poisonSent: 1 },
  [{ t: 3 * SECOND, event: "cure", fault: 0, name: "cure" }]);
found("a good event is parked", [[...plain, "parked"]], [], { wronglyParked: 1, counted: { parked: 1 } });
found("what is behind a parked event waits", [fifo("e1", "parked", "stock.poisoned"), fifo("e2", "")], [],
  { counted: { held: 1 } });
found("what is before a parked event does not", [fifo("e1", ""), fifo("e2", "parked", "stock.poisoned")], [],
  { unsent: 1 });
found("a standard topic has nothing to wait for",
  [["e1", "o", "order.poisoned", "parked"], ["e2", "o", "order.created", ""]], [], { unsent: 1 });
found("nor has anybody to wait for an event of a standard topic",
  [["e1", "o", "order.poisoned", "parked"], fifo("e2", "")], [], { unsent: 1 });
found("a parked event is passed", [fifo("e1", "parked", "stock.poisoned"), fifo("e2")], [message("e2", 1)],
  { disordered: 1 });
const onBills = (state) => ["e2", "o", "bill.moved", state, "bills.fifo"];
found("on another topic it may be passed", [fifo("e1", "parked", "stock.poisoned"), onBills("sent")],
  [message("e2", 1)], {});
found("or waited for", [fifo("e1", "parked", "stock.poisoned"), onBills("")], [], { counted: { held: 1 } });
console.log(`${passed} passed, 0 failed`);
