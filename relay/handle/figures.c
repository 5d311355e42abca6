// SPDX-License-Identifier: Apache-2.0
#include "handle/figures.h"

#include "base/clock.h"
#include "handle/url.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_SIZE = 256 };

static const char *const outcomes[HANDLER_OUTCOMES] = {"done", "duplicate", "failed", "unreachable",
                                                       "put_off"};

static void write_label(char label[LABEL_SIZE], const struct handler *handler) {
    const char *place;
    struct slice origin;
    size_t scheme;
    switch (handler->kind) {
    case HANDLER_SQL:
        (void)snprintf(label, LABEL_SIZE, "sql:%s", handler->where);
        break;
    case HANDLER_HTTP:
        origin = url_origin(handler->where); // it has one: http_runner_check
        scheme = url_scheme_length(handler->where);
        (void)snprintf(label, LABEL_SIZE, "http:%.*s", (int)(origin.length - scheme), origin.data + scheme);
        break;
    case HANDLER_EXEC:
        place = strrchr(handler->words[0], '/');
        (void)snprintf(label, LABEL_SIZE, "exec:%s", place != NULL ? place + 1 : handler->words[0]);
        break;
    }
}

void figures_of_table(struct table *table) {
    char label[LABEL_SIZE];
    for (int index = 0; index < table->handler_count; index++) {
        struct handler *handler = &table->handlers[index];
        write_label(label, handler);
        handler->duration = metric_series(METRIC_HANDLER_DURATION, label, NULL);
        for (int outcome = 0; outcome < HANDLER_OUTCOMES; outcome++) {
            handler->outcomes[outcome] = metric_series(METRIC_HANDLED, label, outcomes[outcome]);
        }
    }
}

static int outcome_of(const struct handled *handled) {
    switch (handled->kind) {
    case HANDLED_DONE:
    case HANDLED_NONE:
        return handled->repeated ? HANDLER_DUPLICATE : HANDLER_DONE;
    case HANDLED_FAILED:
        return handled->outage ? HANDLER_UNREACHABLE : HANDLER_FAILED;
    case HANDLED_LET_GO:
        break;
    }
    return HANDLER_PUT_OFF;
}

void figures_ended(const struct handler *handler, const struct handled *handled, int64_t began_at) {
    metric_add(handler->outcomes[outcome_of(handled)], 1);
    if (handled->kind != HANDLED_LET_GO) {
        metric_observe(handler->duration, clock_monotonic_us() - began_at);
    }
}
