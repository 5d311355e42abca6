// SPDX-License-Identifier: Apache-2.0
// Keeps topics, what they remember, and queues in a file, so that a fake that goes away comes back as it was. A fake
// that is killed has saved nothing since the last POST /_fake/save.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export function saveState({ options, clock, topics, queues }) {
  const state = { clock: clock.save(), topics: topics.save(), queues: queues.save() };
  writeFileSync(`${options.state}.new`, JSON.stringify(state));
  renameSync(`${options.state}.new`, options.state);
}

export function loadState({ options, clock, topics, queues }) {
  if (!existsSync(options.state)) return;
  const state = JSON.parse(readFileSync(options.state, "utf8"));
  clock.load(state.clock);
  topics.load(state.topics);
  queues.load(state.queues);
}
