// SPDX-License-Identifier: Apache-2.0
// The SNS sink between a test and a scripted server: offers numbered events, records how each was settled,
// and fails the test when one is settled twice or with another's receipt.
#pragma once

#include "settings/settings.h"
#include "sink/sink.h"
#include "support/form_reader.h"
#include "support/http_server.h"

#include <event2/event.h>

enum { HARNESS_ROWS = 400, HARNESS_LONG_US = 60000000 };

struct settlement {
    int times;
    bool sent;
    bool counts;
    int64_t retry_after_us;
    char reason[512];
};

struct harness {
    struct event_base *base;
    struct http_server *server;
    struct settings settings; // to be changed before harness_start
    char endpoint[64];
    struct sink sink;
    struct topic standard;
    struct topic other;
    struct topic fifo;
    void (*answer)(struct harness *harness, struct http_received *request); // NULL holds the request
    const char *status;                                                     // for harness_answer_with
    const char *text;
    struct settlement rows[HARNESS_ROWS];
    int offered;
    int settled;
    int sent;
    int drained;
    int goal;
};

// harness_new prepares everything but the sink: a rest of a minute, four requests at once, 256 KiB.
// harness_start makes the sink. harness_free releases all.
struct harness *harness_new(void);
void harness_start(struct harness *harness);
void harness_free(struct harness *harness);

// harness_event is event number `row`; its texts live until the next call. harness_offer hands the next one
// to the sink, harness_offer_many more of them, with data {}.
struct outbox_event harness_event(int row, const char *data);
void harness_offer(struct harness *harness, struct topic *topic, const char *data);
void harness_offer_many(struct harness *harness, struct topic *topic, int count);

// harness_await_settled runs the loop until so many events are settled in all, harness_await_requests until
// so many requests came in all; both fail the test when that never happens.
void harness_await_settled(struct harness *harness, int count);
void harness_await_requests(struct harness *harness, int count);

// Answers: harness_accept names every entry in Successful, with the MessageId that its event is to get;
// harness_answer_with sends `status` and `text`; harness_hang_up closes the connection without a word.
void harness_accept(struct harness *harness, struct http_received *request);
void harness_answer_with(struct harness *harness, struct http_received *request);
void harness_hang_up(struct harness *harness, struct http_received *request);

// harness_row_of is the number of the event at place `index` of a batch.
int harness_row_of(const struct form *form, int index);

// harness_read_form decodes a request's body; form_free releases it.
void harness_read_form(const struct http_received *request, struct form *form);
