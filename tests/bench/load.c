// SPDX-License-Identifier: Apache-2.0
// Inserts events at a steady rate, so that the delay from commit to receipt can be measured: bench_load
// [--rate N]
// [--seconds N | --events N] [--bytes N] [--rows N] [--connections N] [--conninfo TEXT] [--log FILE]. One
// transaction in flight a connection, each one INSERT of `--rows` events. The schedule is fixed beforehand:
// who is late does not shift what follows. FILE gets a line "MICROSECONDS EVENT_ID" for each event: the wall
// clock when the answer to its commit was read, which is what bench_stub writes of arrivals. JSON of how it
// went is printed at the end or at SIGTERM.
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECTIONS_MAX = 100,
    ROWS_MAX = 1000,
    BYTES_MAX = 1 << 20,
    EVENT_ID = 16,
    AGGREGATES = 10000,
    AGGREGATE_SIZE = 16,
    PARAMETERS = 2, // of a row
    SQL_SIZE = 64 << 10,
};

struct session {
    PGconn *connection;
    int64_t number; // of its transaction
    int64_t sent_us;
};

static struct {
    int64_t rate;
    int64_t seconds;
    int64_t events;
    int64_t bytes;
    int64_t rows;
    int64_t connections;
    const char *conninfo;
    const char *log_name;
} options = {.rate = 100, .seconds = 10, .bytes = 500, .rows = 1, .conninfo = ""};

static struct {
    struct session sessions[CONNECTIONS_MAX];
    struct pollfd polls[CONNECTIONS_MAX];
    size_t idle[CONNECTIONS_MAX]; // the one used last is used first: its server process is warm
    size_t idle_count;
    FILE *log;
    char *data;
    int64_t start_us;     // CLOCK_MONOTONIC, as are all but commits
    int64_t transactions; // to be done
    int64_t started;
    int64_t done;
    int64_t last_us;
    int64_t *insert_us; // of each transaction that is done
    int64_t *late_us;   // of each that was started
    sigset_t waiting_mask;
    uint32_t run; // tells the events of one run from those of another
} load;

static volatile sig_atomic_t stopping;

static void stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
}

static uint64_t scramble(uint64_t number) {
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9) + UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

// Evenly spaced, up to a quarter of the space late, so that no timer elsewhere keeps step with it.
static int64_t due_us(int64_t transaction) {
    int64_t space_us = options.rows * 1000000 / options.rate;
    int64_t jitter_us = (int64_t)(scramble((uint64_t)transaction) % (uint64_t)(space_us / 4 + 1));
    return load.start_us + transaction * options.rows * 1000000 / options.rate + jitter_us;
}

// Letters without a pattern: what repeats would be compressed where it is long.
static char *make_data(int64_t bytes) {
    static const char start[] = "{\"note\":\"";
    static const char end[] = "\"}";
    size_t length = (size_t)bytes > sizeof start + sizeof end ? (size_t)bytes : sizeof start + sizeof end;
    char *data = bench_allocate(length + 1, 1);
    for (size_t index = 0; index < length; index++) {
        data[index] = (char)('a' + scramble(index) % 26);
    }
    memcpy(data, start, sizeof start - 1);
    memcpy(data + length - (sizeof end - 1), end, sizeof end - 1);
    return data;
}

// The event's id is 00000000-0000-4000-8000-000000000000 with the run in front and the number at the end.
static void make_event_id(int64_t event, unsigned char id[EVENT_ID]) {
    memset(id, 0, EVENT_ID);
    id[6] = 0x40;
    id[8] = 0x80;
    for (int index = 0; index < 4; index++) {
        id[index] = (unsigned char)(load.run >> (24 - 8 * index));
        id[12 + index] = (unsigned char)(event >> (24 - 8 * index));
    }
}

static void write_log(int64_t event, int64_t now_us) {
    fprintf(load.log, "%" PRId64 " %08" PRIx32 "-0000-4000-8000-0000%08" PRIx64 "\n", now_us, load.run,
            (uint64_t)event);
}

static void die_of(const struct session *session) {
    bench_die("PostgreSQL", PQerrorMessage(session->connection));
}

