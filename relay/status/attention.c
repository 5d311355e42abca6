// SPDX-License-Identifier: Apache-2.0
#include "status/attention.h"

#include "status/fields.h"
#include "status/relays.h"
#include "status/text.h"

#include <string.h>

enum { LINE_MAX_BYTES = 16384 };

struct attention {
    struct buffer *out;
    struct buffer line; // the one being written
    size_t width;
    bool exact;
    int count;
};

static void end_line(struct attention *attention) {
    buffer_append_text(attention->out, "! ");
    text_append(attention->out, buffer_text(&attention->line), attention->width - 2);
    buffer_append_char(attention->out, '\n');
    buffer_clear(&attention->line);
    attention->count++;
}

static void append_events(struct attention *attention, double events) {
    text_append_count(&attention->line, events, attention->exact);
    buffer_append_text(&attention->line, events == 1 ? " event" : " events");
}

static void look_at_relays(struct attention *attention, const cJSON *report) {
    const cJSON *totals = field_object(report, "totals");
    double unsent =
        field_number(totals, "pending") + field_number(totals, "retrying") + field_number(totals, "waiting");
    if (!relays_any(field_list(report, "relays")) && unsent > 0) {
        buffer_append_text(&attention->line, "no relay is connected while ");
        append_events(attention, unsent);
        buffer_append_text(&attention->line, unsent == 1 ? " is" : " are");
        buffer_append_text(&attention->line, " to be published: start \"outbox-relay run\", or see its log");
        end_line(attention);
    }
}

static void look_at_parked(struct attention *attention, const cJSON *report) {
    double parked = field_number(field_object(report, "totals"), "parked");
    if (parked > 0) {
        append_events(attention, parked);
        buffer_append_text(&attention->line,
                           parked == 1 ? " is parked: mend the cause, then \"outbox-relay retry\" it"
                                       : " are parked: mend the cause, then \"outbox-relay retry\" them");
        end_line(attention);
    }
}

static void look_at_paused(struct attention *attention, const cJSON *report) {
    const cJSON *topic;
    cJSON_ArrayForEach(topic, field_list(report, "paused_topics")) {
        const char *arn = field_text(topic, "topic_arn");
        buffer_append_format(&attention->line,
                             "%s is paused: its events wait until \"outbox-relay resume %s\"", arn, arn);
        end_line(attention);
    }
}

static void look_at_age(struct attention *attention, const cJSON *report) {
    double oldest = field_number(field_object(report, "totals"), "oldest_pending_seconds");
    if (oldest >= ATTENTION_LATE_SECONDS) {
        buffer_append_text(&attention->line, "the oldest pending event is ");
        text_append_age(&attention->line, oldest);
        buffer_append_text(&attention->line, " old: the relay's log says what keeps it");
        end_line(attention);
    }
}

static void look_at_waiting(struct attention *attention, const cJSON *report) {
    const cJSON *waiting;
    cJSON_ArrayForEach(waiting, field_list(report, "waiting")) {
        if (field_number(waiting, "oldest_seconds") >= ATTENTION_LATE_SECONDS) {
            append_events(attention, field_number(waiting, "events"));
            buffer_append_text(&attention->line, field_number(waiting, "events") == 1
                                                     ? " has waited for "
                                                     : " have waited for up to ");
            text_append_age(&attention->line, field_number(waiting, "oldest_seconds"));
            buffer_append_format(&attention->line, ": %s", field_text(waiting, "reason"));
            end_line(attention);
        }
    }
}

static bool is_old(const cJSON *blocker) {
    if (!field_has_number(blocker, "age_seconds")) { // such are named only when they are bad
        return strcmp(field_text(blocker, "kind"), "unknown") != 0;
    }
    return field_number(blocker, "age_seconds") >= ATTENTION_BLOCKER_SECONDS;
}

static void look_at_blockers(struct attention *attention, const cJSON *report) {
    const cJSON *blocker;
    cJSON_ArrayForEach(blocker, field_list(report, "blockers")) {
        if (is_old(blocker)) {
            buffer_append_format(&attention->line, "%s %s holds back %s", field_text(blocker, "kind"),
                                 field_text(blocker, "name"), field_text(blocker, "holds_back"));
            if (field_has_number(blocker, "age_seconds")) {
                buffer_append_text(&attention->line, ", for ");
                text_append_age(&attention->line, field_number(blocker, "age_seconds"));
            }
            buffer_append_format(&attention->line, ": %s", field_text(blocker, "remedy"));
            end_line(attention);
        }
    }
}

int attention_append(const cJSON *report, size_t width, struct buffer *out) {
    struct attention attention = {.out = out, .width = width, .exact = field_is_true(report, "exact")};
    buffer_init(&attention.line, LINE_MAX_BYTES);
    look_at_relays(&attention, report);
    look_at_parked(&attention, report);
    look_at_paused(&attention, report);
    look_at_age(&attention, report);
    look_at_waiting(&attention, report);
    look_at_blockers(&attention, report);
    buffer_free(&attention.line);
    return attention.count;
}
