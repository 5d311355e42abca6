// SPDX-License-Identifier: Apache-2.0
// What SNS answered to a PublishBatch request, entry by entry. The Ids of the entries sent are "0" to "9",
// their places in the batch. An answer is input from outside: only what it says once and clearly is believed,
// everything else is "unknown", which means publish again. Not here: what to do about a failure. Source:
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SNS_BATCH_MAX = 10,
    SNS_ANSWER_MAX = 1024 * 1024, // bytes of a body; a longer one is not parsed
    SNS_ID_SIZE = 101,            // sizes of texts, each with its zero byte; longer texts are cut
    SNS_SEQUENCE_SIZE = 41,
    SNS_CODE_SIZE = 65,
    SNS_MESSAGE_SIZE = 257,
};

enum sns_outcome {
    SNS_UNKNOWN, // not named, or named in a way that cannot be believed: published or not, nobody knows
    SNS_SENT,    // named once in Successful, with a MessageId
    SNS_FAILED,  // named once in Failed
};

enum sns_fault { SNS_FAULT_UNSTATED, SNS_FAULT_SENDER, SNS_FAULT_RECEIVER };

// All texts are printable ASCII: control characters and whitespace become a space, other bytes a question
// mark.
struct sns_entry {
    enum sns_outcome outcome;
    bool contradictory;           // named twice, or in a member with a field twice or without MessageId
    char message_id[SNS_ID_SIZE]; // SNS_SENT
    char sequence_number[SNS_SEQUENCE_SIZE]; // SNS_SENT to a FIFO topic, else ""
    char code[SNS_CODE_SIZE];                // SNS_FAILED; "" when the answer has none
    char message[SNS_MESSAGE_SIZE];          // SNS_FAILED
    bool sender_fault;                       // SNS_FAILED
};

struct sns_answer {
    bool parsed; // the entries are what a PublishBatchResponse with status 200 said; else all are SNS_UNKNOWN
    bool contradictory; // an entry is, or an Id was named that was not sent
    struct sns_entry entries[SNS_BATCH_MAX];
    // The request as a whole, where not `parsed`: Code and Message of an ErrorResponse, else "HTTP 502" and
    // the beginning of the body, unless that is a broken answer of SNS: it can quote a message.
    char code[SNS_CODE_SIZE];
    char message[SNS_MESSAGE_SIZE];
    enum sns_fault fault;
    char request_id[SNS_ID_SIZE]; // "" when the answer has none
};

// The parser is kept between answers, since making one costs as much as parsing a small answer. One thread at
// a time.
struct sns_answer_parser;

// sns_answer_parser_create returns a parser, or NULL (ERROR_INTERNAL) when expat has no memory.
struct sns_answer_parser *sns_answer_parser_create(struct error *error);
void sns_answer_parser_free(struct sns_answer_parser *parser); // NULL is fine

// sns_answer_parse fills `ret` from an HTTP status and a body of `length` bytes (not zero-terminated; NULL
// when 0), the answer to a batch of `entry_count` entries, 1 to SNS_BATCH_MAX. It cannot fail: what is not
// understood is unknown. Document type declarations, and with them entities, are refused; elements that are
// not known are skipped.
void sns_answer_parse(struct sns_answer_parser *parser, long http_status, const char *body, size_t length,
                      size_t entry_count, struct sns_answer *ret);
