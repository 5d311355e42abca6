// SPDX-License-Identifier: Apache-2.0
// SNS's actions about subscriptions. Queues are confirmed at once, like those of one's own account; protocols email and
// https stay unconfirmed for ever, as nobody is there who could confirm, and get nothing.
import { randomUUID } from "node:crypto";
import { Refusal, invalidParameter } from "./error.mjs";
import { numbered } from "./form.mjs";
import { element, mapXml } from "./xml.mjs";

const PAGE = 100;
const queuePattern = /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?$/;
const unconfirmed = { email: /^[^@\s]+@[^@\s]+$/, https: /^https:\/\// };
const accountOf = (topic) => topic.arn.split(":")[4];

// Filter policies are not here, and are not ignored in silence either.
function readSubscription({ RawMessageDelivery = "false", RedrivePolicy, ...others }) {
  if (Object.keys(others).length > 0)
    throw invalidParameter(`Attributes Reason: the fake does not know ${Object.keys(others)}`);
  if (!/^(true|false)$/i.test(RawMessageDelivery))
    throw invalidParameter("Attributes Reason: RawMessageDelivery: Invalid value");
  return { raw: RawMessageDelivery.toLowerCase() === "true", redrive: RedrivePolicy };
}

function checkEndpoint(protocol, endpoint, topic) {
  const pattern = protocol === "sqs" ? queuePattern : unconfirmed[protocol];
  if (!pattern) throw invalidParameter("the fake knows the protocols sqs, email and https only");
  if (!pattern.test(endpoint))
    throw invalidParameter(protocol === "sqs" ? "SQS endpoint ARN" : `${protocol} endpoint`);
  if (topic.fifo && protocol !== "sqs")
    throw invalidParameter("Invalid parameter: Invalid protocol type: " + protocol);
  if (endpoint.endsWith(".fifo") && !topic.fifo) {
    throw invalidParameter(
      "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
    );
  }
}

// An action on a topic that is there.
export const onTopic = (action) => (request) => {
  const topic = request.fake.topics.get(request.form.parameters.TopicArn, request.region);
  return { topic, commit: () => action(topic, request) };
};

export const subscribe = onTopic((topic, { form: { parameters } }) => {
  const { raw, redrive } = readSubscription(numbered(parameters, "Attributes.entry"));
  const { Protocol: protocol = "", Endpoint: endpoint = "" } = parameters;
  checkEndpoint(protocol, endpoint, topic);
  let subscription = topic.subscriptions.find((known) => known.endpoint === endpoint);
  if (subscription && subscription.raw !== raw) {
    throw invalidParameter("Attributes Reason: Subscription already exists with different attributes");
  }
  if (!subscription) {
    subscription = { arn: `${topic.arn}:${randomUUID()}`, endpoint, raw, redrive };
    if (protocol !== "sqs") Object.assign(subscription, { protocol, pending: true });
    topic.subscriptions.push(subscription);
  }
  return element("SubscriptionArn", subscription.pending ? "pending confirmation" : subscription.arn);
});

const topicOfSubscription = (fake, arn) =>
  fake.topics.all().find((topic) => topic.subscriptions.some((known) => known.arn === arn));

export function unsubscribe({ fake, form: { parameters } }) {
  const topic = topicOfSubscription(fake, parameters.SubscriptionArn);
  const commit = () => {
    if (topic) topic.subscriptions = topic.subscriptions.filter((known) => known.arn !== parameters.SubscriptionArn);
    return "";
  };
  return { topic, commit };
}

export function getSubscriptionAttributes({ fake, form: { parameters } }) {
  const asked = parameters.SubscriptionArn ?? "";
  if (asked.split(":").length < 7)
    throw invalidParameter("SubscriptionArn Reason: An ARN must have at least 6 elements");
  const topic = topicOfSubscription(fake, asked);
  if (!topic) throw new Refusal("NotFound", "Subscription does not exist", 404);
  const { arn, endpoint, raw, redrive, protocol, pending } = topic.subscriptions.find((known) => known.arn === asked);
  const attributes = {
    SubscriptionArn: arn,
    TopicArn: topic.arn,
    Protocol: protocol ?? "sqs",
    Endpoint: endpoint,
    Owner: accountOf(topic),
    RawMessageDelivery: String(raw),
    PendingConfirmation: String(Boolean(pending)),
    ConfirmationWasAuthenticated: "true",
    ...(redrive === undefined ? {} : { RedrivePolicy: redrive }),
  };
  return { topic, commit: () => mapXml("Attributes", attributes) };
}

const memberXml = (topic, { arn, endpoint, protocol, pending }) =>
  `<member>${element("SubscriptionArn", pending ? "PendingConfirmation" : arn)}${element("Owner", accountOf(topic))}` +
  `${element("Protocol", protocol ?? "sqs")}${element("Endpoint", endpoint)}${element("TopicArn", topic.arn)}</member>`;

// A page at a time; the token of the next one says nothing to a client.
export const listSubscriptionsByTopic = onTopic((topic, { form: { parameters } }) => {
  const token = parameters.NextToken ?? "";
  const from = token === "" ? 0 : Number(Buffer.from(token, "base64").toString());
  if (!Number.isInteger(from) || from < 0) throw invalidParameter("NextToken Reason: Invalid token");
  const members = topic.subscriptions.slice(from, from + PAGE).map((subscription) => memberXml(topic, subscription));
  const more = topic.subscriptions.length > from + PAGE;
  const next = more ? element("NextToken", Buffer.from(String(from + PAGE)).toString("base64")) : "";
  return `<Subscriptions>${members.join("")}</Subscriptions>${next}`;
});
