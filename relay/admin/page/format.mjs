// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them, in the browser's language.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
export const NOTHING = "–";

const is_number = (value) => typeof value === "number" && Number.isFinite(value);

export function count(value) {
  return is_number(value) ? whole.format(value) : NOTHING;
}

// For the big numbers: all digits up to a million.
export function big(value) {
  return is_number(value) && Math.abs(value) >= 1e6 ? short.format(value) : count(value);
}

// A rate, per second.
export function rate(value) {
  if (!is_number(value)) return NOTHING;
  return value < 10 ? tenths.format(value) : whole.format(value);
}

// duration(SECONDS): two units at most, as "1.4 ms", "3.2 s", "5 min 10 s", "2 d 4 h".
export function duration(seconds) {
  if (!is_number(seconds)) return NOTHING;
  const length = Math.max(0, seconds);
  if (length === 0) return "0 s";
  if (length < 0.9995) return `${(length < 0.00995 ? tenths : whole).format(length * 1000)} ms`;
  if (length < 9.95) return `${tenths.format(length)} s`;
  if (length < 59.5) return `${whole.format(length)} s`;
  if (length < HOUR) return pair(Math.round(length), MINUTE, "min", 1, "s");
  if (length < DAY) return pair(Math.round(length), HOUR, "h", MINUTE, "min");
  return pair(Math.round(length), DAY, "d", HOUR, "h");
}

function pair(seconds, unit, name, smaller, smaller_name) {
  const first = Math.floor(seconds / unit);
  const second = Math.floor((seconds % unit) / smaller);
  return `${whole.format(first)} ${name}${second ? ` ${second} ${smaller_name}` : ""}`;
}

export function bytes(value) {
  if (!is_number(value)) return NOTHING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let index = 0;
  let rest = value;
  while (rest >= 1000 && index < units.length - 1) {
    rest /= 1000;
    index += 1;
  }
  return `${rest < 10 ? tenths.format(rest) : whole.format(rest)} ${units[index]}`;
}

export function percent(ratio) {
  return is_number(ratio) ? `${whole.format(ratio * 100)} %` : NOTHING;
}

// Moments are Dates; what is no moment becomes null.
export function moment(text) {
  const date = new Date(text ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function exact(date) {
  return exactly.format(date);
}

export function time_of_day(date) {
  return clock.format(date);
}

// ago(DATE, NOW): "just now", "3 min ago"; only the largest unit, for it changes all the time.
export function ago(date, now) {
  const seconds = (now - date) / 1000;
  if (seconds < 5) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} d ago`;
}

// How many of something, in words: plural(1, "event") is "1 event".
export function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
