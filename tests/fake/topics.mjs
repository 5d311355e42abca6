// SPDX-License-Identifier: Apache-2.0
// Topics: their attributes, what a FIFO topic remembers for five minutes, sequence numbers, and delivery to queues.
import { createHash, randomBytes } from "node:crypto";
import { Refusal, invalidParameter } from "./error.mjs";
import { MAXIMUM_MESSAGE_SIZE, isTopicName, parseArn } from "./sns_rules.mjs";

const DEDUPLICATION_MS = 5 * 60 * 1000;
const SEQUENCE_STEP = 256; // real numbers are not consecutive either
const RAW_ATTRIBUTES_MAX = 10;

const settable = {
  ContentBasedDeduplication: (value) => value === "true" || value === "false",
  FifoThroughputScope: (value) => value === "Topic" || value === "MessageGroup",
  MaximumMessageSize: (value) => /^\d+$/.test(value) && Number(value) >= 1024 && Number(value) <= 1048576,
  DisplayName: (value) => value.length <= 100,
  SignatureVersion: (value) => value === "1" || value === "2",
  KmsMasterKeyId: () => true,
  Policy: () => true,
  DeliveryPolicy: () => true,
  TracingConfig: () => true,
};

class Topic {
  attributes = {};
  subscriptions = [];
  remembered = new Map(); // deduplication id -> what its message was answered, in the order of time
  sequence = 0;
  #oldest = 0; // nothing is to be forgotten before

  constructor(arn, fifo) {
    this.arn = arn;
    this.name = arn.split(":")[5];
    this.fifo = fifo;
    this.#apply();
  }

  set(attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (!settable[name]) throw invalidParameter("AttributeName");
      if (!settable[name](value)) throw invalidParameter(`Attributes Reason: ${name}: Invalid value ${value}`);
    }
    Object.assign(this.attributes, attributes);
    this.#apply();
  }

  #apply() {
    this.maximumMessageSize = Number(this.attributes.MaximumMessageSize ?? MAXIMUM_MESSAGE_SIZE);
    this.contentBased = this.attributes.ContentBasedDeduplication === "true";
    this.groupScope = this.attributes.FifoThroughputScope === "MessageGroup";
  }

  describe() {
    const fifo = { FifoTopic: "true", ContentBasedDeduplication: "false", FifoThroughputScope: "Topic" };
    const owner = this.arn.split(":")[4];
    const confirmed = String(this.subscriptions.length);
    return {
      TopicArn: this.arn,
      Owner: owner,
      DisplayName: "",
      SubscriptionsPending: "0",
      SubscriptionsConfirmed: confirmed,
      SubscriptionsDeleted: "0",
      ...(this.fifo ? fifo : {}),
      ...this.attributes,
    };
  }

  nextSequenceNumber() {
    this.sequence += SEQUENCE_STEP;
    return `1${String(this.sequence).padStart(19, "0")}`;
  }

  forget(now) {
    if (now < this.#oldest) return;
    for (const [key, { until }] of this.remembered) {
      this.#oldest = until;
      if (until > now) return;
      this.remembered.delete(key);
    }
  }
}

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
      return { ...first, group, deduplication, duplicate: true };
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
    return `${this.#prefix}-${number.slice(0, 4)}-4000-8${number.slice(4, 7)}-${this.#prefix.slice(5)}${number.slice(7)}`;
  }

  // Raw delivery of more attributes than SQS takes is a client-side error: the message is gone, and nobody is told.
  #deliver(topic, entry, receipt) {
    for (const subscription of topic.subscriptions) {
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

// With MessageStructure=json each protocol has a text of its own, and attributes are left out.
function textForSqs(entry) {
  if (entry.MessageStructure !== "json") return entry.Message;
  const texts = JSON.parse(entry.Message);
  return texts.sqs ?? texts.default;
}

function attributesForSqs(entry, member) {
  const attributes = entry.MessageStructure === "json" ? [] : entry.attributes;
  return Object.fromEntries(attributes.map((attribute) => [attribute.Name, member(attribute)]));
}

const sqsAttribute = (attribute) => ({
  DataType: attribute["Value.DataType"],
  ...(attribute["Value.BinaryValue"]
    ? { BinaryValue: attribute["Value.BinaryValue"] }
    : { StringValue: attribute["Value.StringValue"] }),
});

const grouping = ({ group, deduplication }) => ({ group, deduplication });

function rawMessage(entry, receipt) {
  return { body: textForSqs(entry), attributes: attributesForSqs(entry, sqsAttribute), ...grouping(receipt) };
}

// The signature of a standard topic's envelope is a placeholder: its certificate would have to come from AWS.
function envelope(topic, entry, receipt, subscription, now) {
  const region = topic.arn.split(":")[3];
  const host = `https://sns.${region}.amazonaws.com`;
  const signature = {
    SignatureVersion: topic.attributes.SignatureVersion ?? "1",
    Signature: "RVhBTVBMRQ==",
    SigningCertURL: `${host}/SimpleNotificationService-00000000000000000000000000000000.pem`,
  };
  const attributes = attributesForSqs(entry, (attribute) => ({
    Type: attribute["Value.DataType"],
    Value: attribute["Value.BinaryValue"] ?? attribute["Value.StringValue"],
  }));
  const body = {
    Type: "Notification",
    MessageId: receipt.messageId,
    ...(topic.fifo ? { SequenceNumber: receipt.sequenceNumber } : {}),
    TopicArn: topic.arn,
    ...(entry.Subject === undefined ? {} : { Subject: entry.Subject }),
    Message: textForSqs(entry),
    Timestamp: new Date(now).toISOString(),
    ...(topic.fifo ? {} : signature),
    UnsubscribeURL: `${host}/?Action=Unsubscribe&SubscriptionArn=${subscription.arn}`,
    ...(Object.keys(attributes).length > 0 ? { MessageAttributes: attributes } : {}),
  };
  return { body: JSON.stringify(body), attributes: {}, ...grouping(receipt) };
}
