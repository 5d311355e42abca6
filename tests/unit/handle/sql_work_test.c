// SPDX-License-Identifier: Apache-2.0
// How events share transactions, and what becomes of them when one of these fails: handle/sql_work.h,
// handle/sql_batch.h and handle/sql_fault.h.
#include "handle/sql_batch.h"
#include "handle/sql_work.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TASKS = 60 };

static struct sql_work work;
static struct sql_queue queue;
static struct domain_event events[TASKS];
static struct sql_task tasks[TASKS];

// Queues `count` events, the last one first.
static void fill(int count, size_t json_length) {
    work = (struct sql_work){0};
    queue = (struct sql_queue){0};
    memset(tasks, 0, sizeof tasks);
    for (int index = count - 1; index >= 0; index--) {
        snprintf(events[index].event_id, sizeof events[index].event_id, "00000000-0000-4000-8000-%012d",
                 index);
        events[index].json.length = json_length;
        tasks[index].event = &events[index];
        sql_queue_push(&queue, &tasks[index]);
    }
}

static void take(int count) {
    fill(count, 10);
    sql_work_take(&work, &queue, TASKS);
}

static void assert_order(const char *numbers) {
    char actual[4 * TASKS] = "";
    for (int index = 0; index < work.count; index++) {
        size_t length = strlen(actual);
        snprintf(actual + length, sizeof actual - length, "%s%d", index > 0 ? " " : "",
                 (int)(work.tasks[index] - tasks));
    }
    assert_string_equal(actual, numbers);
}

static void events_are_taken_by_number_and_bytes(void **state) {
    (void)state;
    fill(5, 10);
    sql_work_take(&work, &queue, 3);
    assert_order("2 3 4"); // those that came first, sorted
    work.count = 0;
    sql_work_take(&work, &queue, 3);
    assert_order("0 1");
    assert_null(queue.first);
    fill(5, SQL_BATCH_BYTES / 2);
    sql_work_take(&work, &queue, 5);
    assert_int_equal(work.count, 2);
    fill(2, SQL_BATCH_BYTES + 1);
    sql_work_take(&work, &queue, 5);
    assert_int_equal(work.count, 1);
}

static void queue_can_be_used_again(void **state) {
    (void)state;
    fill(1, 10);
    assert_ptr_equal(sql_queue_pop(&queue), &tasks[0]);
    assert_null(sql_queue_pop(&queue));
    sql_queue_push(&queue, &tasks[0]);
    assert_ptr_equal(sql_queue_pop(&queue), &tasks[0]);
}

static void all_goes_well(void **state) {
    (void)state;
    take(5);
    assert_int_equal(sql_work_begin(&work, 3), 3);
    sql_work_done(&work);
    assert_order("3 4");
    assert_int_equal(sql_work_begin(&work, 3), 2);
    sql_work_done(&work);
    assert_int_equal(sql_work_begin(&work, 3), 0);
}

static void the_good_run_first_then_the_culprit_alone(void **state) {
    (void)state;
    take(8);
    assert_int_equal(sql_work_begin(&work, 8), 8);
    assert_null(sql_work_refused(&work, 5, FAULT_EVENT));
    assert_order("0 1 2 3 4 5 6 7");
    assert_int_equal(sql_work_begin(&work, 4), 5); // known to be good, whatever the limit
    sql_work_done(&work);
    assert_int_equal(sql_work_begin(&work, 4), 1);
    assert_ptr_equal(sql_work_refused(&work, 0, FAULT_EVENT), &tasks[5]); // only now
    assert_order("6 7");
    assert_int_equal(sql_work_begin(&work, 1), 1);
    sql_work_done(&work);
    assert_order("7");
}

static void what_fails_among_others_may_succeed_alone(void **state) {
    (void)state;
    take(3);
    sql_work_begin(&work, 3);
    assert_null(sql_work_refused(&work, 0, FAULT_EVENT));
    assert_int_equal(sql_work_begin(&work, 3), 1);
    sql_work_done(&work);
    assert_order("1 2");
    assert_int_equal(sql_work_begin(&work, 3), 2);
}

static void the_first_and_the_last_as_culprits(void **state) {
    (void)state;
    take(3);
    sql_work_begin(&work, 3);
    assert_ptr_equal(sql_work_refused(&work, 0, FAULT_DATABASE), &tasks[0]);
    assert_int_equal(sql_work_begin(&work, 1), 1);
    sql_work_done(&work);
    assert_int_equal(sql_work_begin(&work, 1), 1);
    assert_ptr_equal(sql_work_refused(&work, 0, FAULT_EVENT), &tasks[2]);
    assert_int_equal(sql_work_begin(&work, 1), 0);
    take(3);
    sql_work_begin(&work, 3);
    assert_ptr_equal(sql_work_refused(&work, 2, FAULT_DATABASE), &tasks[2]);
    assert_int_equal(sql_work_begin(&work, 1), 2);
    sql_work_done(&work);
    assert_int_equal(work.count, 0);
}

