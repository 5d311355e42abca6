// SPDX-License-Identifier: Apache-2.0
// The sink on standard output: lines that parse, a reader that is slow, a reader that has gone.
#include "base/buffer.h"
#include "sink/stdout.h"
#include "support/loop.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { ROWS_MAX = 3000, LARGE = 100 * 1024 };

struct fixture {
    struct event_base *base;
    struct settings settings;
    struct sink sink;
    int saved; // the real standard output
    int reader;
    struct buffer output; // what was read
    int times[ROWS_MAX];
    enum outcome_kind kinds[ROWS_MAX];
    int offered, settled, sent, let_go, drained, broken, goal;
};

static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct fixture *fixture = context;

    assert_ptr_equal(delivery.claim, fixture);
    assert_int_equal(fixture->times[delivery.row]++, 0);
    fixture->kinds[delivery.row] = outcome->kind;
    fixture->settled++;
    fixture->sent += outcome->kind == OUTCOME_SENT;
    fixture->let_go += outcome->kind == OUTCOME_LET_GO;
    switch (outcome->kind) {
    case OUTCOME_SENT:
        assert_int_equal(outcome->message_id.length, strlen("stdout"));
        assert_memory_equal(outcome->message_id.data, "stdout", strlen("stdout"));
        break;
    case OUTCOME_LET_GO:
        break;
    case OUTCOME_WAIT:
        assert_string_equal(outcome->reason, TOPIC_PAUSED);
        break;
    case OUTCOME_PARK:
        assert_string_equal(outcome->reason, "the message is too large");
        break;
    case OUTCOME_RETRY:
    case OUTCOME_REFUSED:
        fail_msg("row %d is settled in a way that this sink does not know", delivery.row);
    }
}

static void on_drained(void *context) {
    struct fixture *fixture = context;
    fixture->drained++;
}

static void on_broken(void *context, const struct error *error) {
    struct fixture *fixture = context;
    assert_int_equal(error->code, ERROR_PUBLISH);
    fixture->broken++;
}

// Puts `descriptor` in the place of standard output until the test is over.
static void redirect(struct fixture *fixture, int descriptor) {
    const struct sink_listener listener = {
        .context = fixture, .settled = on_settled, .drained = on_drained, .broken = on_broken};
    struct error error = {0};

    dup2(descriptor, STDOUT_FILENO);
    close(descriptor);
    if (!sink_stdout_new(&fixture->sink, fixture->base, &fixture->settings, &listener, &error)) {
        fail_msg("%s", error.text);
    }
}

static int create(void **state) {
    static char source[] = "/outbox";
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fflush(stdout);
    fixture->saved = dup(STDOUT_FILENO);
    fixture->reader = -1;
    fixture->base = event_base_new();
    fixture->settings = (struct settings){.source = source, .format = FORMAT_DOMAIN_EVENT};
    buffer_init(&fixture->output, (size_t)1 << 30);
    *state = fixture;
    return 0;
}

