// SPDX-License-Identifier: Apache-2.0
// A small client for the tests of the fake, with a signer of its own, which can be told to do it wrong.
import { createHash, createHmac } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";

const day = (date) => date.slice(0, 8);
const digest = (data) => createHash("sha256").update(data).digest("hex");
const mac = (key, text) => createHmac("sha256", key).update(text).digest();

export const basicDate = (time) => new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, "");

// `change` may alter what is signed, and what is sent afterwards.
function sign(
  headers,
  path,
  body,
  service,
  { keyId = "local", secret = "local", region = "us-east-1", names, scopeDay } = {},
) {
  const signed = (names ?? Object.keys(headers)).slice().sort();
  const lines = signed.map((name) => `${name}:${headers[name] ?? ""}\n`).join("");
  const canonical = ["POST", path, "", lines, signed.join(";"), digest(body)].join("\n");
  const date = headers["x-amz-date"] ?? basicDate(Date.now());
  const scope = [scopeDay ?? day(date), region, service, "aws4_request"];
  const key = scope.reduce((previous, part) => mac(previous, part), "AWS4" + secret);
  const text = ["AWS4-HMAC-SHA256", date, scope.join("/"), digest(canonical)].join("\n");
  const signature = mac(key, text).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${keyId}/${scope.join("/")}, SignedHeaders=${signed.join(";")}, Signature=${signature}`;
}

export class Client {
  agent = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(port, options = {}) {
    this.port = port;
    this.options = options;
  }

  // Resolves to { status, headers, body }, rejects when the connection breaks or `timeout` is over.
  send(method, path, headers, body, timeout = 5000, agent = this.agent) {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: "127.0.0.1", port: this.port, method, path, headers, agent }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
      });
      request.setTimeout(timeout, () => request.destroy(new Error("timed out")));
      request.on("error", reject);
      request.end(body);
    });
  }

  signed(service, headers, body, options = {}) {
    const {
      date = basicDate(Date.now()),
      token,
      sent = body,
      tamper = (text) => text,
      timeout,
      path = "/",
      ...how
    } = { ...this.options, ...options };
    const all = { host: `127.0.0.1:${this.port}`, "x-amz-date": date, ...headers };
    if (token) all["x-amz-security-token"] = token;
    const authorization = tamper(sign(all, path, body, service, how));
    return this.send("POST", path, { ...all, authorization, "content-length": Buffer.byteLength(sent) }, sent, timeout);
  }

  async sns(action, parameters, options) {
    const form = Object.entries({ Action: action, Version: "2010-03-31", ...parameters })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${value instanceof Raw ? value.text : encodeURIComponent(value)}`);
    const answer = await this.signed(
      "sns",
      { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
      form.join("&"),
      options,
    );
    return { ...answer, code: text(answer.body, "Code"), message: text(answer.body, "Message") };
  }

  // A form, signed unless `unsigned` is set.
  async sts(action, parameters, { unsigned, ...options } = {}) {
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    const form = new URLSearchParams({ Action: action, Version: "2011-06-15", ...parameters }).toString();
    const answer = await (unsigned
      ? this.send("POST", "/", headers, form)
      : this.signed("sts", headers, form, options));
    return { ...answer, code: text(answer.body, "Code"), message: text(answer.body, "Message") };
  }

  async sqs(action, input, options) {
    const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${action}` };
    const answer = await this.signed("sqs", headers, JSON.stringify(input), options);
    return { ...answer, json: answer.body ? JSON.parse(answer.body) : undefined };
  }

  publishBatch(topicArn, messages, options) {
    return this.sns("PublishBatch", { TopicArn: topicArn, ...entries(messages) }, options);
  }

  publish(topicArn, message, options) {
    return this.sns("Publish", { TopicArn: topicArn, ...fields("", message) }, options);
  }

  // On a connection of its own: those in the pool may be about to be closed by a fault.
  async control(method, what, value) {
    const body = value === undefined ? "" : JSON.stringify(value);
    const answer = await this.send(
      method,
      `/_fake/${what}`,
      { "content-length": Buffer.byteLength(body) },
      body,
      5000,
      false,
    );
    return { ...answer, json: JSON.parse(answer.body) };
  }

  close() {
    this.agent.destroy();
  }
}

// Text that is put into the form as it is.
export class Raw {
  constructor(text) {
    this.text = text;
  }
}

// A message is { Id, Message, …, attributes: [[name, type, value, field]] }.
function fields(prefix, { attributes = [], ...message }) {
  const form = {};
  for (const [name, value] of Object.entries(message)) form[prefix + name] = value;
  attributes.forEach(
    ([name, type, value, field = type.startsWith("Binary") ? "BinaryValue" : "StringValue"], index) => {
      const entry = `${prefix}MessageAttributes.entry.${index + 1}.`;
      form[`${entry}Name`] = name;
      form[`${entry}Value.DataType`] = type;
      form[`${entry}Value.${field}`] = value;
    },
  );
  return form;
}

function entries(messages) {
  return Object.assign(
    {},
    ...messages.map((message, index) =>
      fields(`PublishBatchRequestEntries.member.${index + 1}.`, { Id: String(index), ...message }),
    ),
  );
}

export const text = (xml, name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

// The members of a list, each an object of its elements.
export function members(xml, list) {
  const inner = new RegExp(`<${list}>(.*?)</${list}>`, "s").exec(xml)?.[1] ?? "";
  return [...inner.matchAll(/<member>(.*?)<\/member>/gs)].map(([, member]) =>
    Object.fromEntries([...member.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, value])),
  );
}

export const successful = (answer) => members(answer.body, "Successful");
export const failed = (answer) => members(answer.body, "Failed");
