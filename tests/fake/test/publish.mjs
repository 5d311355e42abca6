// SPDX-License-Identifier: Apache-2.0
// What SNS refuses, and that a batch is refused whole. Every case is a message that stands second in a batch, after a
// good one, and alone in a Publish.
import assert from "node:assert/strict";
import { Raw, failed, successful, text } from "./client.mjs";
import { assertRefused, test } from "./harness.mjs";

const good = { Message: "good", attributes: [["event-type", "String", "order.created"]] };
const attribute = (...attributes) => ({ Message: "bad", attributes });
const long = (length) => "x".repeat(length);

const badMessages = [
  ["an empty message", { Message: "" }, "InvalidParameter", /^Invalid parameter: Empty message$/],
  ["no message", {}, "InvalidParameter", /Empty message/],
  ["text that is no UTF-8", { Message: new Raw("a%ffb") }, "InvalidParameter", /UTF-8/],
  ["half a surrogate pair", { Message: new Raw("%ed%a0%80") }, "InvalidParameter", /UTF-8/],
  ["an overlong form", { Message: new Raw("%c0%af") }, "InvalidParameter", /UTF-8/],
  ["a broken percent sign", { Message: new Raw("a%4") }, "InvalidParameter", /UTF-8/],
  ["a percent sign with other letters", { Message: new Raw("a%4xb") }, "InvalidParameter", /UTF-8/],
  ["a control character", { Message: "a\u0001b" }, "InvalidParameter", /characters/],
  ["a zero", { Message: "a\u0000b" }, "InvalidParameter", /characters/],
  ["U+FFFE", { Message: "a\ufffeb" }, "InvalidParameter", /characters/],
  ["a control character in an attribute", attribute(["a", "String", "x\u0002"]), "InvalidParameter", /characters/],
  [
    "a type that is none",
    attribute(["a", "Text", "x"]),
    "ParameterValueInvalid",
    /'a' has an invalid message attribute type/,
  ],
  [
    "a type that only begins right",
    attribute(["a", "Stringy", "x"]),
    "ParameterValueInvalid",
    /invalid message attribute type/,
  ],
  ["an empty type", attribute(["a", "", "x"]), "ParameterValueInvalid", /non-empty message attribute type/],
  [
    "an empty value",
    attribute(["a", "String", ""]),
    "ParameterValueInvalid",
    /must contain non-empty message attribute value/,
  ],
  [
    "the wrong field",
    attribute(["a", "Binary", "eA==", "StringValue"]),
    "ParameterValueInvalid",
    /must use field 'Binary'/,
  ],
  ["a number that is none", attribute(["a", "Number", "12a"]), "ParameterValueInvalid", /to number/],
  ["binary that is no base64", attribute(["a", "Binary", "e*"]), "ParameterValueInvalid", /base64/],
  ["a name with a space", attribute(["a b", "String", "x"]), "ParameterValueInvalid", /'#x20'/],
  [
    "a name that begins with a dot",
    attribute([".a", "String", "x"]),
    "ParameterValueInvalid",
    /starting with character '\.'/,
  ],
  [
    "a name that ends with a dot",
    attribute(["a.", "String", "x"]),
    "ParameterValueInvalid",
    /ending with character '\.'/,
  ],
  ["a name with two dots", attribute(["a..b", "String", "x"]), "ParameterValueInvalid", /successive/],
  ["a name that is too long", attribute([long(257), "String", "x"]), "ParameterValueInvalid", /256 bytes/],
  [
    "two attributes of one name",
    attribute(["a", "String", "x"], ["a", "String", "y"]),
    "ParameterValueInvalid",
    /distinct/,
  ],
  [
    "a deduplication id on a standard topic",
    { Message: "bad", MessageDeduplicationId: "d" },
    "InvalidParameter",
    /MessageDeduplicationId Reason: .*not valid for this topic type/,
  ],
  ["a group id with a space", { Message: "bad", MessageGroupId: "a b" }, "InvalidParameter", /MessageGroupId Reason/],
  [
    "a group id of 129 characters",
    { Message: "bad", MessageGroupId: long(129) },
    "InvalidParameter",
    /MessageGroupId Reason/,
  ],
  ["an empty group id", { Message: "bad", MessageGroupId: "" }, "InvalidParameter", /MessageGroupId Reason/],
  ["a group id beyond ASCII", { Message: "bad", MessageGroupId: "é" }, "InvalidParameter", /MessageGroupId Reason/],
  ["an empty subject", { Message: "bad", Subject: "" }, "InvalidParameter", /^Invalid parameter: Subject$/],
  ["a subject of 100 characters", { Message: "bad", Subject: long(100) }, "InvalidParameter", /Subject/],
  ["a subject with a line break", { Message: "bad", Subject: "a\nb" }, "InvalidParameter", /Subject/],
  ["a structure that is none", { Message: "bad", MessageStructure: "xml" }, "InvalidParameter", /MessageStructure/],
  ["a structure that is no JSON", { Message: "bad", MessageStructure: "json" }, "InvalidParameter", /failed to parse/],
  ["a structure without default", { Message: "{}", MessageStructure: "json" }, "InvalidParameter", /No default entry/],
];

