// SPDX-License-Identifier: Apache-2.0
// The PublishBatch form, decoded again: every parameter by name, every byte of every value; and group ids.
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

enum { LIMIT = 1 << 20 };

static void set_body(struct message *message, const void *bytes, size_t length) {
    message_free(message);
    message_init(message);
    buffer_append(&message->body, bytes, length);
}

static void read_back(struct form *form, const struct buffer *buffer) {
    assert_false(buffer->overflow);
    assert_true(form_read(form, (struct slice){buffer->data, buffer->length}));
}

static void assert_field(const struct form *form, const char *name, const char *expected) {
    const struct form_field *field = form_value(form, name);

    assert_non_null(field);
    assert_int_equal(field->length, strlen(expected));
    assert_string_equal(field->value, expected);
}

static void writes_the_exact_text(void **state) {
    struct buffer buffer;
    struct message message;

    (void)state;
    buffer_init(&buffer, LIMIT);
    message_init(&message);
    set_body(&message, "{\"a\":1}", 7);
    message.attributes[0] = (struct message_attribute){"event-id", slice_of_text("e 1")};
    message.attribute_count = 1;
    sns_form_begin(&buffer, TOPIC);
    sns_form_add(&buffer, 0, &message, "g", "d");
    assert_string_equal(
        buffer_text(&buffer),
        "Action=PublishBatch&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A"
        "123456789012%3Aorders&PublishBatchRequestEntries.member.1.Id=0"
        "&PublishBatchRequestEntries.member.1.Message=%7B%22a%22%3A1%7D"
        "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name=event-id"
        "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.DataType=String"
        "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.StringValue=e%201"
        "&PublishBatchRequestEntries.member.1.MessageGroupId=g"
        "&PublishBatchRequestEntries.member.1.MessageDeduplicationId=d");
    buffer_free(&buffer);
    message_free(&message);
}

static void assert_entry(const struct form *form, int index) {
    char expected[32];
    char name[160];

    snprintf(expected, sizeof expected, "%d", index);
    assert_string_equal(form_entry_value(form, index, "Id"), expected);
    snprintf(expected, sizeof expected, "{\"n\":%d}", index);
    assert_string_equal(form_entry_value(form, index, "Message"), expected);
    for (int number = 1; number <= MESSAGE_ATTRIBUTES_MAX; number++) {
        snprintf(name, sizeof name, "MessageAttributes.entry.%d.Value.DataType", number);
        assert_string_equal(form_entry_value(form, index, name), "String");
        snprintf(name, sizeof name, "attribute-%d", number);
        snprintf(expected, sizeof expected, "value %d of %d", number, index);
        assert_string_equal(form_attribute(form, index, name), expected);
    }
    assert_null(form_entry_value(form, index, "MessageGroupId"));
    assert_null(form_entry_value(form, index, "MessageDeduplicationId"));
}

static void compose_entry(struct message *message, int index, char values[][32]) {
    static const char *const names[MESSAGE_ATTRIBUTES_MAX] = {"attribute-1", "attribute-2", "attribute-3",
                                                              "attribute-4", "attribute-5", "attribute-6"};
    char body[32];
    int length = snprintf(body, sizeof body, "{\"n\":%d}", index);

    set_body(message, body, (size_t)length);
    for (int number = 0; number < MESSAGE_ATTRIBUTES_MAX; number++) {
        snprintf(values[number], 32, "value %d of %d", number + 1, index);
        message->attributes[number] =
            (struct message_attribute){names[number], slice_of_text(values[number])};
    }
    message->attribute_count = MESSAGE_ATTRIBUTES_MAX;
}

