// SPDX-License-Identifier: Apache-2.0
// The messages in hand, with requests (sqs/batches.h) that the test answers, and that take their time.
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "sqs/batches.h"
#include "sqs/holding.h"
#include "support/loop.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum {
    SECOND_US = 1000000,
    VISIBLE_US = 2 * SECOND_US,
    MESSAGES = 200,
    REQUESTS_MAX = 1000,
    REQUEST_COST_US = 60
};

// Defined here it takes the place of the C library's: a machine that has slept for so long.
static time_t slept_s;

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc has reserved ones
int clock_gettime(clockid_t id, struct timespec *ret) {
    int result = (int)syscall(SYS_clock_gettime, id, ret);
    ret->tv_sec += id == CLOCK_BOOTTIME ? slept_s : 0;
    return result;
}

struct batches {
    enum batches_action action;
    int64_t timeout_us;
    struct batches_listener listener;
};

static struct fixture {
    struct event_base *base;
    struct holding *holding;
    struct {
        struct batches *batches;
        void *item; // NULL: answered
    } requests[REQUESTS_MAX];
    int request_count;
    int freed;
    int overdue;
} * fixture;

struct batches *batches_new(struct event_base *base, struct queue *queue, enum batches_action action,
                            int64_t timeout_us, const struct batches_listener *listener) {
    (void)base;
    (void)queue;
    struct batches *batches = memory_allocate(1, sizeof *batches);
    *batches = (struct batches){action, timeout_us, *listener};
    return batches;
}

void batches_limit(struct batches *batches, int64_t timeout_us) {
    assert_true(timeout_us < batches->timeout_us);
    batches->timeout_us = timeout_us;
}

void batches_free(struct batches *batches) {
    free(batches);
}

void batches_flush(struct batches *batches) {
    (void)batches;
}

// No message has two requests at a time. One takes a while to be made, so that the clock the loop has cached
// for its timers falls behind.
void batches_add(struct batches *batches, const char *handle, int seconds, void *item) {
    (void)handle;
    (void)seconds;
    for (int index = 0; index < fixture->request_count; index++) {
        assert_ptr_not_equal(fixture->requests[index].item, item);
    }
    assert_true(fixture->request_count < REQUESTS_MAX);
    fixture->requests[fixture->request_count].batches = batches;
    fixture->requests[fixture->request_count++].item = item;
    for (int64_t end = clock_boot_us() + REQUEST_COST_US; clock_boot_us() < end;) {
    }
}

static void answer_asked_at(int index, enum entry_outcome outcome, int64_t asked_at) {
    const struct entry_result result = {
        .outcome = outcome, .asked_at = asked_at, .failure = AWS_FAILURE_OTHER, .reason = ""};
    struct batches *batches = fixture->requests[index].batches;
    void *item = fixture->requests[index].item;
    fixture->requests[index].item = NULL;
    batches->listener.answered(batches->listener.context, item, &result);
}

static void answer(int index, enum entry_outcome outcome) {
    answer_asked_at(index, outcome, clock_boot_us());
}

static void on_freed(void *context) {
    ((struct fixture *)context)->freed++;
}

static void on_overdue(void *context) {
    ((struct fixture *)context)->overdue++;
}

static int set_up(void **state) {
    (void)state;
    static const struct settings settings = {.retry_base = SECOND_US,
                                             .retry_max = SECOND_US,
                                             .visibility_timeout = VISIBLE_US,
                                             .request_timeout = 10 * SECOND_US};
    fixture = memory_allocate(1, sizeof *fixture);
    fixture->base = event_base_new();
    fixture->holding = holding_new(fixture->base, NULL, &settings,
                                   &(struct holding_listener){fixture, on_freed, on_overdue});
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    holding_free(fixture->holding);
    event_base_free(fixture->base);
    free(fixture);
    return 0;
}

static struct held *take(size_t bytes) {
    return holding_take(fixture->holding, "handle", bytes, 1, clock_boot_us());
}

static bool all_are_overdue(void *context) {
    return ((struct fixture *)context)->overdue >= MESSAGES;
}

