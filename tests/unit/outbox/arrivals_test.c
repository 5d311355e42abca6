// SPDX-License-Identifier: Apache-2.0
// Tests of outbox/arrivals.h.
#include "outbox/arrivals.h"

#include <stdio.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TEXT_SIZE = 64 };

// Adds an event all of whose texts tell its id; nothing of it is there any more afterwards.
static void add(struct arrivals *arrivals, int64_t id) {
    char texts[5][TEXT_SIZE];
    static const char *const names[] = {"type", "version", "aggregate", "data", "metadata"};
    for (int index = 0; index < 5; index++) {
        snprintf(texts[index], TEXT_SIZE, "%s %lld", names[index], (long long)id);
    }
    const struct outbox_event event = {.id = id,
                                       .event_id = {(unsigned char)id},
                                       .attempts = (int)id % 7,
                                       .occurred_at = id * 10,
                                       .wanted_at = id * 100,
                                       .event_type = slice_of_text(texts[0]),
                                       .event_version = slice_of_text(texts[1]),
                                       .aggregate_id = slice_of_text(texts[2]),
                                       .data = slice_of_text(texts[3]),
                                       .metadata = id % 2 == 0 ? slice_of_text(texts[4]) : (struct slice){0}};
    arrivals_add(arrivals, &event, id % 3 == 0);
    memset(texts, '?', sizeof texts);
}

static void assert_text(struct slice slice, const char *name, int64_t id) {
    char text[TEXT_SIZE];
    int length = snprintf(text, TEXT_SIZE, "%s %lld", name, (long long)id);
    assert_int_equal(slice.length, length);
    assert_memory_equal(slice.data, text, (size_t)length);
}

static void take(struct arrivals *arrivals, int64_t id) {
    bool blocked;
    const struct outbox_event *event = arrivals_take(arrivals, &blocked);
    assert_int_equal(event->id, id);
    assert_int_equal(event->event_id[0], (unsigned char)id);
    assert_int_equal(event->attempts, id % 7);
    assert_int_equal(event->occurred_at, id * 10);
    assert_int_equal(event->wanted_at, id * 100);
    assert_text(event->event_type, "type", id);
    assert_text(event->event_version, "version", id);
    assert_text(event->aggregate_id, "aggregate", id);
    assert_text(event->data, "data", id);
    if (id % 2 == 0) {
        assert_text(event->metadata, "metadata", id);
    } else {
        assert_int_equal(event->metadata.length, 0);
    }
    assert_int_equal(blocked, id % 3 == 0);
}

static void events_come_back_as_they_came_and_in_order(void **state) {
    (void)state;
    struct arrivals *arrivals = arrivals_new();
    for (int64_t id = 1; id <= 1000; id++) {
        add(arrivals, id);
    }
    for (int64_t id = 1; id <= 1000; id++) {
        assert_int_equal(arrivals_count(arrivals), 1001 - id);
        take(arrivals, id);
    }
    assert_int_equal(arrivals_count(arrivals), 0);
    assert_int_equal(arrivals_bytes(arrivals), 0);
    arrivals_free(arrivals);
}

// However many go through, what is kept follows what waits.
static void some_come_while_others_are_taken(void **state) {
    (void)state;
    struct arrivals *arrivals = arrivals_new();
    int64_t added = 0;
    int64_t taken = 0;
    while (taken < 20000) {
        for (int64_t more = added % 13; more >= 0; more--) {
            add(arrivals, ++added);
        }
        for (int64_t more = added - taken > 50 ? 9 : 5; more > 0 && taken < added; more--) {
            take(arrivals, ++taken);
        }
        assert_int_equal(arrivals_count(arrivals), added - taken);
        assert_true(arrivals_bytes(arrivals) <= (size_t)(added - taken) * 5 * TEXT_SIZE);
    }
    arrivals_free(arrivals);
}

static void what_waits_can_be_dropped(void **state) {
    (void)state;
    struct arrivals *arrivals = arrivals_new();
    for (int64_t id = 1; id <= 10; id++) {
        add(arrivals, id);
    }
    take(arrivals, 1);
    arrivals_clear(arrivals);
    assert_int_equal(arrivals_count(arrivals), 0);
    assert_int_equal(arrivals_bytes(arrivals), 0);
    add(arrivals, 11);
    take(arrivals, 11);
    add(arrivals, 12);
    arrivals_trim(arrivals);
    assert_int_equal(arrivals_count(arrivals), 0);
    add(arrivals, 13);
    take(arrivals, 13);
    arrivals_free(arrivals);
}

static void a_huge_event_comes_through(void **state) {
    (void)state;
    struct arrivals *arrivals = arrivals_new();
    struct buffer data;
    bool blocked;
    buffer_init(&data, SIZE_MAX / 2);
    memset(buffer_reserve(&data, 20 << 20), 'x', 20 << 20);
    buffer_advance(&data, 20 << 20);
    const struct outbox_event huge = {.id = 1, .data = {data.data, data.length}};
    arrivals_add(arrivals, &huge, false);
    assert_int_equal(arrivals_bytes(arrivals), 20 << 20);
    const struct outbox_event *event = arrivals_take(arrivals, &blocked);
    assert_int_equal(event->data.length, data.length);
    assert_memory_equal(event->data.data, data.data, data.length);
    buffer_free(&data);
    add(arrivals, 2);
    take(arrivals, 2);
    arrivals_free(arrivals);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back_as_they_came_and_in_order),
        cmocka_unit_test(some_come_while_others_are_taken),
        cmocka_unit_test(what_waits_can_be_dropped),
        cmocka_unit_test(a_huge_event_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
