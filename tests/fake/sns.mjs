// SPDX-License-Identifier: Apache-2.0
// SNS's actions. Each is prepared first, which checks everything and changes nothing, and returns the function that
// then does it: a fault may come between the two, or strike after it.
import { Refusal, invalidParameter } from "./error.mjs";
import { numbered } from "./form.mjs";
import { checkBatchIds, checkBatchSize, checkMessage, checkMessageSize } from "./sns_rules.mjs";
import {
  getSubscriptionAttributes,
  listSubscriptionsByTopic,
  onTopic,
  subscribe,
  unsubscribe,
} from "./subscriptions.mjs";
import { element, mapXml } from "./xml.mjs";

function publishBatch({ fake, form, region }) {
  const topic = fake.topics.get(form.parameters.TopicArn, region);
  checkBatchIds(form.entries);
  for (const entry of form.entries) checkMessage(entry, topic);
  checkBatchSize(form.entries, topic);
  return { topic, entries: form.entries, commit: (plan) => commitBatch(fake, topic, form.entries, plan) };
}

function receiptXml({ messageId, sequenceNumber }) {
  const sequence = sequenceNumber === undefined ? "" : `<SequenceNumber>${sequenceNumber}</SequenceNumber>`;
  return `<MessageId>${messageId}</MessageId>${sequence}`;
}

const failureXml = ({ Id: id }, { code, message, senderFault }) =>
  `<member>${element("Id", id)}${element("Code", code)}${element("Message", message)}` +
  `${element("SenderFault", senderFault)}</member>`;

// What a fault has in store for an entry is decided before (faults.mjs); here it is carried out.
function commitBatch(fake, topic, entries, plan) {
  let successful = "";
  let failed = "";
  fake.journal.begin();
  for (const entry of entries) {
    const fate = plan.fates?.get(entry);
    if (fate?.kind === "fail_entry") {
      failed += failureXml(entry, fate);
      continue;
    }
    if (fate?.kind === "omit_entry" && !fate.published) continue;
    const receipt = fake.topics.publish(topic, entry);
    fake.journal.accepted(topic, entry, receipt, fate ? "omitted" : plan.answer);
    if (!fate) successful += `<member><Id>${entry.Id}</Id>${receiptXml(receipt)}</member>`;
  }
  fake.journal.end();
  return `<Failed>${failed}</Failed><Successful>${successful}</Successful>`;
}

function publish({ fake, form, region }) {
  const entry = form.own;
  const topic = fake.topics.get(form.parameters.TopicArn ?? form.parameters.TargetArn, region);
  checkMessage(entry, topic);
  checkMessageSize(entry, topic);
  const commit = (plan) => {
    const fate = plan.fates?.get(entry);
    if (fate?.kind === "fail_entry") throw new Refusal(fate.code, fate.message);
    fake.journal.begin();
    const receipt = fake.topics.publish(topic, entry);
    fake.journal.accepted(topic, entry, receipt, plan.answer);
    fake.journal.end();
    return receiptXml(receipt);
  };
  return { topic, entries: [entry], commit };
}

function createTopic({ fake, form, region = "us-east-1" }) {
  const attributes = numbered(form.parameters, "Attributes.entry");
  const commit = () => element("TopicArn", fake.topics.create(form.parameters.Name ?? "", region, attributes).arn);
  return { commit };
}

const getTopicAttributes = onTopic((topic) => mapXml("Attributes", topic.describe()));

const setTopicAttributes = onTopic((topic, { form: { parameters } }) => {
  topic.set({ [parameters.AttributeName]: parameters.AttributeValue ?? "" });
  return "";
});

const deleteTopic = onTopic((topic, { fake }) => {
  fake.topics.delete(topic.arn);
  return "";
});

function listTopics({ fake }) {
  const members = fake.topics.all().map((topic) => `<member>${element("TopicArn", topic.arn)}</member>`);
  return { commit: () => `<Topics>${members.join("")}</Topics>` };
}

const actions = {
  Publish: publish,
  PublishBatch: publishBatch,
  CreateTopic: createTopic,
  DeleteTopic: deleteTopic,
  GetTopicAttributes: getTopicAttributes,
  SetTopicAttributes: setTopicAttributes,
  Subscribe: subscribe,
  Unsubscribe: unsubscribe,
  GetSubscriptionAttributes: getSubscriptionAttributes,
  ListSubscriptionsByTopic: listSubscriptionsByTopic,
  ListTopics: listTopics,
};

// prepareSns returns { topic, entries, commit }; commit(plan) does it and returns the result's XML.
export function prepareSns(request) {
  const { Action: action, Version: version } = request.form.parameters;
  if (!action) throw new Refusal("MissingAction", "The request is missing an action.");
  if (!Object.hasOwn(actions, action) || version !== "2010-03-31") {
    throw new Refusal("InvalidAction", `Could not find operation ${action} for version ${version}`);
  }
  if (request.form.malformed) {
    throw invalidParameter("Reason: the form is not percent-encoded UTF-8, or names a parameter twice");
  }
  return actions[action](request);
}
