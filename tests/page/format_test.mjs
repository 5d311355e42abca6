// SPDX-License-Identifier: Apache-2.0
// Tests of relay/admin/page/format.mjs: what people read, in English.
import assert from "node:assert/strict";
import test from "node:test";
import { ago, big, bytes, count, duration, moment, percent, plural, rate } from "../../relay/admin/page/format.mjs";

const reads = (format, cases) => () => {
  for (const [value, expected] of cases) assert.equal(format(value), expected, `of ${value}`);
};
const nothing = [[null, "–"], [undefined, "–"], [NaN, "–"], ["7", "–"]];

test("durations have the units of their size", reads(duration, [
  [0, "0 s"], [-1, "0 s"], [0.0000004, "0 ms"], [0.00175, "1.8 ms"], [0.0099, "9.9 ms"], [0.00996, "10 ms"], [0.9994, "999 ms"],
  [0.9996, "1 s"], [3.25, "3.3 s"], [9.96, "10 s"], [59.4, "59 s"], [59.6, "1 min"], [310, "5 min 10 s"], [3599, "59 min 59 s"],
  [3600, "1 h"], [5400, "1 h 30 min"], [86400, "1 d"], [187200, "2 d 4 h"], ...nothing]));
test("counts are whole", reads(count, [[0, "0"], [1234567, "1,234,567"], ...nothing]));
test("big numbers are short", reads(big, [[999999, "999,999"], [1250000, "1.3M"], ...nothing]));
test("small rates have a fraction", reads(rate, [[0, "0"], [0.25, "0.3"], [9.94, "9.9"], [230.4, "230"], ...nothing]));
test("bytes are decimal", reads(bytes, [[0, "0 B"], [999, "999 B"], [1834512384, "1.8 GB"], [5e15, "5,000 TB"], ...nothing]));
test("ratios are percents", reads(percent, [[0.997, "100 %"], [0.5, "50 %"], ...nothing]));
test("nouns have a plural", () => {
  assert.deepEqual([plural(0, "event"), plural(1, "event"), plural(2, "event")], ["0 events", "1 event", "2 events"]);
});
test("times are told by their age", () => {
  const now = new Date("2026-01-31T12:00:00Z");
  const at = (text) => ago(new Date(text), now);
  assert.deepEqual(
    ["2026-01-31T12:00:09Z", "2026-01-31T11:59:56Z", "2026-01-31T11:59:30Z", "2026-01-31T11:00:01Z", "2026-01-30T11:00:00Z", "2026-01-01T00:00:00Z"].map(at),
    ["just now", "just now", "30 s ago", "59 min ago", "25 h ago", "30 d ago"]);
});
test("what is no time is none", () => {
  assert.deepEqual([moment(null), moment(undefined), moment("never")], [null, null, null]);
  assert.equal(moment("2026-01-31T12:34:56.789Z").getTime(), 1769862896789);
});
