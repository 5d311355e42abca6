// SPDX-License-Identifier: Apache-2.0
// All the topics there are, and what becomes of a message that one of them accepts: it is recognised as one of the last
// five minutes, or numbered and delivered to queues.
import { createHash, randomBytes } from "node:crypto";
import { Refusal, invalidParameter } from "./error.mjs";
import { envelope, rawMessage } from "./envelope.mjs";
import { isTopicName, parseArn } from "./sns_rules.mjs";
import { Topic } from "./topic.mjs";

const DEDUPLICATION_MS = 5 * 60 * 1000;
const RAW_ATTRIBUTES_MAX = 10;

export class Topics {
  #topics = new Map();
  #prefix = randomBytes(4).toString("hex");
  #messages = 0;

  constructor(fake) {
    this.fake = fake;
  }

  all() {
    return [...this.#topics.values()];
  }

  // With auto_topics a well-formed ARN is enough for a topic to be there.
  get(arn, region) {
    const known = this.#topics.get(arn);
    if (!arn) throw invalidParameter("TopicArn or TargetArn Reason: no value for required parameter");
    const parts = known ? { region: arn.split(":")[3] } : parseArn(arn);
    if (region && parts.region !== region) throw invalidParameter("TopicArn");
    if (known) return known;
    if (!this.fake.options.autoTopics) throw new Refusal("NotFound", "Topic does not exist", 404);
    return this.#add(arn, arn.endsWith(".fifo"));
  }

  create(name, region, { FifoTopic, ...attributes }) {
    const fifo = FifoTopic === "true";
    if (!isTopicName(name) || name.endsWith(".fifo") !== fifo) throw invalidParameter("Topic Name");
    const arn = `arn:aws:sns:${region}:000000000000:${name}`;
    const known = this.#topics.get(arn);
    if (known) {
      const same = Object.entries(attributes).every(([key, value]) => known.describe()[key] === value);
      if (!same) throw invalidParameter("Attributes Reason: Topic already exists with different attributes");
      return known;
    }
    const topic = new Topic(arn, fifo);
    topic.set(attributes);
    this.#topics.set(arn, topic);
    return topic;
  }

  #add(arn, fifo) {
    const topic = new Topic(arn, fifo);
    this.#topics.set(arn, topic);
    return topic;
  }

  delete(arn) {
    this.#topics.delete(arn);
  }

  // publish accepts a message that is in order: it delivers it, or recognises it as one of the last five minutes, which
  // is answered like the first. Returns { messageId, sequenceNumber, group, deduplication, duplicate }.
  publish(topic, entry) {
    const group = entry.MessageGroupId;
    if (!topic.fifo) {
      const receipt = {
        messageId: this.#nextMessageId(),
        sequenceNumber: undefined,
        group,
        deduplication: undefined,
        duplicate: false,
      };
      this.#deliver(topic, entry, receipt);
      return receipt;
    }
    const now = this.fake.clock.now();
    const deduplication = entry.MessageDeduplicationId ?? createHash("sha256").update(entry.Message).digest("hex");
    const key = topic.groupScope ? `${group} ${deduplication}` : deduplication;
    topic.forget(now);
    const first = topic.remembered.get(key);
    if (first) {
      this.fake.stats.deduplicated++;
      return {
        messageId: first.messageId,
        sequenceNumber: first.sequenceNumber,
        group,
        deduplication,
        duplicate: true,
      };
    }
    const receipt = {
      messageId: this.#nextMessageId(),
      sequenceNumber: topic.nextSequenceNumber(),
      group,
      deduplication,
      duplicate: false,
    };
    topic.remembered.set(key, {
      messageId: receipt.messageId,
      sequenceNumber: receipt.sequenceNumber,
      until: now + DEDUPLICATION_MS,
    });
    this.#deliver(topic, entry, receipt);
    return receipt;
  }

  #nextMessageId() {
    const number = (++this.#messages).toString(16).padStart(16, "0");
    const last = this.#prefix.slice(5) + number.slice(7);
    return `${this.#prefix}-${number.slice(0, 4)}-4000-8${number.slice(4, 7)}-${last}`;
  }

  // Raw delivery of more attributes than SQS takes is a client-side error: the message is gone, and nobody is told.
  #deliver(topic, entry, receipt) {
    for (const subscription of topic.subscriptions) {
      if (subscription.pending) continue;
      const queue = this.fake.queues.byArn(subscription.endpoint);
      const tooMany = subscription.raw && entry.attributes.length > RAW_ATTRIBUTES_MAX;
      if (!queue || tooMany) {
        this.fake.stats.discarded++;
        continue;
      }
      queue.add(
        subscription.raw
          ? rawMessage(entry, receipt)
          : envelope(topic, entry, receipt, subscription, this.fake.clock.now()),
      );
      this.fake.stats.delivered++;
    }
  }

  save() {
    const topics = this.all().map(({ arn, fifo, attributes, subscriptions, remembered, sequence }) => ({
      arn,
      fifo,
      attributes,
      subscriptions,
      sequence,
      remembered: [...remembered],
    }));
    return { messages: this.#messages, topics };
  }

  load({ messages, topics }) {
    this.#messages = messages;
    for (const { arn, fifo, attributes, subscriptions, remembered, sequence } of topics) {
      const topic = this.#add(arn, fifo);
      topic.set(attributes);
      Object.assign(topic, { subscriptions, sequence, remembered: new Map(remembered) });
    }
  }
}
