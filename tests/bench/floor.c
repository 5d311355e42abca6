// SPDX-License-Identifier: Apache-2.0
// The floor of the drain: the cheapest that could do the relay's job on the same backlog, to be set beside
// the relay: bench_floor --port N [--ca FILE] [--curl] [--bytes N] [--connections N] [--conninfo TEXT]
// [--databases N] [--rows N] [--batches N] [--cursor] [--database-only | --http-only --events N]. It reads
// events in batches of `--rows`, sends one prepared request of ten events (each with `--bytes` of data) per
// ten rows to 127.0.0.1:PORT, and marks a batch when its requests are answered. Meanwhile other batches, of
// `--batches` in all, are read and sent. No event is looked at and nothing is done for safety. JSON at the
// end.
#include "bench.h"
#include "floor_database.h"
#include "floor_http.h"

#include <inttypes.h>
#include <stdio.h>

enum { DATABASES_MAX = 16, BATCHES_MAX = 64, ROWS_MAX = 10000, CONNECTIONS_MAX = 1000 };

static struct {
    int64_t port;
    int64_t bytes;
    int64_t connections;
    int64_t databases;
    int64_t rows;
    int64_t batches;
    int64_t events;
    const char *conninfo;
    const char *ca_file;
    bool curl;
    bool cursor;
    bool database_only;
    bool http_only;
} options = {.bytes = 500,
             .connections = 512,
             .databases = 3,
             .rows = 1000,
             .batches = 8,
             .events = 200000,
             .conninfo = ""};

static struct {
    struct event_base *base;
    const struct floor_client *client;
    struct floor_database databases[DATABASES_MAX];
    struct floor_batch batches[BATCHES_MAX];
    int64_t last_id;
    int64_t events;
    bool reading;
    bool read_all;
} state;

static struct floor_batch *find(int wanted) {
    for (int64_t index = 0; index < options.batches; index++) {
        if ((int)state.batches[index].state == wanted) {
            return &state.batches[index];
        }
    }
    return NULL;
}

static void publish(struct floor_batch *batch) {
    batch->state = options.database_only ? BATCH_PUBLISHED : BATCH_PUBLISHING;
    batch->unsent = batch->unanswered = (batch->count + FLOOR_EVENTS - 1) / FLOOR_EVENTS;
}

static void finish(struct floor_batch *batch) {
    state.events += batch->count;
    batch->state = BATCH_FREE;
}

static void invent(struct floor_batch *batch) {
    int64_t left = options.events - state.last_id;
    batch->count = (int)(left < options.rows ? left : options.rows);
    state.last_id += batch->count;
    state.read_all = state.last_id == options.events;
    publish(batch);
}

static void use_no_database(void) {
    struct floor_batch *batch;
    while ((batch = find(BATCH_PUBLISHED)) != NULL) {
        finish(batch);
    }
    while (!state.read_all && (batch = find(BATCH_FREE)) != NULL) {
        invent(batch);
    }
}

static void use_database(struct floor_database *database) {
    struct floor_batch *batch = find(BATCH_PUBLISHED);
    if (batch != NULL) {
        floor_database_mark(database, batch);
    } else if (!state.reading && !state.read_all && (batch = find(BATCH_FREE)) != NULL) {
        state.reading = true;
        floor_database_read(database, batch, state.last_id);
    }
}

static void send_requests(void) {
    for (int64_t index = 0; index < options.batches; index++) {
        struct floor_batch *batch = &state.batches[index];
        while (batch->state == BATCH_PUBLISHING && batch->unsent > 0 && state.client->send(batch)) {
            batch->unsent--;
        }
    }
}

static bool is_over(void) {
    for (int64_t index = 0; index < options.batches; index++) {
        if (state.batches[index].state != BATCH_FREE) {
            return false;
        }
    }
    return state.read_all;
}

static void go_on(void) {
    if (options.http_only) {
        use_no_database();
    }
    for (int64_t index = 0; !options.http_only && index < options.databases; index++) {
        if (state.databases[index].batch == NULL) {
            use_database(&state.databases[index]);
        }
    }
    send_requests();
    if (is_over()) {
        event_base_loopbreak(state.base);
    }
}

