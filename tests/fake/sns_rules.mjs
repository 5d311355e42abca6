// SPDX-License-Identifier: Apache-2.0
// What SNS asks of a message, with the codes and words it uses. One bad entry refuses the whole batch, as it does
// there. Stricter than what is documented: text that is no UTF-8, and characters that SQS would refuse, are refused
// here too.
import { Refusal, invalidParameter } from "./error.mjs";

export const MAXIMUM_MESSAGE_SIZE = 262144;
const ENTRIES_MAX = 10;
const ATTRIBUTE_NAME_MAX = 256;

const wordPattern = /^[A-Za-z0-9!-/:-@[-`{-~]{1,128}$/;
const idPattern = /^[A-Za-z0-9_-]{1,80}$/;
const typePattern = /^(String|Number|Binary)(\.[^]*)?$/;
const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const subjectPattern = /^[^\x00-\x1f\x7f]{1,99}$/;

const badValue = (message) => new Refusal("ParameterValueInvalid", message);

export const isWord = (text) => wordPattern.test(text);

export function parseArn(text) {
  const parts = text.split(":");
  if (parts.length < 6) throw invalidParameter("TopicArn Reason: An ARN must have at least 6 elements");
  const [arn, , service, region, account, name] = parts;
  const valid =
    arn === "arn" && service === "sns" && /^\d{12}$/.test(account) && isTopicName(name) && parts.length === 6;
  if (!valid) throw invalidParameter("TopicArn");
  return { region, account, name };
}

export const isTopicName = (name) => /^[A-Za-z0-9_-]{1,256}$/.test(name.replace(/\.fifo$/, "")) && name.length <= 256;

function checkAttributeName(name) {
  if (!name) throw badValue("The message attribute name can not be empty.");
  if (name.length > ATTRIBUTE_NAME_MAX) throw badValue("Length of message attribute name must be less than 256 bytes.");
  const bad = /[^A-Za-z0-9_.-]/u.exec(name);
  if (bad) {
    const code = bad[0].codePointAt(0).toString(16);
    throw badValue(
      `Invalid non-alphanumeric character '#x${code}' was found in the message attribute name. ` +
        "Can only include alphanumeric characters, hyphens, underscores, or periods.",
    );
  }
  if (name.startsWith(".")) throw badValue("Invalid message attribute name starting with character '.' was found.");
  if (name.endsWith(".")) throw badValue("Invalid message attribute name ending with character '.' was found.");
  if (name.includes("..")) throw badValue("Message attribute name can not have successive '.' character.");
}

function checkAttributeValue(attribute, kind) {
  const { Name: name, "Value.StringValue": text, "Value.BinaryValue": binary } = attribute;
  const field = kind === "Binary" ? "Binary" : "String";
  const [value, other] = kind === "Binary" ? [binary, text] : [text, binary];
  if (value === undefined && other !== undefined) {
    throw badValue(
      `The message attribute '${name}' with type '${attribute["Value.DataType"]}' must use field '${field}'.`,
    );
  }
  if (!value) {
    throw badValue(
      `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${kind}'.`,
    );
  }
  if (kind === "Number" && !numberPattern.test(value))
    throw badValue(`Could not cast message attribute '${name}' value to number.`);
  if (kind === "Binary" && !base64Pattern.test(value))
    throw badValue(`The message attribute '${name}' is not valid base64.`);
}

function checkAttributes(attributes) {
  for (const attribute of attributes) {
    checkAttributeName(attribute.Name);
    const type = attribute["Value.DataType"];
    if (!type)
      throw badValue(`The message attribute '${attribute.Name}' must contain non-empty message attribute type.`);
    const kind = typePattern.exec(type)?.[1];
    if (!kind) {
      throw badValue(
        `The message attribute '${attribute.Name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
      );
    }
    checkAttributeValue(attribute, kind);
  }
  if (attributes.length > 1 && new Set(attributes.map((attribute) => attribute.Name)).size < attributes.length) {
    throw badValue("Message attribute names must be distinct.");
  }
}

function checkWord(parameter, text) {
  if (!isWord(text)) {
    throw invalidParameter(
      `${parameter} Reason: ${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length`,
    );
  }
}

function checkGrouping(entry, topic) {
  const { MessageGroupId: group, MessageDeduplicationId: deduplication } = entry;
  if (topic.fifo && group === undefined)
    throw invalidParameter("The MessageGroupId parameter is required for FIFO topics");
  if (group !== undefined) checkWord("MessageGroupId", group);
  if (!topic.fifo && deduplication !== undefined) {
    throw invalidParameter(
      "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
    );
  }
  if (deduplication !== undefined) checkWord("MessageDeduplicationId", deduplication);
  if (topic.fifo && deduplication === undefined && !topic.contentBased) {
    throw invalidParameter(
      "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    );
  }
}

function checkStructure({ MessageStructure: structure, Message: message }) {
  if (structure === undefined) return;
  if (structure !== "json") throw invalidParameter("MessageStructure");
  let texts;
  try {
    texts = JSON.parse(message);
  } catch {
    throw invalidParameter("Message Structure - JSON message body failed to parse");
  }
  if (typeof texts?.default !== "string")
    throw invalidParameter("Message Structure - No default entry in JSON message body");
}

// checkMessage throws what SNS would answer to this message on this topic; its size is checked apart from this, since a
// batch is refused for the sum.
export function checkMessage(entry, topic) {
  if (!entry.Message) throw invalidParameter("Empty message");
  if (entry.hasForbidden) throw invalidParameter("Message Reason: it has characters that SQS does not accept");
  if (entry.Subject !== undefined && !subjectPattern.test(entry.Subject)) throw invalidParameter("Subject");
  checkAttributes(entry.attributes);
  checkGrouping(entry, topic);
  checkStructure(entry);
}

export function checkMessageSize(entry, topic) {
  if (entry.size > topic.maximumMessageSize) throw invalidParameter("Message too long");
}

export function checkBatchIds(entries) {
  if (entries.length === 0) throw new Refusal("EmptyBatchRequest", "The batch request doesn't contain any entries.");
  if (entries.length > ENTRIES_MAX) {
    throw new Refusal("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.");
  }
  for (const { Id: id } of entries) {
    if (!idPattern.test(id ?? "")) {
      throw new Refusal(
        "InvalidBatchEntryId",
        "The Id of a batch entry in a batch request doesn't abide by the specification.",
      );
    }
  }
  if (new Set(entries.map((entry) => entry.Id)).size < entries.length) {
    throw new Refusal("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.");
  }
}

export function checkBatchSize(entries, topic) {
  let size = 0;
  for (const entry of entries) size += entry.size;
  if (size > topic.maximumMessageSize) {
    throw new Refusal("BatchRequestTooLong", "The length of all the messages put together is more than the limit.");
  }
}
