// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and when. A rule says which requests it is about (match), what happens to them (kind), how likely it
// is, and when it is over (count, until). Chances come from a seeded generator, so a run can be repeated. README.md has
// the list of kinds and their settings; control.mjs takes rules in.
import { Refusal } from "./error.mjs";
import { identify } from "./journal.mjs";

const BURST_MIN = 10; // a whole batch must fit through any throttle in the end

// Settings with their defaults. `outcome` takes the place of the answer, and only one can; `entry` is about single
// entries; `published` is whether the messages are accepted all the same.
const kinds = {
  throttle: {
    outcome: true,
    rate: 100,
    burst: undefined,
    per: "rule",
    code: "Throttling",
    message: "Rate exceeded",
    status: 400,
  },
  status: { outcome: true, status: 500, code: undefined, message: undefined, published: false },
  html: { outcome: true, status: 502, published: false },
  truncated: { outcome: true, published: true, length: "whole" },
  lost: { outcome: true, published: true },
  reset: { outcome: true, published: false, at: "request" },
  stall: { outcome: true, published: false, at: "request" },
  poison: {
    outcome: true,
    code: "InvalidParameter",
    message: "Invalid parameter: Message Reason: refused",
    status: 400,
  },
  expire_token: {
    outcome: true,
    code: "ExpiredToken",
    message: "The security token included in the request is expired",
    status: 403,
  },
  deny: { outcome: true, code: undefined, message: undefined, status: 403 },
  missing: { outcome: true, code: "NotFound", message: "Topic does not exist", status: 404 },
  kms: {
    outcome: true,
    code: "KMSDisabled",
    message: "The request was rejected because the specified key is not enabled.",
    status: 400,
  },
  delay: { ms: 100, max_ms: undefined },
  close: { announce: true },
  fail_entry: { entry: true, code: "InternalError", message: "Internal error", senderFault: false },
  omit_entry: { entry: true, published: false },
};
const own = new Set(["outcome", "entry"]);
const common = ["match", "kind", "probability", "count", "until"];
const entryKeys = ["eventId", "aggregateId", "body"];
const matchKeys = ["topic", "queue", "action", "accessKeyId", ...entryKeys];

const none = Object.freeze({ answer: "sent" });

// mulberry32: small, and the same numbers on every machine
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const includes = (expected, actual) => (Array.isArray(expected) ? expected.includes(actual) : expected === actual);

function entryMatches(match, entry) {
  const { eventId, aggregateId } = identify(entry);
  return (
    (match.eventId === undefined || includes(match.eventId, eventId)) &&
    (match.aggregateId === undefined || includes(match.aggregateId, aggregateId)) &&
    (match.body === undefined || (entry.Message ?? "").includes(match.body))
  );
}

class TokenBucket {
  constructor(rate, burst) {
    Object.assign(this, { rate, burst, tokens: burst, filled: performance.now() });
  }

  take(count) {
    const now = performance.now();
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.filled) * this.rate) / 1000);
    this.filled = now;
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }
}

class Rule {
  fired = 0;
  #buckets = new Map();

  constructor(id, settings, credentialSerial) {
    Object.assign(this, { id, match: {}, probability: 1 }, kinds[settings.kind], settings);
    this.about = entryKeys.some((key) => this.match[key] !== undefined); // single entries
    this.expires = this.until === undefined ? Infinity : performance.now() + this.until;
    this.credentialSerial = credentialSerial;
  }

  get over() {
    return this.fired >= (this.count ?? Infinity) || performance.now() >= this.expires;
  }

  fits({ action, topic, queueName, accessKeyId }) {
    const { match } = this;
    return (
      (match.action === undefined || includes(match.action, action)) &&
      (match.accessKeyId === undefined || match.accessKeyId === accessKeyId) &&
      (match.queue === undefined || match.queue === queueName) &&
      (match.topic === undefined || (topic !== undefined && (match.topic === topic.name || match.topic === topic.arn)))
    );
  }

  exceeded({ topic, entries }) {
    const key = this.per === "topic" ? topic?.arn : "";
    if (!this.#buckets.has(key))
      this.#buckets.set(key, new TokenBucket(this.rate, this.burst ?? Math.max(this.rate, BURST_MIN)));
    return !this.#buckets.get(key).take(entries?.length ?? 1);
  }

  describe() {
    const { id, kind, match, probability, count, until, fired } = this;
    return { id, kind, match, probability, count, until, fired };
  }
}

function check(settings) {
  const refuse = (message) => {
    throw new Refusal("BadFault", message);
  };
  const kind = kinds[settings.kind];
  if (!kind) refuse(`kind must be one of ${Object.keys(kinds).join(", ")}`);
  const allowed = [...common, ...Object.keys(kind).filter((name) => !own.has(name))];
  const unknown = Object.keys(settings).filter((name) => !allowed.includes(name));
  if (unknown.length > 0) refuse(`${settings.kind} has no ${unknown.join(", ")}; it has ${allowed.join(", ")}`);
  const strange = Object.keys(settings.match ?? {}).filter((name) => !matchKeys.includes(name));
  if (strange.length > 0) refuse(`match has no ${strange.join(", ")}; it has ${matchKeys.join(", ")}`);
  if (settings.at === "connect" && settings.count === undefined && settings.until === undefined) {
    refuse("at connect needs a count or until: it also strikes the connection that would remove it");
  }
}

export class Faults {
  #rules = [];
  #next = 1;
  #random = generator(1);

