// SPDX-License-Identifier: Apache-2.0
#include "sqs/queue_url.h"

#include "aws/partition.h"

#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "_-"
#define FIFO_SUFFIX ".fifo"

enum { ACCOUNT_LENGTH = AWS_ACCOUNT_SIZE - 1 };

static bool ends_with(const char *text, size_t length, const char *suffix) {
    size_t suffix_length = strlen(suffix);
    return length >= suffix_length && memcmp(text + length - suffix_length, suffix, suffix_length) == 0;
}

// Returns the rule that the name breaks, or NULL.
static const char *check_name(struct queue_url *url) {
    size_t length = strlen(url->name);
    url->is_fifo = ends_with(url->name, length, FIFO_SUFFIX);
    size_t stem = url->is_fifo ? length - strlen(FIFO_SUFFIX) : length;
    return stem > 0 && strspn(url->name, NAME_CHARACTERS) == stem
               ? NULL
               : "the queue's name must be 1 to 80 of A-Z, a-z, 0-9, _ and -, and may end in .fifo";
}

// Reads "/ACCOUNT/NAME"; returns the rule that is broken, or NULL.
static const char *read_path(struct queue_url *url, const char *path) {
    const char *account = path + 1;
    const char *slash = strchr(account, '/');
    const char *name = slash != NULL ? slash + 1 : "";
    if (slash == NULL || name[0] == '\0' || strchr(name, '/') != NULL) {
        return "its path must be the account and the queue's name, as in "
               "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
    }
    if (slash - account != ACCOUNT_LENGTH || strspn(account, DIGITS) != ACCOUNT_LENGTH) {
        return "the account, the first part of its path, must be 12 digits";
    }
    snprintf(url->account, sizeof url->account, "%.*s", (int)ACCOUNT_LENGTH, account);
    if (strlen(name) >= sizeof url->name) {
        return "the queue's name must have 80 characters at most";
    }
    snprintf(url->name, sizeof url->name, "%s", name);
    return check_name(url);
}

bool queue_url_parse(struct queue_url *ret, const char *text, struct error *error) {
    struct aws_endpoint parts;
    if (!aws_endpoint_from_url(&parts, "the queue URL", text, error)) {
        return false;
    }
    *ret = (struct queue_url){.is_public = false};
    const char *rule = read_path(ret, parts.path);
    if (rule != NULL) {
        return error_set(error, ERROR_USAGE, "the queue URL is \"%.300s\": %s", text, rule);
    }
    memcpy(ret->text, parts.url, sizeof ret->text);
    memcpy(ret->host, parts.host, sizeof ret->host);
    queue_url_region(ret->region, &ret->is_public, ret->host);
    return true;
}

// What follows `prefix`, or NULL when the text does not begin with it.
static const char *after(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

// Reads "REGION", then `middle` ("." or ".queue."), then a suffix of the region's partition.
static bool read_region(char ret[AWS_REGION_SIZE], const char *text, const char *middle) {
    char region[AWS_REGION_SIZE];
    size_t length = strcspn(text, ".");
    const char *suffix = after(text + length, middle);
    if (suffix == NULL || length >= sizeof region) {
        return false;
    }
    snprintf(region, sizeof region, "%.*s", (int)length, text);
    const struct aws_partition *partition = aws_partition_of_region(region);
    if (!aws_region_valid(region) ||
        (strcmp(suffix, partition->suffix) != 0 && strcmp(suffix, partition->dual_stack_suffix) != 0)) {
        return false;
    }
    memcpy(ret, region, length + 1);
    return true;
}

static bool read_private(char ret[AWS_REGION_SIZE], const char *host) {
    const char *service = strstr(host, ".sqs.");
    return service != NULL && read_region(ret, service + strlen(".sqs."), ".vpce.");
}

static bool read_public(char ret[AWS_REGION_SIZE], const char *host) {
    const char *rest = after(host, "sqs.");
    if (rest == NULL) {
        rest = after(host, "sqs-fips.");
    }
    if (rest != NULL) {
        return read_region(ret, rest, ".");
    }
    if (strcmp(host, "queue.amazonaws.com") == 0) {
        snprintf(ret, AWS_REGION_SIZE, "us-east-1");
        return true;
    }
    return read_region(ret, host, ".queue.");
}

bool queue_url_region(char ret[AWS_REGION_SIZE], bool *is_public, const char *host) {
    *is_public = read_public(ret, host);
    return *is_public || read_private(ret, host);
}
