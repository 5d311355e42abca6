// SPDX-License-Identifier: Apache-2.0
// Batches that are taken apart: what is left is byte for byte the batch that was made of the same messages at
// once, with the places and deliveries of its entries.
#include "sns/batch.h"
#include "sns/form.h"
#include "support/form_reader.h"

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

#define TOPIC "arn:aws:sns:eu-west-1:123456789012:orders"

// An attribute's value with what stands between and before the fields of a form.
#define HOSTILE "&PublishBatchRequestEntries.member.1.Id=7&Id=8"

static struct sns_topic *const topic = NULL;

static void compose(struct message *message, int row) {
    message_free(message);
    message_init(message);
    buffer_append_format(&message->body, "{\"n\":%d,\"text\":\"%.*s" HOSTILE "\"}", row, row, "xxxxxxxxxx");
    message->attributes[0] = (struct message_attribute){"hostile", slice_of_text(HOSTILE)};
    message->attribute_count = 1;
    message->size = 100 + (size_t)row;
}

static void add(struct batch *batch, int row, bool grouped) {
    struct message message;
    char group[16];
    char deduplication[16];

    message_init(&message);
    compose(&message, row);
    snprintf(group, sizeof group, "group.%d", row);
    snprintf(deduplication, sizeof deduplication, "Id=%d", row);
    batch_add(batch, (struct delivery){batch, row}, &message, grouped ? group : NULL,
              grouped ? deduplication : NULL);
    message_free(&message);
}

static struct batch *make(const int *rows, bool grouped) {
    struct batch *batch = batch_new();

    batch_begin(batch, topic, TOPIC);
    for (; *rows >= 0; rows++) {
        add(batch, *rows, grouped);
    }
    return batch;
}

// The batch is the one that is made of these rows, and a reader finds its entries by their new numbers.
static void assert_batch(const struct batch *batch, const int *rows, bool grouped) {
    struct batch *expected = make(rows, grouped);
    struct form form;

    assert_int_equal(batch->count, expected->count);
    assert_int_equal(batch->size, expected->size);
    assert_int_equal(batch->form.length, expected->form.length);
    assert_memory_equal(batch->form.data, expected->form.data, expected->form.length);
    assert_false(batch->form.overflow);
    assert_true(form_read(&form, (struct slice){batch->form.data, batch->form.length}));
    assert_int_equal(form_entry_count(&form), batch->count);
    for (int index = 0; index < batch->count; index++) {
        char id[16];
        char body[24];
        snprintf(id, sizeof id, "%d", index);
        // There are as many rows as entries, as asserted above.
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
        snprintf(body, sizeof body, "{\"n\":%d,", rows[index]);
        assert_string_equal(form_entry_value(&form, index, "Id"), id);
        assert_memory_equal(form_entry_value(&form, index, "Message"), body, strlen(body));
        assert_string_equal(form_attribute(&form, index, "hostile"), HOSTILE);
        assert_int_equal(batch->entries[index].delivery.row, rows[index]);
        assert_int_equal(batch->entries[index].offset, expected->entries[index].offset);
        assert_int_equal(batch->entries[index].size, expected->entries[index].size);
    }
    form_free(&form);
    batch_free(expected);
}

#define ROWS(...) ((const int[]){__VA_ARGS__, -1})

static const int all_rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1};

static void holds_what_is_added(void **state) {
    (void)state;
    for (int grouped = 0; grouped < 2; grouped++) {
        struct batch *batch = make(all_rows, grouped);
        assert_int_equal(batch->count, 10);
        assert_int_equal(batch->size, 1045);
        assert_batch(batch, all_rows, grouped);
        batch_free(batch);
    }
}

// Every choice of entries there is.
static void keeps_any_choice_of_entries(void **state) {
    (void)state;
    for (int choice = 0; choice < 1 << 10; choice++) {
        bool grouped = choice % 2 == 0;
        struct batch *batch = make(all_rows, grouped);
        bool keep[SNS_BATCH_MAX] = {false};
        int rows[SNS_BATCH_MAX + 1];
        int count = 0;
        for (int row = 0; row < 10; row++) {
            keep[row] = (choice >> row & 1) != 0;
            rows[count] = row;
            count += keep[row];
        }
        rows[count] = -1;
        batch_keep(batch, TOPIC, keep);
        assert_batch(batch, rows, grouped);
        batch_free(batch);
    }
}

