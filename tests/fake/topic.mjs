// SPDX-License-Identifier: Apache-2.0
// One topic: its attributes, its subscriptions, and what a FIFO topic remembers for five minutes.
import { invalidParameter } from "./error.mjs";
import { MAXIMUM_MESSAGE_SIZE } from "./sns_rules.mjs";

const SEQUENCE_STEP = 256; // real numbers are not consecutive either

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

export class Topic {
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
    const pending = this.subscriptions.filter((subscription) => subscription.pending).length;
    return {
      TopicArn: this.arn,
      Owner: owner,
      DisplayName: "",
      SubscriptionsPending: String(pending),
      SubscriptionsConfirmed: String(this.subscriptions.length - pending),
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