static void writes_one_to_ten_entries(void **state) {
    char values[MESSAGE_ATTRIBUTES_MAX][32];
    struct message message;

    (void)state;
    message_init(&message);
    for (int count = 1; count <= 10; count++) {
        struct buffer buffer;
        struct form form;
        buffer_init(&buffer, LIMIT);
        sns_form_begin(&buffer, TOPIC);
        for (int index = 0; index < count; index++) {
            compose_entry(&message, index, values);
            sns_form_add(&buffer, index, &message, NULL, NULL);
        }
        read_back(&form, &buffer);
        assert_field(&form, "Action", "PublishBatch");
        assert_field(&form, "Version", "2010-03-31");
        assert_field(&form, "TopicArn", TOPIC);
        assert_int_equal(form_entry_count(&form), count);
        assert_int_equal(form.count, 3 + count * (2 + 3 * MESSAGE_ATTRIBUTES_MAX));
        for (int index = 0; index < count; index++) {
            assert_entry(&form, index);
        }
        form_free(&form);
        buffer_free(&buffer);
    }
    message_free(&message);
}

static void carries_every_byte(void **state) {
    char bytes[256];
    struct buffer buffer;
    struct message message;
    struct form form;

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bytes[byte] = (char)byte;
    }
    buffer_init(&buffer, LIMIT);
    message_init(&message);
    set_body(&message, bytes, sizeof bytes);
    message.attributes[0] = (struct message_attribute){"all", {bytes, sizeof bytes}};
    message.attribute_count = 1;
    sns_form_begin(&buffer, TOPIC);
    sns_form_add(&buffer, 0, &message, NULL, NULL);
    read_back(&form, &buffer);
    static const char *const names[] = {
        "PublishBatchRequestEntries.member.1.Message",
        "PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.StringValue"};
    for (size_t index = 0; index < 2; index++) {
        const struct form_field *field = form_value(&form, names[index]);
        assert_int_equal(field->length, sizeof bytes);
        assert_memory_equal(field->value, bytes, sizeof bytes);
    }
    form_free(&form);
    buffer_free(&buffer);
    message_free(&message);
}

static void reports_a_full_buffer(void **state) {
    struct buffer buffer;
    struct message message;

    (void)state;
    buffer_init(&buffer, 256);
    message_init(&message);
    set_body(&message, (char[300]){0}, 300);
    sns_form_begin(&buffer, TOPIC);
    assert_false(buffer.overflow);
    sns_form_add(&buffer, 0, &message, NULL, NULL);
    assert_true(buffer.overflow);
    buffer_free(&buffer);
    message_free(&message);
}

// Values that look like a form's fields, as they are and percent-encoded, in each place where a value stands.
static void set_hostile(struct message *message, const char *value) {
    set_body(message, value, strlen(value));
    message->attributes[0] = (struct message_attribute){"event-id", slice_of_text(value)};
    message->attributes[1] = (struct message_attribute){"Id", slice_of_text(value)};
    message->attribute_count = 2;
}

static struct slice entry_of(struct buffer *buffer, int index, const struct message *message,
                             const char *text) {
    sns_form_add(buffer, index, message, text, text);
    return (struct slice){buffer->data, buffer->length};
}

// Taking an entry gives what adding its message would have given, whatever number it had.
static void takes_entries_as_any_number(void **state) {
    static const char *const values[] = {
        "{}",
        "&PublishBatchRequestEntries.member.3.Id=2",
        "%26PublishBatchRequestEntries.member.3.Id%3D2",
        "&PublishBatchRequestEntries.member.1.Message=&PublishBatchRequestEntries.member.2.MessageGroupId=x",
        "Id=5&Id=6",
        ".Id=5.",
        "&&&===...%%%",
        "member.1.member.10.",
        "",
    };
    struct message message;

    (void)state;
    message_init(&message);
    for (size_t value = 0; value < sizeof values / sizeof values[0]; value++) {
        set_hostile(&message, values[value]);
        for (int pair = 0; pair < 100; pair++) {
            struct buffer from, taken, expected;
            const char *group = pair % 3 == 0 ? NULL : values[value];
            buffer_init(&from, LIMIT);
            buffer_init(&taken, LIMIT);
            buffer_init(&expected, LIMIT);
            struct slice entry = entry_of(&from, pair / 10, &message, group);
            sns_form_begin(&taken, TOPIC);
            sns_form_take(&taken, pair % 10, entry);
            sns_form_begin(&expected, TOPIC);
            sns_form_add(&expected, pair % 10, &message, group, group);
            assert_string_equal(buffer_text(&taken), buffer_text(&expected));
            buffer_free(&from);
            buffer_free(&taken);
            buffer_free(&expected);
        }
    }
    message_free(&message);
}

