// SPDX-License-Identifier: Apache-2.0
// /status.json, what the status page shows: the program and its checks, the history, the registry's figures
// for each topic and handler, and the database's report as it came.
//
//     {"program":{"version","command","pid","host","started_at","now","state":"running" or "stopping"},
//      "checks":[{"name","good","why"}],
//      "history":{…},                       see history.h
//      "topics":[{"topic","published","retried","parked","throttled","resting","pending","oldest_seconds"}],
//      "handlers":[{"handler","done","duplicate","failed","put_off"}],
//      "report":{…} or null}                outbox.report()
#pragma once

#include "base/buffer.h"
#include "observe/health.h"
#include "observe/history.h"

struct status {
    const char *version;
    const char *command; // "run" or "consume"
    int64_t started_us;  // Unix time
    int64_t now_us;
    bool is_stopping;
    const struct health *health;
    const struct history *history;
    const char *report; // JSON, or NULL: none has been read yet, or there is none
};

// status_write appends the document, as one line. Texts that are no valid UTF-8 (a name that was cut) get
// U+FFFD for what is not.
void status_write(const struct status *status, struct buffer *out);
