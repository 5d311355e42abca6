// SPDX-License-Identifier: Apache-2.0
// SQS's actions, in its JSON protocol.
import { createHash } from "node:crypto";
import { Refusal } from "./error.mjs";
import { isWord } from "./sns_rules.mjs";

const ACCOUNT = "000000000000";
const ENTRIES_MAX = 10;
const ATTRIBUTES_MAX = 10;
const RECHECK_MS = 100; // how often a long poll looks for messages that became visible again

const invalidValue = (message) => new Refusal("InvalidParameterValue", message);
const missing = (name) => new Refusal("MissingParameter", `The request must contain the parameter ${name}.`);
const md5 = (text) => createHash("md5").update(text).digest("hex");

const queueOf = ({ fake, input }) => {
  if (typeof input.QueueUrl !== "string") throw missing("QueueUrl");
  return fake.queues.get(input.QueueUrl.split("/").pop());
};
const urlOf = ({ headers }, queue) => `http://${headers.host}/${ACCOUNT}/${queue.name}`;

// As the documentation describes it: name, type and value, each after its length; 1 is a string, 2 is binary.
function md5OfAttributes(attributes) {
  const hash = createHash("md5");
  const put = (bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const { DataType: type, StringValue: text, BinaryValue: binary } = attributes[name];
    put(Buffer.from(name));
    put(Buffer.from(type));
    hash.update(Buffer.from([binary === undefined ? 1 : 2]));
    put(binary === undefined ? Buffer.from(text) : Buffer.from(binary, "base64"));
  }
  return hash.digest("hex");
}

function systemAttributes(message) {
  return {
    SenderId: "AIDAFAKE",
    SentTimestamp: String(message.sent),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceived),
    MessageGroupId: message.group,
    MessageDeduplicationId: message.sequenceNumber && message.deduplication,
    SequenceNumber: message.sequenceNumber,
    DeadLetterQueueSourceArn: message.source,
  };
}

const wanted = (names, name) =>
  names.some(
    (asked) =>
      asked === "All" ||
      asked === ".*" ||
      asked === name ||
      (asked.endsWith(".*") && name.startsWith(asked.slice(0, -1))),
  );
const pick = (object, names) =>
  Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== undefined && wanted(names, name)));
const unlessEmpty = (name, object) => (Object.keys(object).length > 0 ? { [name]: object } : {});

function describeMessage(queue, message, input) {
  const system = [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])];
  const attributes = pick(message.attributes, input.MessageAttributeNames ?? []);
  return {
    MessageId: message.id,
    ReceiptHandle: queue.handleOf(message),
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...unlessEmpty("Attributes", pick(systemAttributes(message), system)),
    ...(Object.keys(attributes).length > 0 ? { MD5OfMessageAttributes: md5OfAttributes(attributes) } : {}),
    ...unlessEmpty("MessageAttributes", attributes),
  };
}

function inRange(name, value, least, most) {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw invalidValue(
      `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${least} and ${most}, if provided.`,
    );
  }
  return value;
}

// Resolves as soon as there is a message, when the time is over, or when the client has gone.
function waitForMessages(take, queue, seconds, response) {
  return new Promise((resolve) => {
    const deadline = performance.now() + seconds * 1000;
    const attempt = () => {
      const messages = response.destroyed ? [] : take();
      if (messages.length === 0 && performance.now() < deadline && !response.destroyed) return;
      clearInterval(timer);
      forget();
      resolve(messages);
    };
    const timer = setInterval(attempt, Math.min(RECHECK_MS, Math.max(seconds * 1000, 1)));
    const forget = queue.onChange(attempt);
    response.once("close", attempt);
    attempt();
  });
}