static int create_with_pipe(void **state) {
    int ends[2];

    if (create(state) != 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    struct fixture *fixture = *state;
    fixture->reader = ends[0];
    fcntl(fixture->reader, F_SETFL, O_NONBLOCK);
    redirect(fixture, ends[1]);
    return 0;
}

static int release(void **state) {
    struct fixture *fixture = *state;

    if (fixture->sink.self != NULL) {
        fixture->sink.free(fixture->sink.self);
    }
    dup2(fixture->saved, STDOUT_FILENO);
    close(fixture->saved);
    if (fixture->reader >= 0) {
        close(fixture->reader);
    }
    buffer_free(&fixture->output);
    event_base_free(fixture->base);
    free(fixture);
    return 0;
}

static void offer(struct fixture *fixture, struct topic *topic, struct slice data) {
    char aggregate_id[32];

    assert_true(fixture->offered < ROWS_MAX);
    snprintf(aggregate_id, sizeof aggregate_id, "order \"%d\"", fixture->offered);
    const struct outbox_event event = {.id = fixture->offered,
                                       .event_type = slice_of_text("order.created"),
                                       .event_version = slice_of_text("1.0"),
                                       .aggregate_id = slice_of_text(aggregate_id),
                                       .data = data,
                                       .metadata = slice_of_text("{\"correlationId\":\"c-1\"}")};
    fixture->sink.offer(fixture->sink.self, &event, topic, (struct delivery){fixture, fixture->offered++});
}

// A JSON text of LARGE bytes.
static struct slice large_data(void) {
    static char text[LARGE];

    memset(text, 'x', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    return (struct slice){text, sizeof text};
}

// Reads at most `limit` bytes that are there; returns how many.
static size_t read_some(struct fixture *fixture, size_t limit) {
    size_t before = fixture->output.length;

    for (size_t left = limit; left > 0;) {
        size_t chunk = left < 65536 ? left : 65536;
        ssize_t count = read(fixture->reader, buffer_reserve(&fixture->output, chunk), chunk);
        if (count <= 0) {
            break;
        }
        buffer_advance(&fixture->output, (size_t)count);
        left -= (size_t)count;
    }
    return fixture->output.length - before;
}

static bool read_until_settled(void *context) {
    struct fixture *fixture = context;
    read_some(fixture, SIZE_MAX);
    return fixture->settled >= fixture->goal;
}

static void await_settled(struct fixture *fixture, int count) {
    fixture->goal = count;
    assert_true(loop_until(fixture->base, read_until_settled, fixture));
    loop_settle(fixture->base);
    read_some(fixture, SIZE_MAX);
    assert_int_equal(fixture->settled, count);
}

// Every line that was read is an event's JSON, in the order they were offered.
static void assert_lines(struct fixture *fixture, int count) {
    const char *line = buffer_text(&fixture->output);

    for (int row = 0; row < count; row++) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        cJSON *parsed = cJSON_ParseWithLength(line, (size_t)(end - line));
        const cJSON *message = cJSON_GetObjectItemCaseSensitive(parsed, "message");
        const cJSON *sequence = cJSON_GetObjectItemCaseSensitive(message, "sequence");
        assert_non_null(sequence);
        assert_int_equal(sequence->valueint, row);
        cJSON_Delete(parsed);
        line = end + 1;
    }
    assert_int_equal(*line, '\0');
}

static void writes_json_lines(void **state) {
    struct fixture *fixture = *state;
    static char arn[] = "arn:aws:sns:eu-west-1:123456789012:orders";
    struct topic topic = {.arn = arn, .format = FORMAT_DATA};

    assert_false(fixture->sink.needs_topic);
    assert_int_equal(fixture->sink.resting_us(fixture->sink.self), 0);
    offer(fixture, NULL, slice_of_text("{\n}"));
    offer(fixture, &topic, slice_of_text("[1.0e400]"));
    assert_int_equal(fixture->settled, 0);
    fixture->sink.flush(fixture->sink.self, fixture);
    assert_int_equal(fixture->sent, 2);
    read_some(fixture, SIZE_MAX);
    assert_string_equal(
        buffer_text(&fixture->output),
        "{\"topic\":null,\"attributes\":{\"event-id\":\"00000000-0000-0000-0000-000000000000\","
        "\"event-type\":\"order.created\",\"event-version\":\"1.0\",\"aggregate-id\":\"order \\\"0\\\"\","
        "\"correlation-id\":\"c-1\"},\"message\":{\"eventId\":\"00000000-0000-0000-0000-000000000000\","
        "\"eventType\":\"order.created\",\"eventVersion\":\"1.0\",\"aggregateId\":\"order \\\"0\\\"\","
        "\"occurredOn\":\"1970-01-01T00:00:00.000Z\",\"sequence\":0,\"data\":{ },"
        "\"metadata\":{\"correlationId\":\"c-1\"}}}\n"
        "{\"topic\":\"arn:aws:sns:eu-west-1:123456789012:orders\",\"attributes\":{\"event-id\":"
        "\"00000000-0000-0000-0000-000000000000\",\"event-type\":\"order.created\",\"event-version\":\"1.0\","
        "\"aggregate-id\":\"order \\\"1\\\"\",\"correlation-id\":\"c-1\"},\"message\":[1.0e400]}\n");
}

static void loses_nothing_to_a_pipe(void **state) {
    struct fixture *fixture = *state;

    for (int index = 0; index < 2000; index++) {
        offer(fixture, NULL, slice_of_text("{\"total\":1}"));
    }
    fixture->sink.flush(fixture->sink.self, fixture);
    await_settled(fixture, 2000);
    assert_int_equal(fixture->sent, 2000);
    assert_lines(fixture, 2000);
}

// Nothing here would ever return if a write could block: the reader is this very process.
static void waits_for_a_slow_reader_without_blocking(void **state) {
    struct fixture *fixture = *state;

    while (!fixture->sink.full(fixture->sink.self)) {
        offer(fixture, NULL, large_data());
    }
    assert_in_range(fixture->offered, 10, 20); // a little more than 1 MiB
    fixture->sink.flush(fixture->sink.self, fixture);
    loop_settle(fixture->base);
    assert_int_equal(fixture->settled, 0); // not one line went out to its last byte
    assert_int_equal(fixture->drained, 0);
    assert_true(fixture->sink.full(fixture->sink.self));
    read_some(fixture, SIZE_MAX);
    loop_settle(fixture->base);
    assert_in_range(fixture->sent, 0, fixture->offered - 1);
    assert_int_equal(fixture->drained, 0);
    await_settled(fixture, fixture->offered);
    assert_int_equal(fixture->sent, fixture->offered);
    assert_int_equal(fixture->drained, 1);
    assert_false(fixture->sink.full(fixture->sink.self));
    assert_lines(fixture, fixture->offered);
}

// A reader that is always a little behind, for longer than any buffer could hold all of it.
static void keeps_up_with_a_reader_that_is_always_behind(void **state) {
    struct fixture *fixture = *state;

    offer(fixture, NULL, large_data());
    offer(fixture, NULL, large_data());
    while (fixture->offered < 400) { // 40 MiB
        offer(fixture, NULL, large_data());
        fixture->sink.flush(fixture->sink.self, fixture);
        assert_false(fixture->sink.full(fixture->sink.self));
        for (int goal = fixture->sent + 1; fixture->sent < goal && fixture->settled == fixture->sent;) {
            assert_true(read_some(fixture, 16384) > 0);
            loop_settle(fixture->base);
        }
        buffer_clear(&fixture->output);
    }
    await_settled(fixture, 400);
    assert_int_equal(fixture->sent, 400);
}

static void settles_all_when_the_reader_has_gone(void **state) {
    struct fixture *fixture = *state;

    close(fixture->reader);
    fixture->reader = -1;
    for (int index = 0; index < 100; index++) {
        offer(fixture, NULL, slice_of_text("{}"));
    }
    fixture->sink.flush(fixture->sink.self, fixture);
    assert_int_equal(fixture->settled, 100);
    assert_int_equal(fixture->let_go, 100); // an outage is not the event's fault
    assert_int_equal(fixture->broken, 1);
    offer(fixture, NULL, slice_of_text("{}"));
    fixture->sink.flush(fixture->sink.self, fixture);
    assert_int_equal(fixture->settled, 101);
    assert_int_equal(fixture->let_go, 101);
}

// What the pipe has taken of a line must be finished; whole lines that wait are taken back.
static void drops_what_has_not_been_begun(void **state) {
    struct fixture *fixture = *state;

    for (int index = 0; index < 400; index++) {
        offer(fixture, NULL, slice_of_text("{\"pad\": \"0123456789012345678901234567890123456789\"}"));
    }
    fixture->sink.flush(fixture->sink.self, fixture);
    int sent = fixture->sent;
    assert_in_range(sent, 1, 399);
    fixture->sink.drop(fixture->sink.self, NULL);
    assert_in_range(fixture->settled, 398, 400); // all but the line that is written in part
    assert_int_equal(fixture->let_go, fixture->settled - sent);
    await_settled(fixture, 400);
    assert_in_range(fixture->sent, sent, sent + 1);
    assert_int_equal(fixture->sent + fixture->let_go, 400);
}

// What was written to its last byte before the reader went is sent, the rest is not.
static void settles_the_rest_when_the_reader_goes(void **state) {
    struct fixture *fixture = *state;

    offer(fixture, NULL, slice_of_text("{}"));
    while (!fixture->sink.full(fixture->sink.self)) {
        offer(fixture, NULL, large_data());
    }
    assert_int_equal(fixture->sent, 1);
    close(fixture->reader);
    fixture->reader = -1;
    fixture->goal = fixture->offered;
    loop_settle(fixture->base);
    assert_int_equal(fixture->settled, fixture->offered);
    assert_int_equal(fixture->sent, 1);
    assert_int_equal(fixture->kinds[0], OUTCOME_SENT);
    assert_int_equal(fixture->let_go, fixture->offered - 1);
    assert_int_equal(fixture->drained, 1);
    assert_false(fixture->sink.full(fixture->sink.self));
}

static void writes_files_as_well(void **state) {
    struct fixture *fixture = *state;
    FILE *file = tmpfile();

    fixture->reader = dup(fileno(file));
    redirect(fixture, dup(fileno(file)));
    fclose(file);
    for (int index = 0; index < 50; index++) {
        offer(fixture, NULL, large_data());
    }
    assert_false(fixture->sink.full(fixture->sink.self)); // a file takes everything at once
    fixture->sink.flush(fixture->sink.self, fixture);
    assert_int_equal(fixture->sent, 50);
    assert_int_equal(fixture->drained, 1);
    lseek(fixture->reader, 0, SEEK_SET);
    read_some(fixture, SIZE_MAX);
    assert_lines(fixture, 50);
}

static void refuses_a_closed_output(void **state) {
    struct fixture *fixture = *state;
    const struct sink_listener listener = {
        .context = fixture, .settled = on_settled, .drained = on_drained, .broken = on_broken};
    struct error error = {0};

    close(STDOUT_FILENO);
    assert_false(sink_stdout_new(&fixture->sink, fixture->base, &fixture->settings, &listener, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, "standard output is closed"));
}

static void refuses_what_is_too_large(void **state) {
    enum { LENGTH = 9 << 20 };
    struct fixture *fixture = *state;
    char *data = malloc(LENGTH);

    memset(data, '1', LENGTH);
    offer(fixture, NULL, slice_of_text("{}"));
    offer(fixture, NULL, (struct slice){data, LENGTH});
    assert_int_equal(fixture->settled, 1);
    assert_int_equal(fixture->times[1], 1);
    assert_int_equal(fixture->kinds[1], OUTCOME_PARK);
    offer(fixture, NULL, slice_of_text("{}"));
    fixture->sink.flush(fixture->sink.self, fixture);
    assert_int_equal(fixture->sent, 2); // the others are not touched by it
    read_some(fixture, SIZE_MAX);
    const char *output = buffer_text(&fixture->output);
    const char *second = strstr(output, "}\n{\"topic\":null,");
    assert_non_null(second);
    assert_ptr_equal(strchr(output, '\n'), second + 1);
    assert_non_null(strstr(second, "\"sequence\":2,"));
    assert_ptr_equal(strchr(second + 2, '\n'), output + fixture->output.length - 1);
    free(data);
}

static void lets_events_of_a_paused_topic_wait(void **state) {
    struct fixture *fixture = *state;
    static char arn[] = "arn:aws:sns:eu-west-1:123456789012:orders";
    struct topic topic = {.arn = arn, .format = FORMAT_DATA, .paused = true};

    assert_false(fixture->sink.admits(fixture->sink.self, &topic));
    offer(fixture, &topic, slice_of_text("{}"));
    assert_int_equal(fixture->settled, 1); // at once
    assert_int_equal(fixture->kinds[0], OUTCOME_WAIT);
    topic.paused = false;
    assert_true(fixture->sink.admits(fixture->sink.self, &topic));
    offer(fixture, &topic, slice_of_text("{\"n\":2}"));
    fixture->sink.flush(fixture->sink.self, fixture);
    assert_int_equal(fixture->kinds[1], OUTCOME_SENT);
    read_some(fixture, SIZE_MAX);
    assert_non_null(strstr(buffer_text(&fixture->output), "\"message\":{\"n\":2}}\n"));
    assert_null(strstr(buffer_text(&fixture->output), "\"message\":{}"));
}

static void has_room_for_any_claim(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(fixture->sink.room(fixture->sink.self, true), INT_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_json_lines, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(loses_nothing_to_a_pipe, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(waits_for_a_slow_reader_without_blocking, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(keeps_up_with_a_reader_that_is_always_behind, create_with_pipe,
                                        release),
        cmocka_unit_test_setup_teardown(drops_what_has_not_been_begun, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(settles_all_when_the_reader_has_gone, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(settles_the_rest_when_the_reader_goes, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(writes_files_as_well, create, release),
        cmocka_unit_test_setup_teardown(refuses_a_closed_output, create, release),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_large, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(lets_events_of_a_paused_topic_wait, create_with_pipe, release),
        cmocka_unit_test_setup_teardown(has_room_for_any_claim, create_with_pipe, release),
    };
    signal(SIGPIPE, SIG_IGN); // as the program does
    return cmocka_run_group_tests(tests, NULL, NULL);
}
