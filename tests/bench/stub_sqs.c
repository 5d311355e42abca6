// SPDX-License-Identifier: Apache-2.0
#include "stub_sqs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 10 };

static const char *find(const char *from, const char *end, const char *text) {
    return memmem(from, (size_t)(end - from), text, strlen(text));
}

static size_t append_message(int64_t number, char *text, size_t size) {
    int length = snprintf(
        text, size,
        "{\"MessageId\":\"%" PRId64 "\",\"ReceiptHandle\":\"h%" PRId64
        "\",\"Attributes\":{\"ApproximateReceiveCount\":\"1\"},\"Body\":\"{\\\"eventId\\\":"
        "\\\"00000000-0000-4000-8000-%012" PRIx64 "\\\",\\\"eventType\\\":\\\"order.created\\\","
        "\\\"eventVersion\\\":\\\"1.0\\\",\\\"aggregateId\\\":\\\"order-%" PRId64 "\\\",\\\"occurredOn\\\":"
        "\\\"2026-01-31T12:34:56.789Z\\\",\\\"sequence\\\":%" PRId64
        ",\\\"data\\\":{\\\"orderId\\\":\\\"order-%" PRId64
        "\\\",\\\"total\\\":19.90},\\\"metadata\\\":{\\\"source\\\":\\\"bench\\\"}}\"}",
        number, number, (uint64_t)number, number % 1000, number, number % 1000);
    return (size_t)length;
}

static size_t receive(struct stub_sqs *sqs, const char *body, const char *end, char *text, size_t size) {
    static const char field[] = "\"MaxNumberOfMessages\":";
    const char *most = find(body, end, field);
    long count = most != NULL ? strtol(most + sizeof field - 1, NULL, 10) : 1;
    size_t length = 0;
    if (sqs->received == sqs->events) {
        return (size_t)snprintf(text, size, "{}");
    }
    for (long index = 0; index < count && index < BATCH_MAX && sqs->received < sqs->events; index++) {
        length += (size_t)snprintf(text + length, size - length, index == 0 ? "{\"Messages\":[" : ",");
        length += append_message(++sqs->received, text + length, size - length);
    }
    return length + (size_t)snprintf(text + length, size - length, "]}");
}

// Says yes to all entries.
static size_t accept_batch(int64_t *counter, const char *body, const char *end, char *text, size_t size) {
    static const char field[] = "\"Id\":\"";
    size_t length = (size_t)snprintf(text, size, "{\"Failed\":[],\"Successful\":[");
    const char *entry = body;
    for (int index = 0; index < BATCH_MAX && (entry = find(entry, end, field)) != NULL; index++) {
        const char *id = entry + sizeof field - 1;
        const char *quote = memchr(id, '"', (size_t)(end - id));
        if (quote == NULL) {
            break;
        }
        length += (size_t)snprintf(text + length, size - length, "%s{\"Id\":\"%.*s\"}", index > 0 ? "," : "",
                                   (int)(quote - id), id);
        (*counter)++;
        entry = quote;
    }
    return length + (size_t)snprintf(text + length, size - length, "]}");
}

size_t stub_sqs_answer(struct stub_sqs *sqs, const char *head, const char *body, const char *end, char *text,
                       size_t size) {
    static const char prefix[] = "AmazonSQS.";
    static const char attributes[] =
        "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:us-east-1:000000000000:bench\","
        "\"RedrivePolicy\":\"{}\"}}";
    const char *target = find(head, body, prefix);
    if (target == NULL) {
        return 0;
    }
    if (find(target, body, "AmazonSQS.ReceiveMessage\r") == target) {
        return receive(sqs, body, end, text, size);
    }
    if (find(target, body, "AmazonSQS.DeleteMessageBatch\r") == target) {
        return accept_batch(&sqs->deleted, body, end, text, size);
    }
    if (find(target, body, "AmazonSQS.ChangeMessageVisibilityBatch\r") == target) {
        return accept_batch(&sqs->hidden, body, end, text, size);
    }
    return find(target, body, "AmazonSQS.GetQueueAttributes\r") == target
               ? (size_t)snprintf(text, size, "%s", attributes)
               : 0;
}
