// SPDX-License-Identifier: Apache-2.0
// Runs events through functions in SQL, for tests and measurements: sql_driver [--all] [SETTING...]
// FUNCTION... Events are lines of JSON on standard input (--all: read to their end before anything else),
// settings those of consume. Every function is called for every event. On standard output: "ready",
// "recovered", "broken CODE REASON", and a line for each event: "done ID", "repeated ID", "failed ID REASON",
// "outage ID REASON" (failed because of one). It ends with its input, or a line "end", when all is settled,
// and says on standard error how long that took from "ready" on.
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "handle/runner.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { INPUT_MAX = 512 << 20, CHUNK = 64 << 10, FUNCTIONS_MAX = 8 };

struct item {
    struct item *next;
    struct domain_event event;
    char json[];
};

static struct {
    struct event_base *base;
    struct sql_runner *runner;
    const char *functions[FUNCTIONS_MAX];
    int function_count;
    struct buffer input;
    struct event *readable;
    struct item *first; // what has been read before all was ready
    struct item *last;
    bool ready;
    bool ended; // the input
    int code;
    int64_t events;
    int64_t under_way;
    int64_t ready_at;
    int64_t cpu_at;
} driver;

static int64_t cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void end_if_done(void) {
    if (driver.ended && driver.ready && driver.under_way == 0 && driver.first == NULL) {
        event_base_loopbreak(driver.base);
    }
}

static void offer_all(void) {
    while (driver.ready && driver.first != NULL) {
        struct item *item = driver.first;
        driver.first = item->next;
        driver.under_way++;
        driver.events++;
        sql_runner_start(driver.runner, driver.functions, driver.function_count, &item->event, item);
    }
    end_if_done();
}

static void take_line(const char *line, size_t length) {
    if (length == 3 && memcmp(line, "end", 3) == 0) {
        driver.ended = true;
        return;
    }
    struct item *item = memory_allocate(1, sizeof *item + length + 1);
    memcpy(item->json, line, length);
    cJSON *json = cJSON_Parse(item->json);
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(json, "eventId"));
    if (id == NULL || strlen(id) != DOMAIN_EVENT_ID_SIZE - 1) {
        fprintf(stderr, "no event: %s\n", item->json);
        exit(ERROR_USAGE);
    }
    memcpy(item->event.event_id, id, DOMAIN_EVENT_ID_SIZE);
    item->event.json = (struct slice){item->json, length};
    cJSON_Delete(json);
    if (driver.first == NULL) {
        driver.first = item;
    } else {
        driver.last->next = item;
    }
    driver.last = item;
}

static void take_lines(void) {
    size_t from = 0;
    char *end;
    while (driver.input.length > from &&
           (end = memchr(driver.input.data + from, '\n', driver.input.length - from)) != NULL) {
        size_t length = (size_t)(end - driver.input.data) - from;
        take_line(driver.input.data + from, length);
        from += length + 1;
    }
    if (from > 0) {
        memmove(driver.input.data, driver.input.data + from, driver.input.length - from);
        buffer_truncate(&driver.input, driver.input.length - from);
    }
}

static void read_some(void) {
    char *place = buffer_reserve(&driver.input, CHUNK);
    ssize_t got = place != NULL ? read(STDIN_FILENO, place, CHUNK) : -1;
    if (got > 0) {
        buffer_advance(&driver.input, (size_t)got);
    } else {
        driver.ended = true;
    }
}

static void on_readable(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    (void)context;
    read_some();
    take_lines();
    if (driver.ended) {
        event_del(driver.readable);
    }
    offer_all();
}

static void on_flush(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    (void)context;
    fflush(stdout);
}

static void on_ended(void *context, void *task, const struct handled *handled) {
    (void)context;
    struct item *item = task;
    const char *what = handled->kind == HANDLED_LET_GO   ? "let_go"
                       : handled->kind == HANDLED_FAILED ? (handled->outage ? "outage" : "failed")
                       : handled->repeated               ? "repeated"
                                                         : "done";
    printf("%s %s%s%s\n", what, item->event.event_id, handled->reason != NULL ? " " : "",
           handled->reason != NULL ? handled->reason : "");
    free(item);
    driver.under_way--;
    end_if_done();
}

static void on_ready(void *context) {
    (void)context;
    puts("ready");
    driver.ready = true;
    driver.ready_at = clock_monotonic_us();
    driver.cpu_at = cpu_us();
    offer_all();
}

static void on_broken(void *context, const struct error *error) {
    (void)context;
    printf("broken %d %s\n", (int)error->code, error->text);
    driver.code = (int)error->code;
    event_base_loopbreak(driver.base);
}

static void on_recovered(void *context) {
    (void)context;
    puts("recovered");
}

static void run(const struct settings *settings, bool all) {
    static const struct timeval often = {.tv_usec = 10000};
    const struct sql_runner_listener listener = {
        .runner = {.ended = on_ended}, .ready = on_ready, .broken = on_broken, .recovered = on_recovered};
    struct event *flush = event_new(driver.base, -1, EV_PERSIST, on_flush, NULL);
    struct error error = {0};
    event_add(flush, &often);
    if (!all) {
        driver.readable = event_new(driver.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_readable, NULL);
        event_add(driver.readable, NULL);
    }
    const char *consumer = settings->consumer[0] != '\0' ? settings->consumer : "driver";
    driver.runner = sql_runner_new(driver.base, settings, consumer, &listener, driver.functions,
                                   driver.function_count, &error);
    if (driver.runner == NULL) {
        on_broken(NULL, &error);
    } else {
        event_base_dispatch(driver.base);
        fprintf(stderr, "events=%lld us=%lld cpu_us=%lld\n", (long long)driver.events,
                (long long)(clock_monotonic_us() - driver.ready_at), (long long)(cpu_us() - driver.cpu_at));
    }
    sql_runner_free(driver.runner);
    event_free(flush);
    if (driver.readable != NULL) {
        event_free(driver.readable);
    }
}

static void free_items(void) {
    while (driver.first != NULL) {
        struct item *next = driver.first->next;
        free(driver.first);
        driver.first = next;
    }
    buffer_free(&driver.input);
}

int main(int argc, char **argv) {
    struct settings settings;
    struct error error = {0};
    bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    int skipped = all ? 2 : 1;
    driver.function_count = FUNCTIONS_MAX;
    signal(SIGPIPE, SIG_IGN);
    if (!settings_read(&settings, "consume", argc - skipped, argv + skipped, driver.functions,
                       &driver.function_count, &error)) {
        fprintf(stderr, "sql_driver: %s\n", error.text);
        return (int)error.code;
    }
    buffer_init(&driver.input, INPUT_MAX);
    while (all && !driver.ended) {
        read_some();
    }
    take_lines();
    driver.base = event_base_new();
    run(&settings, all);
    free_items();
    event_base_free(driver.base);
    settings_free(&settings);
    return driver.code;
}