static char *make_insert(void) {
    char *sql = bench_allocate(SQL_SIZE, 1);
    int length =
        snprintf(sql, SQL_SIZE, "INSERT INTO outbox.event (event_id, event_type, aggregate_id, data)");
    for (int64_t row = 0; row < options.rows; row++) {
        length += snprintf(sql + length, (size_t)(SQL_SIZE - length),
                           "%s ($%" PRId64 ", 'order.created', $%" PRId64 ", $%" PRId64 ")",
                           row == 0 ? " VALUES" : ",", row * PARAMETERS + 1, row * PARAMETERS + 2,
                           options.rows * PARAMETERS + 1);
    }
    return sql;
}

static void connect_sessions(void) {
    char *sql = make_insert();
    for (size_t index = 0; index < (size_t)options.connections; index++) {
        struct session *session = &load.sessions[index];
        session->connection = PQconnectdb(options.conninfo);
        if (PQstatus(session->connection) != CONNECTION_OK) {
            die_of(session);
        }
        PGresult *result = PQprepare(session->connection, "insert", sql, 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK || PQsetnonblocking(session->connection, 1) != 0) {
            die_of(session);
        }
        PQclear(result);
        load.polls[index].fd = -1;
        load.idle[load.idle_count++] = index;
    }
    free(sql);
}

static void flush(size_t index) {
    int left = PQflush(load.sessions[index].connection);
    if (left < 0) {
        die_of(&load.sessions[index]);
    }
    load.polls[index].events = (short)(left > 0 ? POLLIN | POLLOUT : POLLIN);
}

static void send_insert(const struct session *session) {
    static unsigned char ids[ROWS_MAX][EVENT_ID];
    static char aggregates[ROWS_MAX][AGGREGATE_SIZE];
    static const char *values[ROWS_MAX * PARAMETERS + 1];
    static int lengths[ROWS_MAX * PARAMETERS + 1];
    static int formats[ROWS_MAX * PARAMETERS + 1];
    int count = 0;
    for (int64_t row = 0; row < options.rows; row++) {
        int64_t event = session->number * options.rows + row;
        make_event_id(event, ids[row]);
        snprintf(aggregates[row], AGGREGATE_SIZE, "order-%d", (int)(event % AGGREGATES));
        values[count] = (const char *)ids[row];
        lengths[count] = EVENT_ID;
        formats[count++] = 1;
        values[count++] = aggregates[row];
    }
    values[count++] = load.data;
    if (PQsendQueryPrepared(session->connection, "insert", count, values, lengths, formats, 1) == 0) {
        die_of(session);
    }
}

// Starts what is due, as far as connections are free; returns when the next is, or INT64_MAX.
static int64_t start_due(void) {
    while (!stopping && load.started < load.transactions && load.idle_count > 0) {
        int64_t due = due_us(load.started);
        int64_t now = bench_now_us(CLOCK_MONOTONIC);
        if (due > now) {
            return due;
        }
        size_t index = load.idle[--load.idle_count];
        struct session *session = &load.sessions[index];
        load.late_us[load.started] = now - due;
        session->number = load.started++;
        session->sent_us = now;
        send_insert(session);
        load.polls[index].fd = PQsocket(session->connection);
        flush(index);
    }
    return INT64_MAX;
}

static void finish(size_t index, int64_t committed_us) {
    struct session *session = &load.sessions[index];
    load.last_us = bench_now_us(CLOCK_MONOTONIC);
    load.insert_us[load.done++] = load.last_us - session->sent_us;
    for (int64_t row = 0; load.log != NULL && row < options.rows; row++) {
        write_log(session->number * options.rows + row, committed_us);
    }
    load.polls[index].fd = -1;
    load.idle[load.idle_count++] = index;
}

static void take_answer(size_t index) {
    struct session *session = &load.sessions[index];
    if (PQconsumeInput(session->connection) == 0) {
        die_of(session);
    }
    int64_t committed_us = bench_now_us(CLOCK_REALTIME);
    while (PQisBusy(session->connection) == 0) {
        PGresult *result = PQgetResult(session->connection);
        if (result == NULL) {
            finish(index, committed_us);
            return;
        }
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            die_of(session);
        }
        PQclear(result);
    }
    flush(index);
}

