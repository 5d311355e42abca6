// SPDX-License-Identifier: Apache-2.0
// The stand-in's queue: hands out made-up domain events, each once, and takes deletions. It checks nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct stub_sqs {
    int64_t events; // how many there are to be handed out
    int64_t received;
    int64_t deleted;
    int64_t hidden; // entries of ChangeMessageVisibilityBatch
};

// stub_sqs_answer writes the answer to a request, whose head begins at `head` and whose body ends at `end`;
// returns its length, or 0 when it is no request of SQS, or one that is not known here.
size_t stub_sqs_answer(struct stub_sqs *sqs, const char *head, const char *body, const char *end, char *text,
                       size_t size);
