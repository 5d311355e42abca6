// SPDX-License-Identifier: Apache-2.0
// What the programs of this folder share: clocks, their own cost, percentiles and the command line.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// bench_now_us is what the clock says, in microseconds.
int64_t bench_now_us(clockid_t clock);

// bench_cpu_us is the CPU time of this process so far.
int64_t bench_cpu_us(void);

// bench_die ends the program: "PROGRAM: WHAT: DETAIL".
_Noreturn void bench_die(const char *what, const char *detail);

// bench_allocate is calloc that does not fail.
void *bench_allocate(size_t count, size_t size);

void bench_sort(int64_t *values, size_t count);

// bench_percentile_ms: of sorted microseconds the one that `percent` of them do not exceed, in milliseconds;
// 0 of none.
double bench_percentile_ms(const int64_t *sorted, size_t count, double percent);

// An option "--name" has a value, a number from 0 or a text, or is a flag: where it goes is what is not NULL.
struct bench_option {
    const char *name;
    int64_t *number;
    const char **text;
    int texts; // how many texts follow each other: 0 is 1
    bool *flag;
};

// bench_refuse ends the program with the usage.
_Noreturn void bench_refuse(const char *usage);

// bench_options reads the arguments from argv[first] on; the table ends with a name that is NULL. What is
// wrong ends the program with the usage.
void bench_options(const struct bench_option *options, const char *usage, int argc, char **argv, int first);

// bench_number is the number that the text is, from 0 to `most`; anything else ends the program.
int64_t bench_number(const char *text, int64_t most);