static void wait_for_answers(int64_t until_us) {
    int64_t wait_us = until_us - bench_now_us(CLOCK_MONOTONIC);
    wait_us = wait_us > 0 ? wait_us : 0;
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    int ready = ppoll(load.polls, (nfds_t)options.connections, until_us < INT64_MAX ? &wait : NULL,
                      &load.waiting_mask);
    if (ready < 0 && errno != EINTR) {
        bench_die("poll", strerror(errno));
    }
    for (size_t index = 0; ready > 0 && index < (size_t)options.connections; index++) {
        if (load.polls[index].fd >= 0 && load.polls[index].revents != 0) {
            take_answer(index);
        }
    }
}

static void print_result(void) {
    int64_t events = load.done * options.rows;
    int64_t cpu_us = bench_cpu_us();
    int64_t us = load.last_us > load.start_us ? load.last_us - load.start_us : 1;
    bench_sort(load.insert_us, (size_t)load.done);
    bench_sort(load.late_us, (size_t)load.started);
    printf("{\"events\":%" PRId64 ",\"seconds\":%.3f,\"events_per_s\":%.1f,\"insert_p50_ms\":%.3f,"
           "\"insert_p99_ms\":%.3f,\"late_p50_ms\":%.3f,\"late_p99_ms\":%.3f,\"cpu_us\":%" PRId64
           ",\"cpu_us_per_event\":%.2f}\n",
           events, (double)us / 1e6, (double)events * 1e6 / (double)us,
           bench_percentile_ms(load.insert_us, (size_t)load.done, 50),
           bench_percentile_ms(load.insert_us, (size_t)load.done, 99),
           bench_percentile_ms(load.late_us, (size_t)load.started, 50),
           bench_percentile_ms(load.late_us, (size_t)load.started, 99), cpu_us,
           (double)cpu_us / (double)(events > 0 ? events : 1));
}

static void read_options(int argc, char **argv) {
    static const char usage[] =
        "[--rate N] [--seconds N | --events N] [--bytes N] [--rows N] [--connections N]"
        " [--conninfo TEXT] [--log FILE]";
    const struct bench_option table[] = {{"--rate", .number = &options.rate},
                                         {"--seconds", .number = &options.seconds},
                                         {"--events", .number = &options.events},
                                         {"--bytes", .number = &options.bytes},
                                         {"--rows", .number = &options.rows},
                                         {"--connections", .number = &options.connections},
                                         {"--conninfo", .text = &options.conninfo},
                                         {"--log", .text = &options.log_name},
                                         {0}};
    bench_options(table, usage, argc, argv, 1);
    if (options.rate < 1 || options.rate > 1000000 || options.rows < 1 || options.rows > ROWS_MAX ||
        options.bytes > BYTES_MAX || options.connections > CONNECTIONS_MAX) {
        bench_die("the rate is 1 to 1000000, rows 1 to 1000, bytes up to 1 MiB, connections up to 100",
                  usage);
    }
    options.events = options.events > 0 ? options.events : options.rate * options.seconds;
    if (options.connections == 0) { // one that waits 4 ms for each commit keeps up
        int64_t enough = 4 + options.rate / options.rows / 250;
        options.connections = enough < 32 ? enough : 32;
    }
}

// Signals come only while there is waiting, so none can be missed just before.
static void await_signals(void) {
    struct sigaction action = {.sa_handler = stop};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, &load.waiting_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    await_signals();
    load.transactions = (options.events + options.rows - 1) / options.rows;
    load.insert_us = bench_allocate((size_t)load.transactions + 1, sizeof *load.insert_us);
    load.late_us = bench_allocate((size_t)load.transactions + 1, sizeof *load.late_us);
    load.data = make_data(options.bytes);
    load.run = (uint32_t)bench_now_us(CLOCK_REALTIME);
    load.log = options.log_name != NULL ? fopen(options.log_name, "we") : NULL;
    if (options.log_name != NULL && load.log == NULL) {
        bench_die(options.log_name, strerror(errno));
    }
    connect_sessions();
    load.start_us = bench_now_us(CLOCK_MONOTONIC);
    while (load.done < load.started || (!stopping && load.started < load.transactions)) {
        wait_for_answers(start_due());
    }
    print_result();
    if (load.log != NULL && fclose(load.log) != 0) {
        bench_die(options.log_name, strerror(errno));
    }
    return 0;
}
