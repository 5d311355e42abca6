// SPDX-License-Identifier: Apache-2.0
// The way in for tests: JSON over HTTP under /_fake/ on the same port, without signatures. README.md lists the paths.
import { Refusal } from "./error.mjs";
import { saveState } from "./state.mjs";

const describeTopic = (topic) => ({ ...topic.describe(), subscriptions: topic.subscriptions });

function addFaults(fake, body) {
  if (body.seed !== undefined) fake.faults.seed(body.seed);
  if (body.kind === undefined && body.seed !== undefined) return {};
  const { seed, ...settings } = body;
  return { id: fake.faults.add(settings).id };
}

function removeFaults(fake, id) {
  const removed = fake.faults.remove(id);
  if (id !== undefined && removed === 0) throw new Refusal("NotFound", `there is no fault ${id}`, 404);
  return { removed };
}

function setClock(fake, { advance_ms: advance, skew_ms: skew }) {
  if (advance !== undefined) fake.clock.advance(Number(advance));
  if (skew !== undefined) fake.clock.setSkew(Number(skew));
  return fake.clock.describe();
}

function setCredentials(fake, { accessKeyId, secret, token }) {
  if (!accessKeyId || !secret)
    throw new Refusal("BadCredentials", "give accessKeyId, secret and, if there is one, token");
  fake.credentials.set({ accessKeyId, secret, token });
  return {};
}

function createTopic(fake, { name = "", region = "us-east-1", attributes = {} }) {
  const fifo = name.endsWith(".fifo") ? { FifoTopic: "true" } : {};
  return describeTopic(fake.topics.create(name, region, { ...fifo, ...attributes }));
}

function save(fake) {
  if (!fake.options.state) throw new Refusal("NoState", "the fake was started without --state");
  saveState(fake);
  return {};
}

const routes = {
  "GET faults": (fake) => fake.faults.list(),
  "POST faults": addFaults,
  "DELETE faults": (fake, body, id) => removeFaults(fake, id),
  "GET clock": (fake) => fake.clock.describe(),
  "POST clock": setClock,
  "POST credentials": setCredentials,
  "GET stats": (fake) => fake.stats,
  "GET topics": (fake) => fake.topics.all().map(describeTopic),
  "POST topics": createTopic,
  "GET queues": (fake) => fake.queues.all().map((queue) => queue.describe()),
  "POST save": save,
};

function route(fake, method, url, body) {
  const [, , what, id] = new URL(url, "http://fake").pathname.split("/");
  const run = routes[`${method} ${what}`];
  if (!run)
    throw new Refusal("NotFound", `there is no ${method} ${url}; there are: ${Object.keys(routes).join(", ")}`, 404);
  return run(fake, body.length > 0 ? JSON.parse(body) : {}, id);
}

// control returns { status, headers, body }.
export function control(fake, { method, url, body }) {
  const answer = (status, value) => ({
    status,
    headers: { "Content-Type": "application/json" },
    body: `${JSON.stringify(value)}\n`,
  });
  try {
    return answer(200, route(fake, method, url, body));
  } catch (error) {
    return answer(error.status ?? 400, { error: error.message });
  }
}
