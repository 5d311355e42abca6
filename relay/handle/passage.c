// SPDX-License-Identifier: Apache-2.0
#include "handle/passage.h"

#include "base/memory.h"
#include "handle/url.h"

#include <stdlib.h>
#include <string.h>

enum { REASONS_MAX = 4096 };

// A type that holds a zero byte matches nothing: read up to there it would be another one.
static int match(const struct table *table, struct slice type, bool matched[TABLE_LINES_MAX]) {
    if (type.length == 0 || memchr(type.data, '\0', type.length) != NULL) {
        return 0;
    }
    char *text = memory_allocate(type.length + 1, 1);
    memcpy(text, type.data, type.length);
    int count = table_match(table, text, matched);
    free(text);
    return count;
}

static size_t text_size(const struct domain_event *event) {
    return event->event_type.length + event->aggregate_id.length + event->correlation_id.length +
           event->traceparent.length + event->json.length + 5;
}

// The memory is zeroed already.
static void copy(struct slice *slice, char **place) {
    if (slice->length > 0) {
        memcpy(*place, slice->data, slice->length);
    }
    slice->data = *place;
    *place += slice->length + 1;
}

static void copy_event(struct domain_event *copied, const struct domain_event *event, char *place) {
    *copied = *event;
    copy(&copied->event_type, &place);
    copy(&copied->aggregate_id, &place);
    copy(&copied->correlation_id, &place);
    copy(&copied->traceparent, &place);
    copy(&copied->json, &place);
}

static void add_handlers(struct passage *passage, const struct table *table, const bool *matched) {
    for (int index = 0; index < table->handler_count; index++) {
        const struct handler *handler = &table->handlers[index];
        if (matched[index] && handler->kind == HANDLER_SQL) {
            passage->functions[passage->function_count++] = handler->where;
        } else if (matched[index]) {
            passage->runs[passage->run_count++] = (struct passage_run){passage, handler};
        }
    }
    passage->open = passage->run_count;
}

struct passage *passage_new(const struct table *table, const struct domain_event *event, void *delivery) {
    bool matched[TABLE_LINES_MAX];
    int count = match(table, event->event_type, matched);
    if (count == 0) {
        return NULL;
    }
    size_t runs_size = (size_t)count * sizeof(struct passage_run);
    size_t functions_size = (size_t)count * sizeof(char *);
    struct passage *passage =
        memory_allocate(1, sizeof *passage + runs_size + functions_size + text_size(event));
    passage->runs = (struct passage_run *)(passage + 1);
    passage->functions = (const char **)(passage->runs + count);
    passage->delivery = delivery;
    passage->result.handled.kind = HANDLED_DONE;
    buffer_init(&passage->result.reasons, REASONS_MAX);
    copy_event(&passage->event, event, (char *)(passage->functions + count));
    add_handlers(passage, table, matched);
    return passage;
}

void passage_free(struct passage *passage) {
    free(passage);
}

// The rest of a URL and the arguments of a command can hold secrets; a function's name is in the reason
// already.
static void append_name(struct buffer *reasons, const struct handler *handler) {
    if (handler != NULL && handler->kind == HANDLER_HTTP) {
        struct slice origin = url_origin(handler->where);
        buffer_append(reasons, origin.data, origin.length);
        buffer_append_text(reasons, ": ");
    } else if (handler != NULL) {
        buffer_append_text(reasons, handler->words[0]);
        buffer_append_text(reasons, ": ");
    }
}

static void append_reason(struct passage_result *result, const struct handler *handler, const char *reason) {
    if (result->reasons.length > 0) {
        buffer_append_text(&result->reasons, "; ");
    }
    append_name(&result->reasons, handler);
    buffer_append_text(&result->reasons, reason != NULL ? reason : "failed");
    result->handled.reason = buffer_text(&result->reasons);
}

static void note_failure(struct passage_result *result, const struct handler *handler,
                         const struct handled *handled) {
    bool first = result->handled.kind != HANDLED_FAILED;
    result->handled.kind = HANDLED_FAILED;
    result->handled.outage = handled->outage && (first || result->handled.outage);
    if (handled->retry_after_us > result->handled.retry_after_us) {
        result->handled.retry_after_us = handled->retry_after_us;
    }
    append_reason(result, handler, handled->reason);
}

void passage_note(struct passage *passage, const struct handler *handler, const struct handled *handled) {
    static const struct handled not_begun = {
        .kind = HANDLED_FAILED, .outage = true, .reason = "it was not begun"};
    struct passage_result *result = &passage->result;
    result->handled.repeated = result->handled.repeated || handled->repeated;
    if (handled->kind == HANDLED_FAILED) {
        note_failure(result, handler, handled);
    } else if (handled->kind == HANDLED_LET_GO && handler == NULL) { // the others come after those in SQL
        result->handled.kind = HANDLED_LET_GO;
    } else if (handled->kind == HANDLED_LET_GO) {
        passage->let_go++;
        note_failure(result, handler, &not_begun);
    }
}

void passage_conclude(struct passage *passage) {
    bool none_begun = passage->function_count == 0 && passage->let_go == passage->run_count;
    if (none_begun) {
        passage->result.handled = (struct handled){.kind = HANDLED_LET_GO};
    }
}

void passage_link(struct passage **list, struct passage *passage) {
    passage->next = *list;
    if (*list != NULL) {
        (*list)->previous = passage;
    }
    *list = passage;
}

void passage_unlink(struct passage **list, struct passage *passage) {
    if (passage->next != NULL) {
        passage->next->previous = passage->previous;
    }
    if (passage->previous != NULL) {
        passage->previous->next = passage->next;
    } else {
        *list = passage->next;
    }
}