static void a_commit_that_fails_has_no_culprit(void **state) {
    (void)state;
    take(5);
    assert_int_equal(sql_work_begin(&work, 3), 3);
    assert_null(sql_work_refused(&work, SQL_NO_CULPRIT, FAULT_EVENT));
    assert_order("0 1 2 3 4");
    assert_int_equal(sql_work_begin(&work, 5), 1);
    sql_work_done(&work);
    assert_int_equal(sql_work_begin(&work, 5), 1);
    assert_ptr_equal(sql_work_refused(&work, SQL_NO_CULPRIT, FAULT_EVENT), &tasks[1]);
    assert_int_equal(sql_work_begin(&work, 5), 1);
    sql_work_done(&work);
    assert_order("3 4");
    assert_int_equal(sql_work_begin(&work, 5), 2); // those were not in it
}

static void one_that_must_be_alone_ends_a_batch(void **state) {
    (void)state;
    take(4);
    tasks[2].alone = true;
    assert_int_equal(sql_work_begin(&work, 4), 2);
    sql_work_done(&work);
    assert_int_equal(sql_work_begin(&work, 4), 1);
    sql_work_done(&work);
    assert_int_equal(sql_work_begin(&work, 4), 1);
}

static void nobodys_fault_is_tried_again_but_not_for_ever(void **state) {
    (void)state;
    take(3);
    for (int try = 0; try < SQL_CONFLICTS_MAX; try++) {
        sql_work_begin(&work, 3);
        assert_null(sql_work_refused(&work, 0, FAULT_NOBODY));
        assert_order("0 1 2");
    }
    sql_work_begin(&work, 3);
    assert_ptr_equal(sql_work_refused(&work, 0, FAULT_NOBODY), &tasks[0]);
    assert_order("1 2");
    sql_work_begin(&work, 3);
    assert_null(sql_work_refused(&work, 1, FAULT_NOBODY));
    assert_int_equal(sql_work_begin(&work, 3), 1); // the one before it was good
}

static void batches_grow_and_shrink(void **state) {
    struct sql_batch batch;
    (void)state;
    sql_batch_init(&batch, 50);
    assert_int_equal(batch.now, 1);
    for (int round = 0; round < 20; round++) {
        sql_batch_succeeded(&batch, batch.now, 1000);
    }
    assert_int_equal(batch.now, 50);
    sql_batch_failed(&batch, 50);
    assert_int_equal(batch.now, 25);
    sql_batch_failed(&batch, 8);
    assert_int_equal(batch.now, 4);
    sql_batch_succeeded(&batch, 3, 1000); // not full: nothing is learnt
    assert_int_equal(batch.now, 4);
    sql_batch_succeeded(&batch, 4, 300000); // neither quick nor slow
    assert_int_equal(batch.now, 4);
    sql_batch_succeeded(&batch, 4, 600000);
    assert_int_equal(batch.now, 2);
    sql_batch_failed(&batch, 2);
    sql_batch_failed(&batch, 1);
    assert_int_equal(batch.now, 1);
    sql_batch_init(&batch, 1);
    sql_batch_succeeded(&batch, 1, 1000);
    assert_int_equal(batch.now, 1);
}

static void after_a_conflict_batches_stay_small_for_a_while(void **state) {
    struct sql_batch batch;
    int rounds = 0;
    (void)state;
    sql_batch_init(&batch, 50);
    batch.now = 40;
    sql_batch_conflicted(&batch, 40);
    assert_int_equal(batch.now, 20);
    while (batch.now == 20 && rounds < 1000) {
        sql_batch_succeeded(&batch, 20, 1000);
        rounds++;
    }
    assert_int_equal(rounds, 101);
}

static void whose_fault_an_error_is(void **state) {
    (void)state;
    assert_int_equal(sql_fault_of("40P01"), FAULT_NOBODY);
    assert_int_equal(sql_fault_of("40001"), FAULT_NOBODY);
    assert_int_equal(sql_fault_of("55P03"), FAULT_NOBODY);
    assert_int_equal(sql_fault_of("25006"), FAULT_STANDBY);
    assert_int_equal(sql_fault_of("57014"), FAULT_EVENT);
    assert_int_equal(sql_fault_of("23505"), FAULT_EVENT);
    assert_int_equal(sql_fault_of("P0001"), FAULT_EVENT);
    assert_int_equal(sql_fault_of("53100"), FAULT_DATABASE);
    assert_int_equal(sql_fault_of("57P01"), FAULT_DATABASE);
    assert_int_equal(sql_fault_of("08006"), FAULT_DATABASE);
    assert_int_equal(sql_fault_of("58030"), FAULT_DATABASE);
    assert_int_equal(sql_fault_of(""), FAULT_EVENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_taken_by_number_and_bytes),
        cmocka_unit_test(queue_can_be_used_again),
        cmocka_unit_test(all_goes_well),
        cmocka_unit_test(the_good_run_first_then_the_culprit_alone),
        cmocka_unit_test(what_fails_among_others_may_succeed_alone),
        cmocka_unit_test(the_first_and_the_last_as_culprits),
        cmocka_unit_test(a_commit_that_fails_has_no_culprit),
        cmocka_unit_test(one_that_must_be_alone_ends_a_batch),
        cmocka_unit_test(nobodys_fault_is_tried_again_but_not_for_ever),
        cmocka_unit_test(batches_grow_and_shrink),
        cmocka_unit_test(after_a_conflict_batches_stay_small_for_a_while),
        cmocka_unit_test(whose_fault_an_error_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