async function receiveMessage(request) {
  const { input, response } = request;
  const queue = queueOf(request);
  const count = inRange("MaxNumberOfMessages", input.MaxNumberOfMessages ?? 1, 1, 10);
  const seconds = inRange(
    "WaitTimeSeconds",
    input.WaitTimeSeconds ?? Number(queue.attributes.ReceiveMessageWaitTimeSeconds),
    0,
    20,
  );
  const visibility =
    input.VisibilityTimeout === undefined ? undefined : inRange("VisibilityTimeout", input.VisibilityTimeout, 0, 43200);
  const { ReceiveRequestAttemptId: attempt } = input;
  if (attempt !== undefined && !queue.fifo) {
    throw invalidValue("The request include parameter that is not valid for this queue type.");
  }
  checkWord("ReceiveRequestAttemptId", attempt);
  const take = () => queue.receive(count, visibility, attempt);
  let messages = take();
  if (messages.length === 0 && seconds > 0) messages = await waitForMessages(take, queue, seconds, response);
  return messages.length > 0 ? { Messages: messages.map((message) => describeMessage(queue, message, input)) } : {};
}

// A fault may take entries out: what it says of them is told, or they are in neither list.
function batch(entries, name, run, fates) {
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new Refusal("EmptyBatchRequest", `There should be at least one ${name} in the request.`);
  }
  if (entries.length > ENTRIES_MAX) {
    throw new Refusal(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${ENTRIES_MAX}. You have sent ${entries.length}.`,
    );
  }
  if (!entries.every(({ Id: id }) => /^[A-Za-z0-9_-]{1,80}$/.test(id ?? ""))) {
    throw new Refusal(
      "InvalidBatchEntryId",
      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
    );
  }
  const repeated = entries.find(({ Id: id }, at) => entries.findIndex((other) => other.Id === id) < at);
  if (repeated) throw new Refusal("BatchEntryIdsNotDistinct", `Id ${repeated.Id} repeated.`);
  const result = { Successful: [], Failed: [] };
  for (const entry of entries) {
    const fate = fates?.get(entry);
    if (fate?.kind === "omit_entry") {
      if (fate.published) run(entry);
      continue;
    }
    try {
      if (fate) throw Object.assign(new Refusal(fate.code, fate.message), { senderFault: fate.senderFault });
      result.Successful.push({ Id: entry.Id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      result.Failed.push({
        Id: entry.Id,
        Code: error.code,
        Message: error.message,
        SenderFault: error.senderFault ?? true,
      });
    }
  }
  return result;
}

const deleteMessage = (request) => {
  queueOf(request).delete(request.input.ReceiptHandle);
  return {};
};

const deleteMessageBatch = (request, { fates }) => {
  const queue = queueOf(request);
  const run = (entry) => queue.delete(entry.ReceiptHandle);
  return batch(request.input.Entries, "DeleteMessageBatchRequestEntry", run, fates);
};

const changeMessageVisibility = (request) => {
  queueOf(request).changeVisibility(request.input.ReceiptHandle, request.input.VisibilityTimeout);
  return {};
};

const changeMessageVisibilityBatch = (request, { fates }) => {
  const queue = queueOf(request);
  const run = (entry) => queue.changeVisibility(entry.ReceiptHandle, entry.VisibilityTimeout);
  return batch(request.input.Entries, "ChangeMessageVisibilityBatchRequestEntry", run, fates);
};

function checkWord(name, text) {
  if (text !== undefined && !isWord(text)) {
    throw invalidValue(
      `Value ${text} for parameter ${name} is invalid. Reason: ${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    );
  }
}