static void keeps_again_what_was_kept(void **state) {
    struct batch *batch = make(all_rows, true);

    (void)state;
    batch_keep(batch, TOPIC, (bool[SNS_BATCH_MAX]){[1] = true, [4] = true, [5] = true, [9] = true});
    batch_keep(batch, TOPIC, (bool[SNS_BATCH_MAX]){[1] = true, [3] = true});
    assert_batch(batch, ROWS(4, 9), true);
    add(batch, 7, true);
    assert_batch(batch, ROWS(4, 9, 7), true);
    batch_free(batch);
}

static void splits_in_halves(void **state) {
    (void)state;
    for (int count = 2; count <= 10; count++) {
        int first[SNS_BATCH_MAX + 1];
        int second[SNS_BATCH_MAX + 1];
        struct batch *batch = batch_new();
        struct batch *other = batch_new();
        batch_begin(batch, topic, TOPIC);
        batch_begin(other, topic, TOPIC);
        for (int row = 0; row < count; row++) {
            add(batch, row, true);
            *(row < count / 2 ? &first[row] : &second[row - count / 2]) = row;
        }
        first[count / 2] = second[count - count / 2] = -1;
        batch_split(batch, TOPIC, other);
        assert_batch(batch, first, true);
        assert_batch(other, second, true);
        batch_free(batch);
        batch_free(other);
    }
}

static void splits_down_to_single_entries(void **state) {
    struct batch *batches[16] = {make(all_rows, false)};
    int count = 1;

    (void)state;
    for (int index = 0; index < count; index++) {
        while (batches[index]->count > 1) {
            batches[count] = batch_new();
            batch_begin(batches[count], topic, TOPIC);
            batch_split(batches[index], TOPIC, batches[count++]);
        }
    }
    assert_int_equal(count, 10);
    for (int index = 0; index < count; index++) {
        int row = batches[index]->entries[0].delivery.row;
        assert_batch(batches[index], ROWS(row), false);
        batch_free(batches[index]);
    }
}

static void takes_an_entry_that_was_encoded_before(void **state) {
    struct batch *batch = make(ROWS(3, 5), true);
    struct batch *source = make(ROWS(8), true);
    struct slice encoded = {source->form.data + source->entries[0].offset,
                            source->form.length - source->entries[0].offset};

    (void)state;
    batch_take(batch, &source->entries[0], encoded);
    assert_batch(batch, ROWS(3, 5, 8), true);
    batch_free(batch);
    batch_free(source);
}

static void begins_anew(void **state) {
    struct batch *batch = make(all_rows, true);

    (void)state;
    batch->retry.retries = 2;
    batch->retry_at = 77;
    batch_begin(batch, topic, TOPIC);
    assert_int_equal(batch->retry.retries, 0);
    assert_int_equal(batch->retry_at, 0);
    add(batch, 4, false);
    assert_batch(batch, ROWS(4), false);
    batch_free(batch);
}

static void keeping_does_not_forget_the_attempts(void **state) {
    struct batch *batch = make(all_rows, true);

    (void)state;
    batch->retry.retries = 2;
    batch_keep(batch, TOPIC, (bool[SNS_BATCH_MAX]){[3] = true});
    assert_int_equal(batch->retry.retries, 2);
    batch_free(batch);
}

static void queues_in_order_and_at_the_front(void **state) {
    struct batch *one = batch_new();
    struct batch *two = batch_new();
    struct batch *three = batch_new();
    struct batch_queue queue = {0};

    (void)state;
    batch_push_front(&queue, two);
    batch_push(&queue, three);
    batch_push_front(&queue, one);
    assert_ptr_equal(batch_pop(&queue), one);
    assert_ptr_equal(batch_pop(&queue), two);
    assert_ptr_equal(batch_pop(&queue), three);
    assert_null(queue.first);
    assert_null(queue.last);
    batch_push(&queue, two);
    assert_ptr_equal(batch_pop(&queue), two);
    batch_free(one);
    batch_free(two);
    batch_free(three);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_is_added),
        cmocka_unit_test(keeps_any_choice_of_entries),
        cmocka_unit_test(keeps_again_what_was_kept),
        cmocka_unit_test(splits_in_halves),
        cmocka_unit_test(splits_down_to_single_entries),
        cmocka_unit_test(takes_an_entry_that_was_encoded_before),
        cmocka_unit_test(begins_anew),
        cmocka_unit_test(keeping_does_not_forget_the_attempts),
        cmocka_unit_test(queues_in_order_and_at_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
