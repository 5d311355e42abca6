// SPDX-License-Identifier: Apache-2.0
// The fake's time. What AWS measures in minutes (deduplication, visibility) runs on a clock that a test moves forward.
// Signatures are held against another one, since a client under test signs with the machine's: its offset is a clock
// that goes wrong, and the Date header shows it.

export class Clock {
  #advanced = 0;
  #skew = 0;
  #watchers = new Set();

  now() {
    return Date.now() + this.#advanced;
  }

  advance(milliseconds) {
    this.#advanced += milliseconds;
    for (const watcher of this.#watchers) watcher();
  }

  onAdvance(watcher) {
    this.#watchers.add(watcher);
  }

  signatureNow() {
    return Date.now() + this.#skew;
  }

  setSkew(milliseconds) {
    this.#skew = milliseconds;
  }

  save() {
    return { advanced: this.#advanced };
  }

  load({ advanced }) {
    this.#advanced = advanced;
  }

  describe() {
    return { now: new Date(this.now()).toISOString(), advanced_ms: this.#advanced, skew_ms: this.#skew };
  }
}

// CLOCK_MONOTONIC in microseconds, as other processes of this machine read it.
export function monotonicMicroseconds() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1000);
}
