// SPDX-License-Identifier: Apache-2.0
// One queue, in memory. A standard queue hands out what is visible; a FIFO queue hands out the messages of a group in
// order, several at a time, and then nothing more of that group until all of them are deleted or visible again.
import { createHash } from "node:crypto";
import { Refusal } from "./error.mjs";

const DEDUPLICATION_MS = 5 * 60 * 1000;
const ATTEMPT_MS = 5 * 60 * 1000;
const VISIBILITY_TOTAL_MS = 12 * 60 * 60 * 1000;
const SEQUENCE_STEP = 256;
const RECEIVE_MAX = 10;

export const invalidValue = (message) => new Refusal("InvalidParameterValue", message);
const invalidHandle = (handle, reason) =>
  invalidValue(`Value ${handle} for parameter ReceiptHandle is invalid. Reason: ${reason}`);

const ranges = {
  VisibilityTimeout: [0, 43200],
  MaximumMessageSize: [1024, 1048576],
  MessageRetentionPeriod: [60, 1209600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  DelaySeconds: [0, 0], // delays are not here, and are not ignored in silence either
};
const fifoOnly = new Set(["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"]);
const free = new Set(["RedrivePolicy", "RedriveAllowPolicy", "Policy", "KmsMasterKeyId", "SqsManagedSseEnabled"]);
const defaults = {
  VisibilityTimeout: "30",
  MaximumMessageSize: "1048576",
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
  DelaySeconds: "0",
};

function checkAttributes(attributes, fifo) {
  for (const [name, value] of Object.entries(attributes)) {
    const range = ranges[name];
    if (range && !(/^\d+$/.test(value) && value >= range[0] && value <= range[1])) {
      throw new Refusal("InvalidAttributeValue", `Invalid value for the parameter ${name}.`);
    }
    if (!range && !free.has(name) && !(fifo && fifoOnly.has(name)))
      throw new Refusal("InvalidAttributeName", `Unknown Attribute ${name}.`);
  }
}

function firstOf(set, count) {
  const first = [];
  for (const member of set) {
    if (first.length === count) break;
    first.push(member);
  }
  return first;
}

// Messages stand in the order of their arrival; `hidden` are those that somebody has received.
export class Queue {
  #messages = new Map(); // id -> message
  #groups = new Map(); // FIFO: group -> set of its messages, in order
  #visible = new Set(); // standard
  #hidden = new Set();
  #nextVisible = Infinity; // no message becomes visible again before
  #remembered = new Map();
  #waiters = new Set();
  #attempts = new Map(); // FIFO: ReceiveRequestAttemptId -> what it was answered with
  #count = 0;
  attributes = { ...defaults };

  constructor(queues, name, attributes) {
    this.queues = queues;
    this.name = name;
    this.arn = `arn:aws:sqs:us-east-1:000000000000:${name}`;
    this.fifo = name.endsWith(".fifo");
    this.set(attributes);
  }

  get #now() {
    return this.queues.fake.clock.now();
  }

  set(attributes) {
    checkAttributes(attributes, this.fifo);
    Object.assign(this.attributes, attributes);
    const { RedrivePolicy: policy } = this.attributes;
    this.redrive = policy ? JSON.parse(policy) : undefined;
  }

  // add({ body, attributes, group, deduplication }) returns the message, or the earlier one that it repeats.
  add({ body, attributes, group, deduplication }) {
    if (this.fifo) deduplication ??= createHash("sha256").update(body).digest("hex");
    const key = this.attributes.DeduplicationScope === "messageGroup" ? `${group} ${deduplication}` : deduplication;
    const first = this.fifo && this.#recall(key);
    if (first) return first;
    const number = ++this.#count;
    const message = {
      id: this.queues.nextId(),
      body,
      attributes,
      group,
      deduplication,
      sent: this.#now,
      receives: 0,
      handle: 0,
      visibleAt: 0,
      sequenceNumber: this.fifo ? `1${String(number * SEQUENCE_STEP).padStart(19, "0")}` : undefined,
    };
    if (this.fifo) this.#remembered.set(key, { until: this.#now + DEDUPLICATION_MS, message });
    this.#insert(message);
    this.wake();
    return message;
  }

  #recall(key) {
    for (const [known, { until }] of this.#remembered) {
      if (until > this.#now) break;
      this.#remembered.delete(known);
    }
    return this.#remembered.get(key)?.message;
  }

  #insert(message) {
    this.#messages.set(message.id, message);
    if (!this.fifo) {
      this.#visible.add(message);
      return;
    }
    if (!this.#groups.has(message.group)) this.#groups.set(message.group, new Set());
    this.#groups.get(message.group).add(message);
  }

  #remove(message) {
    this.#messages.delete(message.id);
    this.#visible.delete(message);
    this.#hidden.delete(message);
    const group = this.#groups.get(message.group);
    group?.delete(message);
    if (group?.size === 0) this.#groups.delete(message.group);
  }

  #reveal() {
    if (this.#now < this.#nextVisible) return;
    this.#nextVisible = Infinity;
    for (const message of this.#hidden) {
      if (message.visibleAt > this.#now) {
        this.#nextVisible = Math.min(this.#nextVisible, message.visibleAt);
      } else {
        this.#hidden.delete(message);
        if (!this.fifo) this.#visible.add(message);
      }
    }
  }

  #hide(message, seconds) {
    message.visibleAt = this.#now + seconds * 1000;
    this.#visible.delete(message);
    this.#hidden.add(message);
    this.#nextVisible = Math.min(this.#nextVisible, message.visibleAt);
  }

  // Of a group what stands first, unless somebody has some of it: nobody can hold more than the first ten.
  *#candidates() {
    if (!this.fifo) {
      yield* this.#visible;
      return;
    }
    for (const group of this.#groups.values()) {
      const first = firstOf(group, RECEIVE_MAX);
      if (!first.some((message) => this.#hidden.has(message))) yield* first;
    }
  }

  receive(count, seconds, attempt) {
    this.#reveal();
    const hide = seconds ?? Number(this.attributes.VisibilityTimeout);
    const again = this.#repeat(attempt, hide);
    if (again) return again;
    const taken = [];
    for (const message of this.#candidates()) {
      if (taken.length === count) break;
      if (!this.#toDeadLetters(message)) taken.push(message);
    }
    for (const message of taken) {
      message.receives++;
      message.handle++;
      message.firstReceived ??= this.#now;
      message.received = this.#now;
      this.#hide(message, hide);
    }
    this.#note(attempt, taken);
    return taken;
  }

  // Who repeats an attempt gets the same messages and handles again, hidden anew, while nobody has done anything with
  // them and all are still hidden.
  #repeat(attempt, seconds) {
    const known = this.#attempts.get(attempt);
    if (!known || known.until <= this.#now) return undefined;
    const untouched = known.messages.every(
      ({ message, handle, visibleAt }) =>
        this.#messages.has(message.id) &&
        this.#hidden.has(message) &&
        message.handle === handle &&
        message.visibleAt === visibleAt,
    );
    if (!untouched) return undefined;
    const messages = known.messages.map(({ message }) => message);
    for (const message of messages) this.#hide(message, seconds);
    this.#note(attempt, messages);
    return messages;
  }

  #note(attempt, messages) {
    for (const [id, { until }] of this.#attempts) if (until <= this.#now) this.#attempts.delete(id);
    if (attempt === undefined || messages.length === 0) return;
    this.#attempts.set(attempt, {
      until: this.#attempts.get(attempt)?.until ?? this.#now + ATTEMPT_MS,
      messages: messages.map((message) => ({ message, handle: message.handle, visibleAt: message.visibleAt })),
    });
  }

  #toDeadLetters(message) {
    if (!this.redrive || message.receives < Number(this.redrive.maxReceiveCount)) return false;
    const target = this.queues.byArn(this.redrive.deadLetterTargetArn);
    if (!target) return false;
    this.#remove(message);
    message.source ??= this.arn;
    target.#insert(message);
    target.wake();
    return true;
  }

  handleOf(message) {
    return Buffer.from(`${this.name} ${message.id} ${message.handle}`).toString("base64");
  }

  // The message that a handle was given out for: { message } while it is there, { message, stale } when somebody has
  // received it since. Nothing when it is gone.
  #byHandle(handle) {
    const [name, id, number] = Buffer.from(String(handle ?? ""), "base64")
      .toString()
      .split(" ");
    if (name !== this.name || !/^\d+$/.test(number ?? "")) {
      throw new Refusal(
        "ReceiptHandleIsInvalid",
        `The input receipt handle "${handle}" is not a valid receipt handle.`,
      );
    }
    const message = this.#messages.get(id);
    return message ? { message, stale: message.handle !== Number(number) } : {};
  }

  // An old handle is good enough for a standard queue to say yes, and for a FIFO queue to say no.
  delete(handle) {
    const { message, stale } = this.#byHandle(handle);
    this.#reveal();
    if (!message) return;
    if (this.fifo && (stale || !this.#hidden.has(message)))
      throw invalidHandle(handle, "The receipt handle has expired.");
    if (!stale) this.#remove(message);
    this.wake();
  }

  changeVisibility(handle, seconds) {
    const { message, stale } = this.#byHandle(handle);
    this.#reveal();
    if (!(seconds >= 0 && seconds <= 43200)) {
      throw invalidValue(
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.`,
      );
    }
    const held = message && !stale && this.#hidden.has(message);
    if (!message || (!held && this.fifo)) {
      throw invalidHandle(handle, "Message does not exist or is not available for visibility timeout change.");
    }
    if (!held) return;
    if (this.#now + seconds * 1000 > message.received + VISIBILITY_TOTAL_MS) {
      throw invalidValue(
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].`,
      );
    }
    this.#hide(message, seconds);
    this.#nextVisible = Math.min(this.#nextVisible, message.visibleAt);
    this.wake();
  }

  purge() {
    for (const message of [...this.#messages.values()]) this.#remove(message);
  }

  onChange(waiter) {
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  wake() {
    for (const waiter of [...this.#waiters]) waiter();
  }

  describe() {
    this.#reveal();
    const hidden = this.#hidden.size;
    return {
      QueueArn: this.arn,
      ...this.attributes,
      ...(this.fifo ? { FifoQueue: "true" } : {}),
      ApproximateNumberOfMessages: String(this.#messages.size - hidden),
      ApproximateNumberOfMessagesNotVisible: String(hidden),
      ApproximateNumberOfMessagesDelayed: "0",
    };
  }

  save() {
    return {
      name: this.name,
      attributes: this.attributes,
      count: this.#count,
      messages: [...this.#messages.values()],
      remembered: [...this.#remembered],
    };
  }

  load({ count, messages, remembered }) {
    this.#count = count;
    this.#remembered = new Map(remembered);
    for (const message of messages) {
      this.#insert(message);
      if (message.visibleAt > this.#now) this.#hide(message, (message.visibleAt - this.#now) / 1000);
    }
  }
}
