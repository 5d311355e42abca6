// SPDX-License-Identifier: Apache-2.0
// An intake between a test and handlers that do nothing: numbered messages are offered, and how each was
// settled is recorded. A message that is settled twice fails the test.
#pragma once

#include "consumer/fake_handlers.h"
#include "consumer/intake.h"
#include "consumer/stderr_pipe.h"
#include "support/loop.h"
#include "support/settings_fill.h"

enum { HARNESS_MESSAGES = 20000, NOT_SETTLED = -1 };

struct settlement {
    int kind;  // enum intake_kind, or NOT_SETTLED
    int order; // the how many-th it was, from 1
    bool outage;
    int64_t retry_after_us;
    char reason[256];
};

static struct event_base *base;
static struct intake *intake;
static struct settlement settlements[HARNESS_MESSAGES];
static int settled_count;
static int ready_count, broken_count, recovered_count;
static void (*when_settled)(int number); // called within each settlement, where it is set

static void on_ready(void *context) {
    assert_ptr_equal(context, settlements);
    ready_count++;
}

static void on_broken(void *context, const struct error *error) {
    assert_ptr_equal(context, settlements);
    assert_string_equal(error->text, "no such function");
    broken_count++;
}

static void on_recovered(void *context) {
    assert_ptr_equal(context, settlements);
    recovered_count++;
}

static void on_settled(void *context, void *message, const struct intake_result *result) {
    struct settlement *settlement = message;
    assert_ptr_equal(context, settlements);
    assert_int_equal(settlement->kind, NOT_SETTLED);
    assert_true((result->kind == INTAKE_FAILED) == (result->reason != NULL));
    *settlement = (struct settlement){.kind = (int)result->kind,
                                      .order = ++settled_count,
                                      .outage = result->outage,
                                      .retry_after_us = result->retry_after_us};
    snprintf(settlement->reason, sizeof settlement->reason, "%s",
             result->reason != NULL ? result->reason : "");
    if (when_settled != NULL) {
        when_settled((int)(settlement - settlements));
    }
}

static const struct intake_listener listener = {.context = settlements,
                                                .ready = on_ready,
                                                .broken = on_broken,
                                                .settled = on_settled,
                                                .recovered = on_recovered};

static int intake_open(bool verify) {
    struct settings settings = {.verify_signatures = verify};
    settings_fill(&settings);
    base = event_base_new();
    memset(&fake_handlers, 0, sizeof fake_handlers);
    for (int index = 0; index < HARNESS_MESSAGES; index++) {
        settlements[index].kind = NOT_SETTLED;
    }
    settled_count = ready_count = broken_count = recovered_count = 0;
    when_settled = NULL;
    intake = intake_new(base, &settings, "orders", &listener, NULL);
    assert_non_null(intake);
    return stderr_pipe_open();
}

static int intake_close(void) {
    intake_free(intake);
    assert_int_equal(fake_handlers.handlers.freed, 1);
    event_base_free(base);
    return stderr_pipe_close();
}

// Offers message `number` with a body. A group makes it one of a FIFO queue. All of it is gone afterwards.
static void offer_body(int number, const char *group, const char *body) {
    char id[20], group_copy[64];
    char *copy = strdup(body);
    snprintf(id, sizeof id, "m-%d", number);
    snprintf(group_copy, sizeof group_copy, "%s", group != NULL ? group : "");
    const struct incoming incoming = {.message_id = slice_of_text(id),
                                      .body = slice_of_text(copy),
                                      .group_id = slice_of_text(group_copy),
                                      .fifo = group != NULL,
                                      .receive_count = number + 1};
    intake_offer(intake, &incoming, &settlements[number]);
    memset(copy, '#', strlen(copy));
    memset(group_copy, '#', sizeof group_copy);
    free(copy);
}

// The same with the event number `event`.
static void offer_event(int number, const char *group, int event) {
    char body[200];
    snprintf(body, sizeof body,
             "{\"eventId\":\"00000000-0000-0000-0000-%012d\",\"eventType\":\"order.created\"}", event);
    offer_body(number, group, body);
}

static void offer(int number, const char *group) {
    offer_event(number, group, number);
}

static void assert_settled(int number, int kind) {
    if (settlements[number].kind != kind) {
        fail_msg("message %d is settled as %d, not %d: %s", number, settlements[number].kind, kind,
                 settlements[number].reason);
    }
}

// The handlers were offered so many events so far, the last of them event `event`.
static void assert_offered(int count, int event) {
    char id[DOMAIN_EVENT_ID_SIZE];
    loop_settle(base);
    assert_int_equal(fake_handlers.count, count);
    snprintf(id, sizeof id, "00000000-0000-0000-0000-%012d", event);
    assert_string_equal(fake_handlers.offers[count - 1].event_id, id);
}
