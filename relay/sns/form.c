// SPDX-License-Identifier: Apache-2.0
#include "sns/form.h"

#include "aws/form.h"
#include "sns/answer.h"

#include <openssl/evp.h>
#include <stdio.h>

#define SNS_API_VERSION "2010-03-31"

// Most of a form is always the same, and longer than what is between it.
struct attribute_texts {
    struct slice before_name;
    struct slice before_value;
};

struct entry_texts {
    struct slice prefix; // of each field
    struct slice before_body;
    struct attribute_texts attributes[MESSAGE_ATTRIBUTES_MAX];
};

// clang-format off
#define TEXT(literal) {literal, sizeof(literal) - 1}
#define PREFIX(entry) "&PublishBatchRequestEntries.member." entry "."
#define ATTRIBUTE_PREFIX(entry, number) PREFIX(entry) "MessageAttributes.entry." number "."
#define ATTRIBUTE(entry, number)                                                                             \
    {TEXT(ATTRIBUTE_PREFIX(entry, number) "Name="),                                                          \
     TEXT(ATTRIBUTE_PREFIX(entry, number) "Value.DataType=String"                                            \
          ATTRIBUTE_PREFIX(entry, number) "Value.StringValue=")}
#define ENTRY(id, entry)                                                                                     \
    {TEXT(PREFIX(entry)), TEXT(PREFIX(entry) "Id=" id PREFIX(entry) "Message="),                             \
     {ATTRIBUTE(entry, "1"), ATTRIBUTE(entry, "2"), ATTRIBUTE(entry, "3"), ATTRIBUTE(entry, "4"),            \
      ATTRIBUTE(entry, "5"), ATTRIBUTE(entry, "6")}}
// clang-format on

static const struct entry_texts texts[SNS_BATCH_MAX] = {
    ENTRY("0", "1"), ENTRY("1", "2"), ENTRY("2", "3"), ENTRY("3", "4"), ENTRY("4", "5"),
    ENTRY("5", "6"), ENTRY("6", "7"), ENTRY("7", "8"), ENTRY("8", "9"), ENTRY("9", "10"),
};

static void append(struct buffer *form, struct slice text) {
    buffer_append(form, text.data, text.length);
}

static void append_attribute(struct buffer *form, const struct attribute_texts *around,
                             const struct message_attribute *attribute) {
    append(form, around->before_name);
    buffer_append_text(form, attribute->name);
    append(form, around->before_value);
    aws_form_encode(form, attribute->value);
}

static void append_optional(struct buffer *form, struct slice prefix, const char *name, const char *value) {
    if (value != NULL) {
        append(form, prefix);
        buffer_append_text(form, name);
        aws_form_encode(form, slice_of_text(value));
    }
}

void sns_form_begin(struct buffer *form, const char *topic_arn) {
    aws_form_begin(form, "PublishBatch", SNS_API_VERSION);
    aws_form_add(form, "TopicArn", slice_of_text(topic_arn));
}

void sns_form_add(struct buffer *form, int index, const struct message *message, const char *group_id,
                  const char *deduplication_id) {
    const struct entry_texts *around = &texts[index];
    append(form, around->before_body);
    aws_form_encode(form, (struct slice){message->body.data, message->body.length});
    for (int place = 0; place < message->attribute_count; place++) {
        append_attribute(form, &around->attributes[place], &message->attributes[place]);
    }
    append_optional(form, around->prefix, "MessageGroupId=", group_id);
    append_optional(form, around->prefix, "MessageDeduplicationId=", deduplication_id);
}

// A field is "&PublishBatchRequestEntries.member.N.name=value", and no value has an unescaped "&" in it; so
// what follows the third dot of each field stays, but for the value of Id.
void sns_form_take(struct buffer *form, int index, struct slice entry) {
    static const char before_number[] = "&PublishBatchRequestEntries.member.";
    const char *end = entry.data + entry.length;
    for (const char *field = entry.data; field < end;) {
        const char *next = memchr(field + 1, '&', (size_t)(end - field) - 1);
        next = next != NULL ? next : end;
        const char *name = memchr(field + sizeof before_number - 1, '.',
                                  (size_t)(next - field) - (sizeof before_number - 1));
        append(form, texts[index].prefix);
        if (memcmp(name + 1, "Id=", 3) == 0) {
            buffer_append_text(form, "Id=");
            buffer_append_int(form, index);
        } else {
            buffer_append(form, name + 1, (size_t)(next - name) - 1);
        }
        field = next;
    }
}

static bool allowed_as_group_id(struct slice text) {
    bool allowed = text.length >= 1 && text.length <= SNS_GROUP_ID_MAX;
    for (size_t index = 0; allowed && index < text.length; index++) {
        allowed = text.data[index] > ' ' && text.data[index] < 0x7F;
    }
    return allowed;
}

void sns_group_id(struct slice aggregate_id, char group_id[SNS_GROUP_ID_MAX + 1]) {
    if (allowed_as_group_id(aggregate_id)) {
        memcpy(group_id, aggregate_id.data, aggregate_id.length);
        group_id[aggregate_id.length] = '\0';
        return;
    }
    unsigned char hash[EVP_MAX_MD_SIZE] = {0};
    unsigned int hash_length = 0;
    EVP_Digest(aggregate_id.data, aggregate_id.length, hash, &hash_length, EVP_sha256(), NULL);
    int length = snprintf(group_id, SNS_GROUP_ID_MAX + 1, "sha256-");
    for (unsigned int index = 0; index < hash_length; index++) {
        length += snprintf(group_id + length, (size_t)(SNS_GROUP_ID_MAX + 1 - length), "%02x", hash[index]);
    }
}
