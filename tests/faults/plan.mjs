// SPDX-License-Identifier: Apache-2.0
// Prints what a run does, a line for each step: `node plan.mjs SEED FAULTS`. run.sh carries it out, and takes a plan
// that was cut down by hand as well.
//
//     strike NUMBER NAME KIND [ARGUMENT...]     faults.sh has strike_KIND and heal_KIND
//     wait SECONDS
//     heal NUMBER NAME KIND [ARGUMENT...]
//     recover NUMBER                            everything is healed: wait until each topic takes a new event
//
// NAME is what the table of recoveries calls it. All of them come in random order before they come again, and those of
// processes, which are few, twice. One in five times a second one, of another place, strikes while the first is there.
import { Random } from "./random.mjs";

const [seed, faults] = process.argv.slice(2).map(Number);
const random = new Random(seed);

const topics = ["orders", "stock.fifo", "bills.fifo"];
const relay = () => random.pick(["a", "b", "c"]);
const topic = () => random.pick(topics);
const arn = () => `arn:aws:sns:us-east-1:000000000000:${topic()}`;
const partly = () => random.pick([0.2, 0.5, 1]);

// [name, where it strikes, its kind and arguments, least and most seconds]
const places = {
  relay: [
    ["kill", () => ["kill", relay()], 0.1, 2],
    ["kill-all", () => ["kill", "a", "b", "c"], 0.1, 2],
    ["freeze", () => ["freeze", relay()], 3, 8],
    ["stop", () => ["stop", relay()], 0.1, 2],
    ["stop-all", () => ["stop", "a", "b", "c"], 0.1, 1],
  ],
  database: [
    ["crash", () => ["crash"], 0.1, 3],
    ["restart", () => ["restart"], 0.1, 2],
    ["terminate", () => ["terminate"], 0.1, 1],
    ["limit", () => ["limit", String(random.between(2, 6))], 2, 5],
    ["promote", () => ["promote"], 0.1, 3],
  ],
  network: [
    ["cut", () => ["cut", "freeze"], 1, 6],
    ["cut-reset", () => ["cut", "reset"], 0.1, 0.5],
    ["cut-slow", () => ["cut", "delay", String(random.between(5, 40))], 2, 5],
  ],
  broker: [["broker", () => ["broker"], 1, 5]],
  topic: [["pause", () => ["pause", arn()], 1, 4]],
  rule: [
    rule("throttle", () => ({ kind: "throttle", rate: random.between(5, 40), per: random.pick(["rule", "topic"]) })),
    rule("throttle-entries", () => ({ kind: "fail_entry", code: "Throttled" })),
    rule("delay", () => ({ kind: "delay", ms: random.between(50, 300), max_ms: 1500 })),
    rule("delay-beyond", () => ({ kind: "delay", ms: 2500, probability: 0.3 })),
    rule("stall", () => ({ kind: "stall", probability: partly() })),
    rule("stall-published", () => ({ kind: "stall", published: true, probability: partly() })),
    rule("stall-connect", () => ({ kind: "stall", at: "connect", until: 2000 }), 2.5),
    rule("status-500", () => ({ kind: "status", status: 500, probability: partly() })),
    rule("status-503", () => ({ kind: "status", status: 503, probability: partly() })),
    rule("status-published", () => ({ kind: "status", status: 500, published: true, probability: partly() })),
    rule("html", () => ({ kind: "html", status: random.pick([502, 503, 504]), probability: partly() })),
    rule("truncated-whole", () => ({ kind: "truncated", probability: partly() })),
    rule("truncated-half", () => ({ kind: "truncated", length: "half", probability: partly() })),
    rule("lost", () => ({ kind: "lost", probability: partly() })),
    rule("reset", () => ({ kind: "reset", probability: partly() })),
    rule("reset-published", () => ({ kind: "reset", published: true, probability: partly() })),
    rule("reset-connect", () => ({ kind: "reset", at: "connect", until: 2000 }), 2.5),
    rule("fail-entry", () => ({ kind: "fail_entry", probability: partly() })),
    rule("fail-unknown", () => ({ kind: "fail_entry", code: "Strange", senderFault: true, probability: 0.2 })),
    rule("omit-entry", () => ({ kind: "omit_entry", probability: 0.3 })),
    rule("omit-published", () => ({ kind: "omit_entry", published: true, probability: 0.3 })),
    rule("expire-token", () => ({ kind: "expire_token" })),
    rule("deny", () => ({ kind: "deny", match: { topic: topic() } })),
    rule("missing", () => ({ kind: "missing", match: { topic: topic() } })),
    rule("kms", () => ({ kind: "kms", match: { topic: topic() } })),
    rule("close", () => ({ kind: "close", probability: partly() })),
    rule("close-unannounced", () => ({ kind: "close", announce: false, probability: partly() })),
  ],
};

// (One that strikes connections must be over when it is healed, since that takes a connection.)
function rule(name, settings, least = 1) {
  return [name, () => ["rule", JSON.stringify(settings())], least, 5];
}

const listed = Object.entries(places).flatMap(([place, kinds]) => kinds.map((kind) => [place, ...kind]));
const all = [...listed, ...listed.filter(([place]) => place !== "rule")];

// What makes way for the rest is healed first: a relay does not start without its database.
const healingOrder = ["broker", "network", "database", "rule", "topic", "relay"];

// A relay that is asked to stop can only do so cleanly where it can mark; rules are told to the broker.
function fit(one, other) {
  const both = [one[0], other[0]];
  if (one[0] === other[0] || (both.includes("broker") && both.includes("rule"))) return false;
  const unreachable = both.includes("database") || both.includes("network");
  return !(unreachable && [one[1], other[1]].some((name) => name.startsWith("stop")));
}

const seconds = (least, most) => (least + random.next() * (most - least)).toFixed(2);

let deck = [];
const draw = () => {
  if (deck.length === 0) deck = random.shuffle(all);
  return deck.pop();
};

let drawn = 0;
while (drawn < faults) {
  const chosen = [draw()];
  const at = random.chance(0.2) && drawn + 1 < faults ? deck.findLastIndex((other) => fit(chosen[0], other)) : -1;
  if (at >= 0) chosen.push(...deck.splice(at, 1));
  const steps = chosen.map(([place, name, make, least, most]) => {
    drawn++;
    return { place, what: `${drawn} ${name} ${make().join(" ")}`, wait: seconds(least, most) };
  });
  for (const { what, wait } of steps) console.log(`strike ${what}\nwait ${wait}`);
  steps.sort((one, other) => healingOrder.indexOf(one.place) - healingOrder.indexOf(other.place));
  for (const { what } of steps) console.log(`heal ${what}`);
  console.log(`recover ${drawn}\nwait ${seconds(0.1, 1.5)}`);
}