static void on_database_done(struct floor_batch *batch) {
    if (batch->state == BATCH_MARKING) {
        finish(batch);
    } else {
        state.reading = false;
        state.read_all = batch->count < options.rows;
        state.last_id = batch->count > 0 ? batch->ids[batch->count - 1] : state.last_id;
        publish(batch);
        if (batch->count == 0) {
            batch->state = BATCH_FREE;
        }
    }
    go_on();
}

static void on_answered(void *context) {
    struct floor_batch *batch = context;
    if (--batch->unanswered == 0) {
        batch->state = BATCH_PUBLISHED;
    }
    go_on();
}

static void open_http(void) {
    static struct floor_request request;
    static char host[32];
    snprintf(host, sizeof host, "127.0.0.1:%d", (int)options.port);
    floor_request_make(&request, host, (size_t)options.bytes);
    state.client = options.curl ? &floor_curl : &floor_raw;
    state.client->open(&(struct floor_http){.base = state.base,
                                            .request = &request,
                                            .host = host,
                                            .port = (uint16_t)options.port,
                                            .ca_file = options.ca_file,
                                            .connections = (size_t)options.connections,
                                            .answered = on_answered});
}

static void open_databases(void) {
    for (int64_t index = 0; index < options.batches; index++) {
        state.batches[index].ids = bench_allocate((size_t)options.rows, sizeof(int64_t));
    }
    for (int64_t index = 0; index < options.databases; index++) {
        state.databases[index].done = on_database_done;
        floor_database_open(&state.databases[index], state.base, options.conninfo, options.rows,
                            options.cursor, (int)index);
    }
}

static void read_options(int argc, char **argv) {
    static const char usage[] = "--port N [--ca FILE] [--curl] [--bytes N] [--connections N] [--conninfo "
                                "TEXT] [--databases N] [--rows N]"
                                " [--batches N] [--cursor] [--database-only | --http-only --events N]";
    const struct bench_option table[] = {{"--port", .number = &options.port},
                                         {"--ca", .text = &options.ca_file},
                                         {"--curl", .flag = &options.curl},
                                         {"--bytes", .number = &options.bytes},
                                         {"--connections", .number = &options.connections},
                                         {"--conninfo", .text = &options.conninfo},
                                         {"--databases", .number = &options.databases},
                                         {"--rows", .number = &options.rows},
                                         {"--batches", .number = &options.batches},
                                         {"--events", .number = &options.events},
                                         {"--cursor", .flag = &options.cursor},
                                         {"--database-only", .flag = &options.database_only},
                                         {"--http-only", .flag = &options.http_only},
                                         {0}};
    bench_options(table, usage, argc, argv, 1);
    if (options.port > UINT16_MAX || (options.port == 0) != options.database_only ||
        options.connections < 1 || options.connections > CONNECTIONS_MAX || options.databases < 1 ||
        options.databases > DATABASES_MAX || options.rows < 1 || options.rows > ROWS_MAX ||
        options.batches < 1 || options.batches > BATCHES_MAX || options.bytes > 1 << 20 ||
        (options.http_only && (options.events < 1 || options.database_only))) {
        bench_refuse(usage);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    state.base = event_base_new();
    if (!options.http_only) {
        open_databases();
    }
    if (!options.database_only) {
        open_http();
    }
    int64_t cpu_us = bench_cpu_us();
    int64_t us = bench_now_us(CLOCK_MONOTONIC);
    go_on();
    event_base_dispatch(state.base);
    us = bench_now_us(CLOCK_MONOTONIC) - us;
    cpu_us = bench_cpu_us() - cpu_us;
    double events = (double)(state.events > 0 ? state.events : 1);
    printf("{\"events\":%" PRId64 ",\"seconds\":%.3f,\"events_per_s\":%.0f,\"cpu_us_per_event\":%.2f}\n",
           state.events, (double)us / 1e6, events * 1e6 / (double)us, (double)cpu_us / events);
    return 0;
}
