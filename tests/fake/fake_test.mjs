// SPDX-License-Identifier: Apache-2.0
// Tests of the fake itself: `node tests/fake/fake_test.mjs [FILE...]` runs the files in test/ against fakes of their
// own, each rule and each fault, with a client that signs by itself. The last line counts.
import { Fake, finish } from "./test/harness.mjs";

const all = ["signatures", "publish", "fifo", "delivery", "queues", "subscriptions", "sts", "faults", "control"];
const [, , ...chosen] = process.argv;

for (const name of chosen.length > 0 ? chosen : all) {
  const { run } = await import(`./test/${name}.mjs`);
  const fake = await new Fake().start();
  await run(fake);
  await fake.end();
}
finish();