// Each is told of once, when its extension is not answered in time, also where its timer runs early.
static void an_extension_under_way_is_not_asked_for_again(void **state) {
    struct held *held[MESSAGES];

    (void)state;
    for (int index = 0; index < MESSAGES; index++) { // they become due one after the other
        held[index] = holding_take(fixture->holding, "handle", 0, 1, clock_boot_us() - (int64_t)index * 997);
    }
    assert_true(loop_until(fixture->base, all_are_overdue, fixture));
    loop_settle(fixture->base);
    assert_int_equal(fixture->overdue, MESSAGES);
    assert_int_equal(fixture->request_count, MESSAGES);
    for (int index = 0; index < MESSAGES; index++) {
        answer(index, ENTRY_DONE); // late
        holding_delete(held[index]);
    }
    assert_int_equal(fixture->request_count, 2 * MESSAGES);
    for (int index = MESSAGES; index < 2 * MESSAGES; index++) {
        answer(index, ENTRY_DONE);
    }
    assert_int_equal(fixture->freed, MESSAGES);
    assert_int_equal(holding_count(fixture->holding), 0);
}

// What has failed and waits for its next attempt does not wait for it when the time is over.
static void what_waits_to_be_asked_again_can_be_hurried(void **state) {
    enum { DELETED, GIVEN_BACK, UNDECIDED, COUNT };
    struct held *held[COUNT];

    (void)state;
    for (int index = 0; index < COUNT; index++) {
        held[index] = take(0);
    }
    holding_delete(held[DELETED]);
    holding_give_back(held[GIVEN_BACK]);
    answer(DELETED, ENTRY_AGAIN);
    answer(GIVEN_BACK, ENTRY_AGAIN);
    assert_int_equal(fixture->request_count, 2);
    holding_hurry(fixture->holding, SECOND_US / 5);
    assert_int_equal(fixture->request_count, 4); // the newest first
    for (int index = 2; index < fixture->request_count; index++) {
        assert_int_equal(fixture->requests[index].batches->timeout_us, SECOND_US / 10);
        answer(index, ENTRY_DONE);
    }
    assert_int_equal(holding_count(fixture->holding), 1);
    assert_int_equal(holding_undecided(fixture->holding), 1);
}

static void what_comes_into_view_while_the_machine_sleeps_is_not_given_back(void **state) {
    (void)state;
    struct held *held = take(0);
    slept_s += 60;
    holding_give_back(held);
    assert_int_equal(fixture->request_count, 0);
    assert_int_equal(fixture->freed, 1);
}

static void what_was_hidden_for_its_time_already_is_not_given_back(void **state) {
    (void)state;
    int64_t since = clock_boot_us() - VISIBLE_US;
    holding_give_back(holding_take(fixture->holding, "handle", 0, 1, since));
    assert_int_equal(fixture->request_count, 0);
    assert_int_equal(fixture->freed, 1);
}

static bool has_request(void *context) {
    return ((struct fixture *)context)->request_count > 0;
}

// Its answer comes after the machine has slept: by then the message is in view again.
static void an_extension_counts_from_when_it_was_asked_for(void **state) {
    (void)state;
    int64_t since = clock_boot_us() - VISIBLE_US / 2;
    struct held *held = holding_take(fixture->holding, "handle", 0, 1, since);
    assert_true(loop_until(fixture->base, has_request, fixture));
    int64_t asked_at = clock_boot_us();
    slept_s += 60;
    answer_asked_at(0, ENTRY_DONE, asked_at);
    holding_give_back(held);
    assert_int_equal(fixture->request_count, 1);
    assert_int_equal(fixture->freed, 1);
}

// Deletes a message, and fails so many times; each attempt is hurried, with less and less time left.
static void delete_in_vain(struct held *held, int attempts) {
    int64_t left_us = SECOND_US / 5;
    holding_delete(held);
    for (int attempt = 0; attempt < attempts; attempt++) {
        assert_int_equal(fixture->freed, 0);
        answer(fixture->request_count - 1, ENTRY_AGAIN);
        holding_hurry(fixture->holding, left_us);
        left_us /= 2;
    }
}

