// SPDX-License-Identifier: Apache-2.0
// The text is first cut at its colons into six slices of the input; each slice is then held against its rule
// and copied. Nothing is written to the caller's struct before everything has been found right.
#include "aws/arn.h"

#include "aws/partition.h"
#include "base/slice.h"

#include <stdio.h>
#include <string.h>

enum { FIELD_ARN, FIELD_PARTITION, FIELD_SERVICE, FIELD_REGION, FIELD_ACCOUNT, FIELD_NAME, FIELD_COUNT };

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define FIFO_SUFFIX ".fifo"

static bool only_of(struct slice slice, const char *characters) {
    return slice.length > 0 && strspn(slice.data, characters) >= slice.length;
}

static bool equals(struct slice slice, const char *text) {
    return slice.length == strlen(text) && memcmp(slice.data, text, slice.length) == 0;
}

static bool region_valid(struct slice region) {
    return region.length < AWS_REGION_SIZE && only_of(region, LOWER DIGITS "-");
}

bool aws_region_valid(const char *region) {
    return region_valid(slice_of_text(region));
}

static bool partition_valid(struct slice partition) {
    return partition.length < AWS_PARTITION_SIZE && only_of(partition, LOWER "-") &&
           strncmp(partition.data, "aws", 3) == 0 && (partition.length == 3 || partition.data[3] == '-');
}

static bool is_fifo(struct slice name) {
    size_t suffix = strlen(FIFO_SUFFIX);
    return name.length >= suffix && memcmp(name.data + name.length - suffix, FIFO_SUFFIX, suffix) == 0;
}

static bool name_valid(struct slice name) {
    if (name.length >= AWS_TOPIC_NAME_SIZE) {
        return false;
    }
    if (is_fifo(name)) {
        name.length -= strlen(FIFO_SUFFIX);
    }
    return only_of(name, LOWER UPPER DIGITS "_-");
}

static bool split(const char *text, struct slice fields[FIELD_COUNT]) {
    for (int index = 0; index < FIELD_COUNT; index++) {
        size_t length = strcspn(text, ":");
        bool is_last = text[length] == '\0';
        if (is_last != (index == FIELD_COUNT - 1)) {
            return false;
        }
        fields[index] = (struct slice){text, length};
        text += length + 1;
    }
    return true;
}

// Returns the rule that the fields break, or NULL.
static const char *broken_rule(const struct slice fields[FIELD_COUNT]) {
    if (!equals(fields[FIELD_ARN], "arn")) {
        return "it must begin with arn:";
    }
    if (!partition_valid(fields[FIELD_PARTITION])) {
        return "the partition must be aws, or begin with aws- (aws-cn, aws-us-gov)";
    }
    if (!equals(fields[FIELD_SERVICE], "sns")) {
        return "the service must be sns";
    }
    if (!region_valid(fields[FIELD_REGION])) {
        return "the region must be 1 to 32 of a-z, 0-9 and hyphen";
    }
    if (fields[FIELD_ACCOUNT].length != AWS_ACCOUNT_SIZE - 1 || !only_of(fields[FIELD_ACCOUNT], DIGITS)) {
        return "the account must be 12 digits";
    }
    if (!name_valid(fields[FIELD_NAME])) {
        return "the topic's name must be 1 to 256 of A-Z, a-z, 0-9, _ and -, with .fifo at its end for a "
               "FIFO topic";
    }
    return NULL;
}

static void copy(char *target, struct slice slice) {
    memcpy(target, slice.data, slice.length);
    target[slice.length] = '\0';
}

static bool check_partition(const struct aws_topic_arn *arn, const char *text, struct error *error) {
    if (aws_partition_fits(arn->partition, arn->region)) {
        return true;
    }
    return error_set(
        error, ERROR_USAGE,
        "\"%.400s\" is not the ARN of an SNS topic: %s is a region of the partition %s, so it must "
        "begin with arn:%s:sns:%s:",
        text, arn->region, aws_partition_of_region(arn->region)->name,
        aws_partition_of_region(arn->region)->name, arn->region);
}

bool aws_topic_arn_parse(struct aws_topic_arn *ret, const char *text, struct error *error) {
    struct slice fields[FIELD_COUNT];
    const char *rule =
        split(text, fields) ? broken_rule(fields) : "it must have six parts with colons between them";

    if (rule != NULL) {
        return error_set(error, ERROR_USAGE,
                         "\"%.400s\" is not the ARN of an SNS topic: %s, as in "
                         "arn:aws:sns:eu-west-1:123456789012:orders",
                         text, rule);
    }
    struct aws_topic_arn found = {.is_fifo = is_fifo(fields[FIELD_NAME])};
    copy(found.partition, fields[FIELD_PARTITION]);
    copy(found.region, fields[FIELD_REGION]);
    copy(found.account, fields[FIELD_ACCOUNT]);
    copy(found.name, fields[FIELD_NAME]);
    if (!check_partition(&found, text, error)) {
        return false;
    }
    *ret = found;
    return true;
}

bool aws_topic_arn_from_prefix(const char *prefix, const char *event_type, char *arn, size_t size,
                               struct error *error) {
    struct aws_topic_arn parsed;
    int length = snprintf(arn, size, "%s:%s", prefix, event_type);

    if (length < 0 || (size_t)length >= size) {
        return error_set(error, ERROR_USAGE,
                         "topic ARN prefix \"%.200s\" and event type \"%.200s\" make an ARN of more than %zu "
                         "characters: give the type a route",
                         prefix, event_type, size == 0 ? 0 : size - 1);
    }
    for (char *dot = arn + strlen(prefix); (dot = strchr(dot, '.')) != NULL;) {
        *dot = '-';
    }
    if (!aws_topic_arn_parse(&parsed, arn, error)) {
        return error_prefix(
            error, "topic ARN prefix \"%.200s\" (which must look like arn:aws:sns:REGION:ACCOUNT)", prefix);
    }
    return true;
}
