// SPDX-License-Identifier: Apache-2.0
// Calls an action of the strict fake, signed with key local: `node fake_call.mjs PORT sns|sqs ACTION JSON`. The JSON is
// the input of SQS, or names and values of SNS's form. Prints the answer's body; fails when it is an error.
import { Client } from "../fake/test/client.mjs";

const [, , port, service, action, input] = process.argv;
const client = new Client(Number(port));
const answer = await client[service](action, JSON.parse(input));
client.close();
if (answer.status !== 200) {
  console.error(`${action}: HTTP ${answer.status}: ${answer.body}`);
  process.exitCode = 1;
}
console.log(answer.body);