  constructor(fake) {
    this.fake = fake;
  }

  seed(seed) {
    this.#random = generator(seed);
  }

  add(settings) {
    check(settings);
    const rule = new Rule(String(this.#next++), settings, this.fake.credentials.serial);
    this.#rules.push(rule);
    return rule;
  }

  remove(id) {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((rule) => id !== undefined && rule.id !== id);
    return before - this.#rules.length;
  }

  list() {
    this.#sweep();
    return this.#rules.map((rule) => rule.describe());
  }

  #sweep() {
    if (this.#rules.some((rule) => rule.over)) this.#rules = this.#rules.filter((rule) => !rule.over);
  }

  #chance(rule) {
    return !rule.over && (rule.probability >= 1 || this.#random() < rule.probability);
  }

  #fire(rule) {
    rule.fired++;
    this.fake.stats.count("faults", rule.kind);
    this.fake.stats.count("faults", `${rule.id}:${rule.kind}`);
  }

  #first(kind, accept) {
    this.#sweep();
    const rule = this.#rules.find(
      (candidate) => candidate.kind === kind && accept(candidate) && this.#chance(candidate),
    );
    if (rule) this.#fire(rule);
    return rule;
  }

  // A session's end comes by itself. A rule expires the credentials that were known when it was made; new ones are good.
  isExpired(pair) {
    const about = ({ match, credentialSerial }) =>
      pair.serial <= credentialSerial && (match.accessKeyId === undefined || match.accessKeyId === pair.accessKeyId);
    if (pair.expires <= this.fake.clock.now()) return true;
    return this.#rules.length > 0 && this.#first("expire_token", about) !== undefined;
  }

  // What happens to a connection before anything is read from it: the rule, if there is one.
  atConnection() {
    if (this.#rules.length === 0) return undefined;
    return ["reset", "stall"].map((kind) => this.#first(kind, (rule) => rule.at === "connect")).find(Boolean);
  }

  // plan(request) returns what happens to it: { outcome, delay, close, fates, answer }. fates says which rule an entry
  // falls under; answer is the word for the log.
  plan(request) {
    if (this.#rules.length === 0) return none;
    this.#sweep();
    const plan = { answer: "sent" };
    for (const rule of this.#rules) {
      if (rule.kind !== "expire_token" && rule.at !== "connect" && rule.fits(request)) this.#apply(rule, plan, request);
    }
    return plan;
  }

  #apply(rule, plan, request) {
    const entries =
      rule.about || rule.entry ? (request.entries ?? []).filter((entry) => entryMatches(rule.match, entry)) : [];
    if (rule.entry) {
      this.#doom(rule, plan, rule.about ? entries : (request.batch ?? entries)); // those of SQS have no text to match
      return;
    }
    if ((rule.about && entries.length === 0) || (rule.outcome && plan.outcome) || !this.#chance(rule)) return;
    if (rule.kind === "throttle" && !rule.exceeded(request)) return;
    this.#fire(rule);
    if (rule.outcome) {
      plan.outcome = rule;
      plan.answer = rule.kind;
    } else if (rule.kind === "delay") {
      plan.delay =
        rule.max_ms === undefined ? rule.ms : rule.ms + Math.floor(this.#random() * (rule.max_ms - rule.ms + 1));
    } else {
      plan.close = rule;
    }
  }

  #doom(rule, plan, entries) {
    for (const entry of entries) {
      if (plan.fates?.has(entry) || !this.#chance(rule)) continue;
      this.#fire(rule);
      plan.fates ??= new Map();
      plan.fates.set(entry, rule);
    }
  }
}

const words = {
  500: ["InternalError", "Internal server error"],
  503: ["ServiceUnavailable", "Service Unavailable"],
};

const denied = { sns: "AuthorizationError", sqs: "AccessDenied", sts: "AccessDenied" };

// refusalOf returns the error that the outcome's rule answers with, and nothing when it is no error of the service.
export function refusalOf(rule, { action, topic }, service) {
  if (rule.kind === "deny") {
    const user = "User: arn:aws:iam::000000000000:user/local";
    const permission = service === "sns" ? `SNS:${action}` : `${service}:${action}`;
    const message =
      `${user} is not authorized to perform: ${permission} on resource: ${topic?.arn ?? "*"} ` +
      `because no identity-based policy allows the ${permission} action`;
    return new Refusal(rule.code ?? denied[service], rule.message ?? message, rule.status);
  }
  if (rule.kind === "status") {
    const [code, message] = words[rule.status] ?? ["InternalFailure", "The request failed"];
    return new Refusal(rule.code ?? code, rule.message ?? message, rule.status);
  }
  return rule.code === undefined ? undefined : new Refusal(rule.code, rule.message, rule.status);
}
