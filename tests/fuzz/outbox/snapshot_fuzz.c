// SPDX-License-Identifier: Apache-2.0
// A snapshot's text. What is accepted, written down again, is the same text but for leading zeros and xmin,
// and its running transactions are ascending and below xmax.
#include "base/buffer.h"
#include "outbox/scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct snapshot *snapshot) {
    for (size_t index = 0; index < snapshot->running_count; index++) {
        uint64_t below = index + 1 < snapshot->running_count ? snapshot->running[index + 1] : snapshot->xmax;
        if (snapshot->running[index] >= below) {
            abort();
        }
    }
    if (snapshot->next < snapshot->xmax) {
        abort();
    }
}

// What follows the first colon.
static void write_rest(const struct snapshot *snapshot, struct buffer *text) {
    buffer_append_format(text, "%" PRIu64 ":", snapshot->xmax);
    for (size_t index = 0; index < snapshot->running_count; index++) {
        buffer_append_format(text, index > 0 ? ",%" PRIu64 : "%" PRIu64, snapshot->running[index]);
    }
    buffer_append_format(text, ":%" PRIu64, snapshot->next);
}

static bool has_leading_zero(const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        bool begins = at == text || strchr(":,", at[-1]) != NULL;
        if (begins && at[0] == '0' && at[1] >= '0' && at[1] <= '9') {
            return true;
        }
    }
    return false;
}

static void check_round_trip(const struct snapshot *snapshot, const char *text) {
    struct buffer rest;
    buffer_init(&rest, 1 << 24);
    write_rest(snapshot, &rest);
    if (!has_leading_zero(text) && strcmp(buffer_text(&rest), strchr(text, ':') + 1) != 0) {
        abort();
    }
    buffer_free(&rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    struct snapshot snapshot;
    if (snapshot_parse(&snapshot, text)) {
        check(&snapshot);
        check_round_trip(&snapshot, text);
        uint64_t forgotten = snapshot.running_count > 0 ? snapshot.running[size % snapshot.running_count] : 1;
        size_t before = snapshot.running_count;
        snapshot_forget(&snapshot, forgotten);
        check(&snapshot);
        if (snapshot.running_count != before - (before > 0)) {
            abort();
        }
    }
    snapshot_free(&snapshot);
    free(text);
    return 0;
}
