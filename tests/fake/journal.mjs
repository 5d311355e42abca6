// SPDX-License-Identifier: Apache-2.0
// The log of accepted messages, in the order of acceptance: what a checker judges loss, order and duplicates by. It is
// written at once, before any answer is sent. Beside it what GET /_fake/stats counts.
import { openSync, writeSync } from "node:fs";
import { monotonicMicroseconds } from "./clock.mjs";

// The start of a domain event as the relay writes it, so that the hot path needs no JSON parser.
const domainEvent =
  /^\{"eventId":"([0-9a-fA-F-]{36})","eventType":"[^"\\]*","eventVersion":"(?:[^"\\]|\\.)*","aggregateId":"((?:[^"\\]|\\.)*)","occurredOn":"[^"\\]*","sequence":(\d+)/;

function parsedBody(text) {
  if (!text.startsWith("{")) return {};
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function bodyFacts(text) {
  const match = domainEvent.exec(text);
  if (match) return { id: match[1], sequence: Number(match[3]) };
  const body = parsedBody(text);
  const sequence = body.sequence ?? body.data?.sequence;
  return { id: body.eventId ?? body.id, sequence: sequence === undefined ? undefined : Number(sequence) };
}

const attributeOf = (entry, name) =>
  entry.attributes.find((attribute) => attribute.Name === name)?.["Value.StringValue"];

// identify notes on the entry which event it is. The attributes say so, else the body does.
export function identify(entry) {
  if (!entry.identity) {
    const { id, sequence } = bodyFacts(entry.Message ?? "");
    entry.identity = {
      eventId: attributeOf(entry, "event-id") ?? id,
      aggregateId: attributeOf(entry, "aggregate-id"),
      sequence,
    };
  }
  return entry.identity;
}

export class Stats {
  requests = 0;
  actions = {};
  accepted = 0;
  delivered = 0;
  deduplicated = 0;
  discarded = 0; // deliveries that SQS would not take
  refused = {};
  faults = {};
  concurrent = 0;
  most_concurrent = 0;
  connections = 0;

  count(table, name) {
    this[table][name] = (this[table][name] ?? 0) + 1;
  }

  begin() {
    this.requests++;
    this.concurrent++;
    this.most_concurrent = Math.max(this.most_concurrent, this.concurrent);
  }

  end() {
    this.concurrent--;
  }
}

export class Journal {
  #file;
  #lines = "";
  #time = 0;

  constructor(stats, path) {
    this.stats = stats;
    this.#file = path === undefined ? undefined : openSync(path, "a");
  }

  begin() {
    this.#time = monotonicMicroseconds();
  }

  // Undefined values are left out by JSON.stringify.
  accepted(topic, entry, receipt, answer) {
    this.stats.accepted++;
    if (this.#file === undefined) return;
    const { eventId, aggregateId, sequence } = identify(entry);
    this.#lines +=
      JSON.stringify({
        t: this.#time,
        topic: topic.name,
        id: eventId,
        agg: aggregateId,
        seq: sequence,
        group: receipt.group,
        dedup: receipt.deduplication,
        mid: receipt.messageId,
        sn: receipt.sequenceNumber,
        dup: receipt.duplicate,
        answer,
      }) + "\n";
  }

  end() {
    for (let rest = Buffer.from(this.#lines); rest.length > 0;) rest = rest.subarray(writeSync(this.#file, rest));
    this.#lines = "";
  }
}