function send(
  queue,
  {
    MessageBody: body,
    MessageAttributes: attributes = {},
    MessageGroupId: group,
    MessageDeduplicationId: deduplication,
  },
) {
  if (!body) throw missing("MessageBody");
  if (/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(body)) {
    throw new Refusal(
      "InvalidMessageContents",
      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    );
  }
  if (Buffer.byteLength(body) > Number(queue.attributes.MaximumMessageSize)) {
    throw invalidValue(
      `One or more parameters are invalid. Reason: Message must be shorter than ${queue.attributes.MaximumMessageSize} bytes.`,
    );
  }
  if (Object.keys(attributes).length > ATTRIBUTES_MAX)
    throw invalidValue(
      `Number of message attributes [${Object.keys(attributes).length}] exceeds the allowed maximum [10].`,
    );
  if (queue.fifo && group === undefined) throw missing("MessageGroupId");
  if (queue.fifo && deduplication === undefined && queue.attributes.ContentBasedDeduplication !== "true") {
    throw invalidValue(
      "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    );
  }
  checkWord("MessageGroupId", group);
  checkWord("MessageDeduplicationId", deduplication);
  const message = queue.add({ body, attributes, group, deduplication });
  return {
    MessageId: message.id,
    MD5OfMessageBody: md5(body),
    ...(queue.fifo ? { SequenceNumber: message.sequenceNumber } : {}),
  };
}

const sendMessage = (request) => send(queueOf(request), request.input);
const sendMessageBatch = (request, { fates }) => {
  const queue = queueOf(request);
  return batch(request.input.Entries, "SendMessageBatchRequestEntry", (entry) => send(queue, entry), fates);
};

const createQueue = (request) => {
  const { QueueName: name = "", Attributes: attributes = {} } = request.input;
  return { QueueUrl: urlOf(request, request.fake.queues.create(name, attributes)) };
};

const getQueueUrl = (request) => {
  const { QueueName: name, QueueOwnerAWSAccountId: owner = ACCOUNT } = request.input;
  if (!name) throw missing("QueueName");
  if (owner !== ACCOUNT) throw request.fake.queues.doesNotExist();
  return { QueueUrl: urlOf(request, request.fake.queues.get(name)) };
};

const getQueueAttributes = (request) => ({
  Attributes: pick(queueOf(request).describe(), request.input.AttributeNames ?? []),
});

const setQueueAttributes = (request) => {
  queueOf(request).set(request.input.Attributes ?? {});
  return {};
};

const deleteQueue = (request) => {
  request.fake.queues.delete(queueOf(request).name);
  return {};
};

const purgeQueue = (request) => {
  queueOf(request).purge();
  return {};
};

const actions = {
  CreateQueue: createQueue,
  DeleteQueue: deleteQueue,
  PurgeQueue: purgeQueue,
  GetQueueUrl: getQueueUrl,
  GetQueueAttributes: getQueueAttributes,
  SetQueueAttributes: setQueueAttributes,
  ReceiveMessage: receiveMessage,
  DeleteMessage: deleteMessage,
  DeleteMessageBatch: deleteMessageBatch,
  ChangeMessageVisibility: changeMessageVisibility,
  ChangeMessageVisibilityBatch: changeMessageVisibilityBatch,
  SendMessage: sendMessage,
  SendMessageBatch: sendMessageBatch,
};

// The codes of the older Query protocol, which SQS still gives in a header where they differ.
const queryCodes = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
  EmptyBatchRequest: "AWS.SimpleQueueService.EmptyBatchRequest",
  TooManyEntriesInBatchRequest: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
  BatchEntryIdsNotDistinct: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
  InvalidBatchEntryId: "AWS.SimpleQueueService.InvalidBatchEntryId",
};

export function sqsError({ code, message, status }) {
  const side = status < 500 ? "Sender" : "Receiver";
  return {
    headers: { "x-amzn-query-error": `${queryCodes[code] ?? code};${side}` },
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }),
  };
}

function parseInput(body) {
  let input;
  try {
    input = JSON.parse(body.toString());
  } catch {
    input = undefined;
  }
  if (input === null || typeof input !== "object")
    throw new Refusal("SerializationException", "The body is no JSON object");
  return input;
}

// prepareSqs returns { commit }, like prepareSns; the result is an object, or a promise of one.
export function prepareSqs(request) {
  const { action } = request;
  if (!Object.hasOwn(actions, action))
    throw new Refusal("InvalidAction", `The action ${action} is not valid for this endpoint.`);
  request.input = parseInput(request.body);
  const { QueueUrl: url, Entries: entries } = request.input;
  request.queueName = typeof url === "string" ? url.split("/").pop() : undefined;
  if (Array.isArray(entries)) request.batch = entries;
  return { commit: (plan = {}) => actions[action](request, plan) };
}
