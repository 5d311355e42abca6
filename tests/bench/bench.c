// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int64_t bench_now_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t bench_cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

_Noreturn void bench_die(const char *what, const char *detail) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, detail);
    exit(1);
}

void *bench_allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        bench_die("calloc", strerror(errno));
    }
    return memory;
}

static int compare(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void bench_sort(int64_t *values, size_t count) {
    if (count > 0) {
        qsort(values, count, sizeof *values, compare);
    }
}

double bench_percentile_ms(const int64_t *sorted, size_t count, double percent) {
    size_t index = (size_t)((double)count * percent / 100);
    index = index < count ? index : count - 1;
    return count > 0 ? (double)sorted[index] / 1000 : 0;
}

int64_t bench_number(const char *text, int64_t most) {
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 0 || number > most) {
        fprintf(stderr, "%s: \"%s\" is not a number from 0 to %" PRId64 "\n", program_invocation_short_name,
                text, most);
        exit(2);
    }
    return number;
}

_Noreturn void bench_refuse(const char *usage) {
    fprintf(stderr, "usage: %s %s\n", program_invocation_short_name, usage);
    exit(2);
}

static const struct bench_option *find(const struct bench_option *options, const char *name) {
    while (options->name != NULL && strcmp(options->name, name) != 0) {
        options++;
    }
    return options->name != NULL ? options : NULL;
}

static int value_count(const struct bench_option *option) {
    return option->flag != NULL ? 0 : option->texts > 0 ? option->texts : 1;
}

void bench_options(const struct bench_option *options, const char *usage, int argc, char **argv, int first) {
    for (int index = first; index < argc; index++) {
        const struct bench_option *option = find(options, argv[index]);
        if (option == NULL || index + value_count(option) >= argc) {
            bench_refuse(usage);
        }
        if (option->flag != NULL) {
            *option->flag = true;
        } else if (option->number != NULL) {
            *option->number = bench_number(argv[++index], INT64_MAX);
        } else {
            for (int text = 0; text < value_count(option); text++) {
                option->text[text] = argv[++index];
            }
        }
    }
}
