// SPDX-License-Identifier: Apache-2.0
// One event on its way through its handlers: a copy of it, who runs, and what has come of that so far.
#pragma once

#include "base/buffer.h"
#include "handle/handlers.h"
#include "handle/table.h"

// A handler that is not in SQL.
struct passage_run {
    struct passage *passage;
    const struct handler *handler;
};

struct passage_result {
    struct handled handled; // its reason is in `reasons`
    struct buffer reasons;
};

struct passage {
    struct passage *next;
    struct passage *previous;
    void *delivery;
    struct domain_event event; // the copy; each slice has a zero byte behind it
    struct passage_result result;
    const char **functions;
    int function_count;
    struct passage_run *runs;
    int run_count;
    int64_t began_at; // monotonic: when those that run now were started
    int open;         // runs that have not ended
    int let_go;       // runs that were dropped before they began
};

// passage_new is one allocation, event included. NULL when no pattern matches.
struct passage *passage_new(const struct table *table, const struct domain_event *event, void *delivery);
void passage_free(struct passage *passage); // its reasons are the caller's

// passage_note adds what has become of one run, or (handler NULL) of those in SQL. A failure of one is a
// failure of the event, and an outage only if all failures are; the longest wish to wait counts. A run that
// was let go is an outage, as long as it is not known that all were.
void passage_note(struct passage *passage, const struct handler *handler, const struct handled *handled);

// passage_conclude: all that was begun has ended. It is let go when nothing was begun.
void passage_conclude(struct passage *passage);

void passage_link(struct passage **list, struct passage *passage);
void passage_unlink(struct passage **list, struct passage *passage);
