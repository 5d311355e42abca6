// SPDX-License-Identifier: Apache-2.0
// All the queues there are, by name.
import { Refusal } from "./error.mjs";
import { Queue, invalidValue } from "./queue.mjs";

export class Queues {
  #queues = new Map();
  #messages = 0;

  constructor(fake) {
    this.fake = fake;
    fake.clock.onAdvance(() => this.all().forEach((queue) => queue.wake()));
  }

  nextId() {
    const number = (++this.#messages).toString(16).padStart(12, "0");
    return `5e55a9e0-0000-4000-8000-${number}`;
  }

  all() {
    return [...this.#queues.values()];
  }

  byArn(arn) {
    return this.#queues.get(arn.split(":")[5]);
  }

  doesNotExist() {
    return new Refusal("QueueDoesNotExist", "The specified queue does not exist.");
  }

  get(name) {
    const queue = this.#queues.get(name);
    if (!queue) throw this.doesNotExist();
    return queue;
  }

  create(name, attributes) {
    const fifo = attributes.FifoQueue === "true";
    if (
      !/^[A-Za-z0-9_-]{1,80}$/.test(name.replace(/\.fifo$/, "")) ||
      name.length > 80 ||
      name.endsWith(".fifo") !== fifo
    ) {
      throw invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
    }
    const known = this.#queues.get(name);
    if (!known) {
      const queue = new Queue(this, name, attributes);
      this.#queues.set(name, queue);
      return queue;
    }
    const different = Object.keys(attributes).find((key) => attributes[key] !== known.describe()[key]);
    if (different)
      throw new Refusal(
        "QueueNameExists",
        `A queue already exists with the same name and a different value for attribute ${different}`,
      );
    return known;
  }

  delete(name) {
    this.#queues.delete(name);
  }

  save() {
    return { messages: this.#messages, queues: this.all().map((queue) => queue.save()) };
  }

  load({ messages, queues }) {
    this.#messages = messages;
    for (const saved of queues) {
      const queue = new Queue(this, saved.name, saved.attributes);
      this.#queues.set(saved.name, queue);
      queue.load(saved);
    }
  }
}
