// SPDX-License-Identifier: Apache-2.0
#include "floor_request.h"

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_SIZE = 1024, ENTRY_SIZE = 2048, DATA_FRAME = 11 }; // the frame: {"note":""}

static const char *const headers[FLOOR_HEADERS] = {
    "Content-Type: application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Date: 20260131T123456Z",
    "Authorization: AWS4-HMAC-SHA256 Credential=local/20260131/us-east-1/sns/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date, "
    "Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

static size_t append_attribute(char *text, size_t size, int entry, int number, const char *name,
                               const char *value) {
    char prefix[96];
    snprintf(prefix, sizeof prefix, "&PublishBatchRequestEntries.member.%d.MessageAttributes.entry.%d.",
             entry, number);
    return (size_t)snprintf(text, size, "%sName=%s%sValue.DataType=String%sValue.StringValue=%s", prefix,
                            name, prefix, prefix, value);
}

static size_t append_entry(char *text, size_t size, int number, const char *letters) {
    static const char event_id[] = "00000000-0000-4000-8000-000000000000";
    size_t length = (size_t)snprintf(
        text, size,
        "&PublishBatchRequestEntries.member.%d.Id=%d&PublishBatchRequestEntries.member.%d.Message="
        "%%7B%%22eventId%%22%%3A%%22%s%%22%%2C%%22eventType%%22%%3A%%22order.created%%22%%2C"
        "%%22eventVersion%%22%%3A%%221.0%%22%%2C%%22aggregateId%%22%%3A%%22order-1234%%22%%2C"
        "%%22occurredOn%%22%%3A%%222026-01-31T12%%3A34%%3A56.789Z%%22%%2C%%22sequence%%22%%3A123456%%2C"
        "%%22data%%22%%3A%%7B%%22note%%22%%3A%%22%s%%22%%7D%%2C%%22metadata%%22%%3A%%7B%%7D%%7D",
        number, number - 1, number, event_id, letters);
    length += append_attribute(text + length, size - length, number, 1, "event-id", event_id);
    length += append_attribute(text + length, size - length, number, 2, "event-type", "order.created");
    length += append_attribute(text + length, size - length, number, 3, "event-version", "1.0");
    length += append_attribute(text + length, size - length, number, 4, "aggregate-id", "order-1234");
    return length;
}

static size_t make_body(char *text, size_t size, const char *letters) {
    size_t length = (size_t)snprintf(text, size, "%s",
                                     "Action=PublishBatch&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3A"
                                     "us-east-1%3A000000000000%3Abench");
    for (int number = 1; number <= FLOOR_EVENTS; number++) {
        length += append_entry(text + length, size - length, number, letters);
    }
    return length;
}

void floor_request_make(struct floor_request *request, const char *host, size_t data_bytes) {
    size_t count = data_bytes > DATA_FRAME ? data_bytes - DATA_FRAME : 0;
    size_t size = FLOOR_EVENTS * (ENTRY_SIZE + count) + HEAD_SIZE;
    char *letters = bench_allocate(count + 1, 1);
    char *body = bench_allocate(size, 1);
    request->bytes = bench_allocate(size, 1);
    memset(letters, 'x', count);
    request->body_length = make_body(body, size, letters);
    int head = snprintf(
        request->bytes, size,
        "POST / HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n%s\r\n%s\r\n%s\r\nContent-Length: %zu\r\n\r\n", host,
        headers[0], headers[1], headers[2], request->body_length);
    request->length = (size_t)head + request->body_length;
    memcpy(request->bytes + head, body, request->body_length);
    free(body);
    free(letters);
    request->body = request->bytes + head;
    memcpy(request->headers, headers, sizeof headers);
}
