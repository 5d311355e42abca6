// SPDX-License-Identifier: Apache-2.0
// Handlers that do nothing: a test settles what was offered to them. Included by one file of a program, whose
// handlers_new and the like stand in for those of handle/handlers.h.
#pragma once

#include "handle/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { FAKE_OFFERS_MAX = 20000 };

struct handlers {
    int freed;
};

struct fake_offer {
    void *delivery; // NULL: settled
    char event_id[DOMAIN_EVENT_ID_SIZE];
    char event_type[64];
    char json[256];
    int deliveries;
    bool begun; // handlers_drop leaves it alone
};

static struct {
    struct handlers handlers;
    struct handlers_listener listener;
    bool broken;      // none can be made
    bool resting;     // what handlers_resting says
    bool immediately; // settle within the offer, as `how` says
    struct handled how;
    struct fake_offer offers[FAKE_OFFERS_MAX];
    int count;
    int open; // not settled
    int most_open;
} fake_handlers;

static void fake_settle_with(int index, struct handled handled) {
    struct fake_offer *offer = &fake_handlers.offers[index];
    void *delivery = offer->delivery;
    char *reason = handled.reason != NULL ? strdup(handled.reason) : NULL;
    assert_true(index < fake_handlers.count);
    assert_non_null(delivery);
    offer->delivery = NULL;
    fake_handlers.open--;
    handled.reason = reason; // does not outlive the call
    fake_handlers.listener.settled(fake_handlers.listener.context, delivery, &handled);
    free(reason);
}

// Number `index` (from 0) of what was offered.
static void fake_settle(int index, enum handled_kind kind) {
    fake_settle_with(index,
                     (struct handled){.kind = kind, .reason = kind == HANDLED_FAILED ? "it failed" : NULL});
}

struct handlers *handlers_new(struct event_base *base, const struct settings *settings, const char *consumer,
                              const struct handlers_listener *listener, struct error *error) {
    assert_non_null(base);
    assert_non_null(settings);
    assert_string_equal(consumer, "orders");
    if (fake_handlers.broken) {
        error_set(error, ERROR_USAGE, "--on is wrong");
        return NULL;
    }
    fake_handlers.listener = *listener;
    return &fake_handlers.handlers;
}

void handlers_free(struct handlers *handlers) {
    if (handlers != NULL) {
        handlers->freed++;
    }
}

static void copy_slice(char *to, size_t size, struct slice slice) {
    assert_true(slice.length < size);
    snprintf(to, size, "%.*s", (int)slice.length, slice.data);
}

void handlers_offer(struct handlers *handlers, const struct domain_event *event, void *delivery) {
    int index = fake_handlers.count++;
    struct fake_offer *offer = &fake_handlers.offers[index];
    assert_ptr_equal(handlers, &fake_handlers.handlers);
    assert_true(index < FAKE_OFFERS_MAX);
    *offer = (struct fake_offer){.delivery = delivery, .deliveries = event->deliveries};
    memcpy(offer->event_id, event->event_id, sizeof offer->event_id);
    copy_slice(offer->event_type, sizeof offer->event_type, event->event_type);
    copy_slice(offer->json, sizeof offer->json, event->json);
    if (++fake_handlers.open > fake_handlers.most_open) {
        fake_handlers.most_open = fake_handlers.open;
    }
    if (fake_handlers.immediately) {
        fake_settle_with(index, fake_handlers.how);
    }
}

void handlers_drop(struct handlers *handlers) {
    (void)handlers;
    for (int index = 0; index < fake_handlers.count; index++) {
        if (fake_handlers.offers[index].delivery != NULL && !fake_handlers.offers[index].begun) {
            fake_settle(index, HANDLED_LET_GO);
        }
    }
}

bool handlers_resting(const struct handlers *handlers) {
    (void)handlers;
    return fake_handlers.resting;
}

void handlers_health(const struct handlers *handlers, struct health *health) {
    (void)handlers;
    health_add(health, "handlers", !fake_handlers.resting, "");
}