const goodMessages = [
  ["tab, line feed, carriage return", { Message: "a\t\n\r" }],
  ["text of every length of UTF-8", { Message: "aé€𝄞" }],
  ["a plus sign is a space", { Message: new Raw("a+b") }],
  ["numbers", attribute(["a", "Number", "-1.5e3"])],
  ["custom types", attribute(["a", "String.Array", "[1]"], ["b", "Number.int", "1"], ["c", "Binary.gz", "eA=="])],
  ["a name of 256 characters", attribute([long(256), "String", "x"])],
  ["a group id on a standard topic", { Message: "m", MessageGroupId: "!order-1~" }],
  ["a group id of 128 characters", { Message: "m", MessageGroupId: long(128) }],
  ["a subject of 99 characters", { Message: "m", Subject: long(99) }],
  ["a structure with default", { Message: '{"default":"x"}', MessageStructure: "json" }],
];

async function testMessages(fake, topic) {
  const { client } = fake;
  for (const [name, message, code, pattern] of badMessages) {
    await test(`refused: ${name}`, async () => {
      const { accepted } = await fake.stats();
      assertRefused(await client.publishBatch(topic, [good, message]), code, pattern);
      assertRefused(await client.publish(topic, message), code, pattern);
      assert.equal((await fake.stats()).accepted, accepted);
    });
  }
  for (const [name, message] of goodMessages) {
    await test(`accepted: ${name}`, async () => {
      const answer = await client.publishBatch(topic, [good, message]);
      assert.equal(answer.status, 200, answer.body);
      assert.deepEqual(
        successful(answer).map((member) => Object.keys(member)),
        [
          ["Id", "MessageId"],
          ["Id", "MessageId"],
        ],
      );
      assert.deepEqual(failed(answer), []);
      assert.equal((await client.publish(topic, message)).status, 200);
    });
  }
}

async function testBatches(client, topic) {
  const batch = (...messages) => client.publishBatch(topic, messages);
  const many = (count) => Array.from({ length: count }, () => good);
  await test("ten entries, and no more", async () => {
    assert.equal(successful(await batch(...many(10))).length, 10);
    assertRefused(await batch(...many(11)), "TooManyEntriesInBatchRequest");
  });
  await test("no entries", async () => assertRefused(await batch(), "EmptyBatchRequest"));
  await test("two entries of one id", async () =>
    assertRefused(await batch({ ...good, Id: "a" }, { ...good, Id: "a" }), "BatchEntryIdsNotDistinct"));
  await test("ids", async () => {
    for (const id of ["", "a.b", "a b", "é", long(81)])
      assertRefused(await batch({ ...good, Id: id }), "InvalidBatchEntryId");
    assert.equal(successful(await batch({ ...good, Id: "_-aZ9" + long(75) })).length, 1);
  });
  await test("an entry without an id", async () =>
    assertRefused(await batch({ ...good, Id: undefined }), "InvalidBatchEntryId"));
  await test("a parameter that comes twice", async () =>
    assertRefused(await client.publish(topic, { Message: new Raw("a&Message=b") }), "InvalidParameter", /twice/));
}

