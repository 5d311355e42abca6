// SPDX-License-Identifier: Apache-2.0
// What a message becomes on its way into a queue: itself (raw), or an envelope.

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

export function rawMessage(entry, receipt) {
  return { body: textForSqs(entry), attributes: attributesForSqs(entry, sqsAttribute), ...grouping(receipt) };
}

// The signature of a standard topic's envelope is a placeholder: its certificate would have to come from AWS.
export function envelope(topic, entry, receipt, subscription, now) {
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