static void takes_every_byte(void **state) {
    char bytes[256];
    struct buffer from, taken;
    struct message message;
    struct form form;

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bytes[byte] = (char)byte;
    }
    buffer_init(&from, LIMIT);
    buffer_init(&taken, LIMIT);
    message_init(&message);
    set_body(&message, bytes, sizeof bytes);
    sns_form_add(&from, 9, &message, NULL, NULL);
    sns_form_begin(&taken, TOPIC);
    sns_form_take(&taken, 0, (struct slice){from.data, from.length});
    read_back(&form, &taken);
    assert_string_equal(form_entry_value(&form, 0, "Id"), "0");
    const struct form_field *field = form_value(&form, "PublishBatchRequestEntries.member.1.Message");
    assert_int_equal(field->length, sizeof bytes);
    assert_memory_equal(field->value, bytes, sizeof bytes);
    assert_int_equal(form_entry_count(&form), 1);
    assert_int_equal(form.count, 3 + 2);
    form_free(&form);
    buffer_free(&from);
    buffer_free(&taken);
    message_free(&message);
}

static void assert_group(const char *aggregate_id, const char *expected) {
    char group_id[SNS_GROUP_ID_MAX + 1];

    sns_group_id(slice_of_text(aggregate_id), group_id);
    assert_string_equal(group_id, expected);
}

static void keeps_aggregate_ids_that_are_allowed(void **state) {
    char longest[SNS_GROUP_ID_MAX + 1] = {0};

    (void)state;
    assert_group("order-1", "order-1");
    assert_group("x", "x");
    assert_group("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    memset(longest, 'a', SNS_GROUP_ID_MAX);
    assert_group(longest, longest);
}

// The hashes are those of sha256sum, so that they stay the same from one version to the next: a group must
// not change its name while its messages are under way.
static void hashes_the_others(void **state) {
    (void)state;
    assert_group("", "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_group("order 1", "sha256-f3d6f0d55b053fdeb0116c2eaffd74e9113b2fd19d7d0675fd8c87a430993b8d");
    assert_group("gr\xc3\xbc\xc3\x9f",
                 "sha256-0be03191333143d96baa686cb1084f775f1d73d7d580b35367694594f4904c48");
    assert_group("a\tb", "sha256-894891f8b78a9945b0aa07e70d5f71f10b1f1990af127de561cc0ac36024c188");
    assert_group("a\x7f", "sha256-c5791af439fe7995107aba250c140cfd948cb08812c78ade269703c4b82c35fa");
}

static void tells_long_ids_apart(void **state) {
    char one[SNS_GROUP_ID_MAX + 2] = {0};
    char first[SNS_GROUP_ID_MAX + 1], second[SNS_GROUP_ID_MAX + 1], again[SNS_GROUP_ID_MAX + 1];

    (void)state;
    memset(one, 'a', SNS_GROUP_ID_MAX + 1);
    sns_group_id(slice_of_text(one), first);
    sns_group_id(slice_of_text(one), again);
    one[SNS_GROUP_ID_MAX] = 'b';
    sns_group_id(slice_of_text(one), second);
    assert_int_equal(strlen(first), strlen("sha256-") + 64);
    assert_string_equal(first, again);
    assert_string_not_equal(first, second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_exact_text),
        cmocka_unit_test(writes_one_to_ten_entries),
        cmocka_unit_test(carries_every_byte),
        cmocka_unit_test(reports_a_full_buffer),
        cmocka_unit_test(takes_entries_as_any_number),
        cmocka_unit_test(takes_every_byte),
        cmocka_unit_test(keeps_aggregate_ids_that_are_allowed),
        cmocka_unit_test(hashes_the_others),
        cmocka_unit_test(tells_long_ids_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