async function testSizes(fake) {
  const { client } = fake;
  const topic = fake.topic("events");
  const limit = 262144;
  const extra = ["name", "String", "value"]; // 15 bytes
  await test("one message of just the limit, and of a byte more", async () => {
    assert.equal((await client.publish(topic, { Message: long(limit - 15), attributes: [extra] })).status, 200);
    assertRefused(
      await client.publish(topic, { Message: long(limit - 14), attributes: [extra] }),
      "InvalidParameter",
      /^Invalid parameter: Message too long$/,
    );
  });
  await test("bytes are counted, not characters", async () => {
    assert.equal((await client.publish(topic, { Message: "é".repeat(limit / 2) })).status, 200);
    assertRefused(
      await client.publish(topic, { Message: "é".repeat(limit / 2) + "x" }),
      "InvalidParameter",
      /too long/,
    );
  });
  await test("binary values count as what they decode to", async () => {
    const binary = ["b", "Binary", Buffer.alloc(90).toString("base64")]; // 97 bytes
    assert.equal((await client.publish(topic, { Message: long(limit - 97), attributes: [binary] })).status, 200);
    assertRefused(
      await client.publish(topic, { Message: long(limit - 96), attributes: [binary] }),
      "InvalidParameter",
      /too long/,
    );
  });
  await test("a batch is measured as a sum, with attributes", async () => {
    const half = { Message: long(limit / 2 - 15), attributes: [extra] };
    assert.equal(successful(await client.publishBatch(topic, [half, half])).length, 2);
    assertRefused(
      await client.publishBatch(topic, [half, { ...half, Message: half.Message + "x" }]),
      "BatchRequestTooLong",
      /put together/,
    );
  });
  await test("a topic may allow more, or less", async () => {
    for (const [name, size] of [
      ["large", 1048576],
      ["small", 1024],
    ]) {
      const { json } = await client.control("POST", "topics", {
        name,
        attributes: { MaximumMessageSize: String(size) },
      });
      assert.equal((await client.publishBatch(json.TopicArn, [{ Message: long(size) }])).status, 200);
      assertRefused(
        await client.publishBatch(json.TopicArn, [{ Message: long(size) }, { Message: "x" }]),
        "BatchRequestTooLong",
      );
    }
  });
}

async function testTopics(fake) {
  const { client } = fake;
  await test("an ARN of too few parts", async () =>
    assertRefused(
      await client.publish("events", good),
      "InvalidParameter",
      /^Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements$/,
    ));
  await test("an ARN of another kind", async () => {
    for (const arn of [
      "arn:aws:sqs:us-east-1:000000000000:q",
      "arn:aws:sns:us-east-1:1:t",
      "arn:aws:sns:us-east-1:000000000000:a.b",
    ]) {
      assertRefused(await client.publish(arn, good), "InvalidParameter", /TopicArn/);
    }
  });
  await test("no ARN", async () =>
    assertRefused(
      await client.sns("Publish", { Message: "m" }),
      "InvalidParameter",
      /no value for required parameter/,
    ));
  await test("actions and versions that are not there", async () => {
    assertRefused(await client.sns("Vanish", {}), "InvalidAction");
    assertRefused(await client.sns("ListTopics", { Version: "2009-01-01" }), "InvalidAction");
    assertRefused(await client.sns(undefined, {}), "MissingAction");
  });
  await test("CreateTopic can be repeated, and not with other attributes", async () => {
    const create = (attribute, value) =>
      client.sns("CreateTopic", {
        Name: "made",
        "Attributes.entry.1.key": attribute,
        "Attributes.entry.1.value": value,
      });
    assert.equal(text((await create("MaximumMessageSize", "2048")).body, "TopicArn"), fake.topic("made"));
    assert.equal((await create("MaximumMessageSize", "2048")).status, 200);
    assertRefused(await create("MaximumMessageSize", "4096"), "InvalidParameter", /different attributes/);
  });
  await test("names and attributes of topics", async () => {
    assertRefused(await client.sns("CreateTopic", { Name: "a.b" }), "InvalidParameter", /Topic Name/);
    assertRefused(await client.sns("CreateTopic", { Name: "a.fifo" }), "InvalidParameter", /Topic Name/);
    const set = (name, value) =>
      client.sns("SetTopicAttributes", { TopicArn: fake.topic("made"), AttributeName: name, AttributeValue: value });
    assertRefused(await set("MaximumMessageSize", "1023"), "InvalidParameter");
    assertRefused(await set("Colour", "red"), "InvalidParameter");
    assert.equal((await set("MaximumMessageSize", "1048576")).status, 200);
    const answer = await client.sns("GetTopicAttributes", { TopicArn: fake.topic("made") });
    assert.match(answer.body, /<key>MaximumMessageSize<\/key><value>1048576<\/value>/);
    assert.doesNotMatch(answer.body, /FifoTopic/);
  });
  await test("answers escape what XML requires", async () => {
    await client.sns("SetTopicAttributes", {
      TopicArn: fake.topic("made"),
      AttributeName: "DisplayName",
      AttributeValue: "<&>",
    });
    assert.match(
      (await client.sns("GetTopicAttributes", { TopicArn: fake.topic("made") })).body,
      /<value>&lt;&amp;&gt;</,
    );
  });
}

export async function run(fake) {
  await testMessages(fake, fake.topic("events"));
  await testBatches(fake.client, fake.topic("events"));
  await testSizes(fake);
  await testTopics(fake);
}
