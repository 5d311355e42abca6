// SPDX-License-Identifier: Apache-2.0
// How much at a time, and how long to rest: pure arithmetic, times in microseconds.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STEPS_LEAST = 100, STEPS_FIRST = 2000, STEPS_MOST = 10000 };

// steps_next is how many rows the next step of pruning may delete, when the last one was allowed `most` and
// took so long: a step should take some 20 to 50 ms, so that what waits for its locks or its I/O waits no
// longer.
int steps_next(int most, int64_t took_us);

// steps_rest is how long to rest after a step: so long that pruning takes at most a sixth of the time of one
// of the server's processes and, for the log that each row writes and the vacuum that it asks for, deletes at
// most 10,000 rows a second; less still while events are `urgent`.
int64_t steps_rest(int64_t took_us, int64_t rows, bool urgent);

// steps_between_passes is how long after one pass the next begins: hourly, oftener where events are kept so
// briefly that an hour matters.
int64_t steps_between_passes(int64_t retention_us);

// steps_read_again is how long after a reading the next may come, at least `interval_us`: what is slow to
// read is read seldom, so that reading takes at most a fiftieth of one process's time.
int64_t steps_read_again(int64_t took_us, int64_t interval_us);
