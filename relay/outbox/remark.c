// SPDX-License-Identifier: Apache-2.0
#include "outbox/remark.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGE_ID_SHOWN = 100 };

static void write_event_id(const struct row *row, char text[EVENT_ID_TEXT_SIZE]) {
    struct outbox_event event = {0};
    memcpy(event.event_id, row->event_id, EVENT_ID_BYTES);
    event_id_text(&event, text);
}

static void remark_published(const struct row *row, const struct outcome *outcome) {
    char event_id[EVENT_ID_TEXT_SIZE], message_id[MESSAGE_ID_SHOWN + 1];
    int length =
        outcome->message_id.length < MESSAGE_ID_SHOWN ? (int)outcome->message_id.length : MESSAGE_ID_SHOWN;
    write_event_id(row, event_id);
    (void)snprintf(message_id, sizeof message_id, "%.*s", length, outcome->message_id.data);
    log_debug("published", LOG_TEXT("event_id", event_id), LOG_INT("id", row->id),
              LOG_TEXT("message_id", message_id));
}

static void remark_failed(const struct row *row, const struct retry_policy *policy,
                          const struct outcome *outcome) {
    char event_id[EVENT_ID_TEXT_SIZE];
    int64_t retry_after_us = 0;
    write_event_id(row, event_id);
    if (retry_judge(policy, row->attempts, outcome, &retry_after_us) == OUTCOME_PARK) {
        log_warn("an event is parked: outbox-relay retry ID brings it back into line",
                 LOG_TEXT("reason", outcome->reason), LOG_INT("id", row->id), LOG_TEXT("event_id", event_id),
                 LOG_INT("attempts", row->attempts + 1));
    } else {
        log_warn("an event was refused, it is tried again later", LOG_TEXT("reason", outcome->reason),
                 LOG_INT("id", row->id), LOG_TEXT("event_id", event_id),
                 LOG_INT("attempts", row->attempts + 1));
    }
}

void remark_settled(const struct row *row, const struct retry_policy *policy, const struct outcome *outcome) {
    if (outcome->kind == OUTCOME_SENT && log_enabled(LOG_DEBUG)) {
        remark_published(row, outcome);
    } else if (outcome->kind == OUTCOME_REFUSED || outcome->kind == OUTCOME_PARK) {
        remark_failed(row, policy, outcome);
    }
}
