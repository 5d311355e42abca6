// SPDX-License-Identifier: Apache-2.0
// Any bytes as an answer. The first byte chooses status and number of entries. What counts as sent has a
// MessageId, is within the batch, and is the same when the same bytes are read again by the same parser.
#include "sns/answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check_text(const char *text, size_t size) {
    for (size_t index = 0; index < size; index++) {
        if (text[index] == '\0') {
            return;
        }
        if (text[index] < ' ' || text[index] > '~') {
            abort();
        }
    }
    abort(); // no zero byte
}

static void check_entry(const struct sns_answer *answer, size_t index, size_t count) {
    const struct sns_entry *entry = &answer->entries[index];

    check_text(entry->message_id, sizeof entry->message_id);
    check_text(entry->sequence_number, sizeof entry->sequence_number);
    check_text(entry->code, sizeof entry->code);
    check_text(entry->message, sizeof entry->message);
    if (entry->outcome != SNS_UNKNOWN && (index >= count || !answer->parsed || entry->contradictory)) {
        abort();
    }
    if (entry->outcome == SNS_SENT && entry->message_id[0] == '\0') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct sns_answer_parser *parser;
    static struct sns_answer answer, again;
    struct error error;

    if (parser == NULL) {
        parser = sns_answer_parser_create(&error);
    }
    if (size == 0 || parser == NULL) {
        return 0;
    }
    long status = data[0] < 128 ? 200 : 400;
    size_t count = 1 + data[0] % SNS_BATCH_MAX;
    const char *body = (const char *)data + 1;
    sns_answer_parse(parser, status, body, size - 1, count, &answer);
    sns_answer_parse(parser, status, body, size - 1, count, &again);
    if (answer.parsed != again.parsed || memcmp(answer.entries, again.entries, sizeof answer.entries) != 0) {
        abort();
    }
    check_text(answer.code, sizeof answer.code);
    check_text(answer.message, sizeof answer.message);
    check_text(answer.request_id, sizeof answer.request_id);
    for (size_t index = 0; index < SNS_BATCH_MAX; index++) {
        check_entry(&answer, index, count);
    }
    return 0;
}
