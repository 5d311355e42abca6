// SPDX-License-Identifier: Apache-2.0
#include "sns/form.h"

#include "aws/form.h"

#include <openssl/evp.h>
#include <stdio.h>

#define SNS_API_VERSION "2010-03-31"

static void append_parameter(struct buffer *form, struct slice entry, const char *name, struct slice value) {
    buffer_append(form, entry.data, entry.length);
    buffer_append_text(form, name);
    aws_form_encode(form, value);
}

static void append_attribute(struct buffer *form, struct slice entry, int number,
                             const struct message_attribute *attribute) {
    char prefix[128];
    int length = snprintf(prefix, sizeof prefix, "%.*sMessageAttributes.entry.%d.", (int)entry.length,
                          entry.data, number);
    struct slice part = {prefix, (size_t)length};
    buffer_append(form, part.data, part.length);
    buffer_append_text(form, "Name=");
    buffer_append_text(form, attribute->name);
    buffer_append(form, part.data, part.length);
    buffer_append_text(form, "Value.DataType=String");
    append_parameter(form, part, "Value.StringValue=", attribute->value);
}

static int entry_prefix(char prefix[64], int index) {
    return snprintf(prefix, 64, "&PublishBatchRequestEntries.member.%d.", index + 1);
}

void sns_form_begin(struct buffer *form, const char *topic_arn) {
    aws_form_begin(form, "PublishBatch", SNS_API_VERSION);
    aws_form_add(form, "TopicArn", slice_of_text(topic_arn));
}

void sns_form_add(struct buffer *form, int index, const struct message *message, const char *group_id,
                  const char *deduplication_id) {
    char prefix[64];
    int length = entry_prefix(prefix, index);
    struct slice entry = {prefix, (size_t)length};
    buffer_append(form, entry.data, entry.length);
    buffer_append_text(form, "Id=");
    buffer_append_int(form, index);
    append_parameter(form, entry, "Message=", (struct slice){message->body.data, message->body.length});
    for (int number = 0; number < message->attribute_count; number++) {
        append_attribute(form, entry, number + 1, &message->attributes[number]);
    }
    if (group_id != NULL) {
        append_parameter(form, entry, "MessageGroupId=", slice_of_text(group_id));
    }
    if (deduplication_id != NULL) {
        append_parameter(form, entry, "MessageDeduplicationId=", slice_of_text(deduplication_id));
    }
}

// A field is "&PublishBatchRequestEntries.member.N.name=value", and no value has an unescaped "&" in it; so
// what follows the third dot of each field stays, but for the value of Id.
void sns_form_take(struct buffer *form, int index, struct slice entry) {
    static const char before_number[] = "&PublishBatchRequestEntries.member.";
    const char *end = entry.data + entry.length;
    char prefix[64];
    int length = entry_prefix(prefix, index);
    for (const char *field = entry.data; field < end;) {
        const char *next = memchr(field + 1, '&', (size_t)(end - field) - 1);
        next = next != NULL ? next : end;
        const char *name = memchr(field + sizeof before_number - 1, '.',
                                  (size_t)(next - field) - (sizeof before_number - 1));
        buffer_append(form, prefix, (size_t)length);
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