static void a_deletion_that_comes_too_late_is_tried_three_times(void **state) {
    (void)state;
    struct held *held = take(0);
    slept_s += 60;
    delete_in_vain(held, 3);
    assert_int_equal(fixture->request_count, 3);
    assert_int_equal(fixture->freed, 1);
}

static void a_deletion_is_tried_again_while_the_message_is_hidden(void **state) {
    (void)state;
    delete_in_vain(take(0), 6);
    assert_int_equal(fixture->request_count, 7);
    assert_int_equal(fixture->freed, 0);
    slept_s += 60;
    answer(6, ENTRY_AGAIN);
    assert_int_equal(fixture->freed, 1);
}

static void what_cannot_be_deleted_counts_neither_as_deleted_nor_as_returned(void **state) {
    (void)state;
    int64_t deleted = metric_total(METRIC_DELETED), returned = metric_total(METRIC_RETURNED);
    holding_delete(take(0));
    answer(0, ENTRY_REFUSED);
    assert_int_equal(fixture->freed, 1);
    assert_int_equal(metric_total(METRIC_DELETED), deleted);
    assert_int_equal(metric_total(METRIC_RETURNED), returned);
    holding_give_back(take(0));
    assert_int_equal(metric_total(METRIC_RETURNED), returned + 1);
    assert_int_equal(holding_given_back(fixture->holding), 1);
}

// 32 MiB may be held.
static void there_is_room_for_so_many_bytes_of_undecided_messages(void **state) {
    enum { MIB = 1 << 20, COUNT = 32 };
    struct held *held[COUNT];

    (void)state;
    for (int index = 0; index < COUNT; index++) {
        held[index] = take(MIB);
        assert_int_equal(holding_room(fixture->holding), COUNT - index - 1);
    }
    struct held *too_much = take(MIB);
    assert_int_equal(holding_room(fixture->holding), 0);
    holding_give_back_later(too_much); // it is still there
    assert_int_equal(holding_room(fixture->holding), 0);
    holding_give_back_marked(fixture->holding);
    holding_delete(held[0]);
    holding_put_off(held[1], 0);
    holding_give_back(held[2]);
    assert_int_equal(holding_room(fixture->holding), 3);
    assert_int_equal(holding_count(fixture->holding), COUNT + 1); // nothing is answered
}

static void there_is_always_room_for_one(void **state) {
    (void)state;
    assert_true(holding_room(fixture->holding) > 0);
    struct held *large = take(100 << 20);
    assert_int_equal(holding_room(fixture->holding), 0);
    holding_delete(large);
    assert_int_equal(holding_room(fixture->holding), 1);
    struct held *empty = take(0);
    assert_int_equal(holding_room(fixture->holding), 0); // another large one would not fit
    holding_delete(empty);
    assert_int_equal(holding_room(fixture->holding), 1);
}

// Of small messages there is more room than is ever used, and a large one between them changes that little.
static void a_large_message_leaves_room_for_small_ones(void **state) {
    (void)state;
    for (int index = 0; index < MESSAGES; index++) {
        take(1000);
    }
    assert_true(holding_room(fixture->holding) > 30000);
    take(1 << 20);
    assert_in_range(holding_room(fixture->holding), 200, 300);
    for (int index = 0; index < MESSAGES; index++) {
        take(1000);
    }
    assert_true(holding_room(fixture->holding) > 20000);
}

static int quiet(void **state) {
    (void)state;
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_extension_under_way_is_not_asked_for_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_to_be_asked_again_can_be_hurried, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_into_view_while_the_machine_sleeps_is_not_given_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_hidden_for_its_time_already_is_not_given_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_extension_counts_from_when_it_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deletion_that_comes_too_late_is_tried_three_times, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deletion_is_tried_again_while_the_message_is_hidden, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_deleted_counts_neither_as_deleted_nor_as_returned,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_is_room_for_so_many_bytes_of_undecided_messages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(there_is_always_room_for_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_message_leaves_room_for_small_ones, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
