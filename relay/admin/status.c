// SPDX-License-Identifier: Apache-2.0
#include "admin/status.h"

#include "admin/tally.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "message/json.h"

#include <unistd.h>

enum { HOST_SIZE = 256 };

static void append_text(struct buffer *out, const char *text) {
    struct slice rest = slice_of_text(text);
    struct buffer valid;
    buffer_init(&valid, out->limit);
    while (rest.length > 0) {
        uint32_t character;
        size_t taken = utf8_decode(rest.data, rest.length, &character);
        if (taken > 0) {
            buffer_append(&valid, rest.data, taken);
        } else {
            buffer_append_text(&valid, "\xEF\xBF\xBD");
            taken = 1;
        }
        rest = (struct slice){rest.data + taken, rest.length - taken};
    }
    json_append_string(out, slice_of_text(buffer_text(&valid)));
    buffer_free(&valid);
}

static void append_member(struct buffer *out, const char *name, const char *text) {
    buffer_append_format(out, "\"%s\":", name);
    append_text(out, text);
}

static void append_time(struct buffer *out, const char *name, int64_t unix_us) {
    char text[CLOCK_ISO8601_SIZE];
    clock_format_iso8601(unix_us, text);
    buffer_append_format(out, ",\"%s\":\"%s\"", name, text);
}

static void append_program(struct buffer *out, const struct status *status) {
    char host[HOST_SIZE] = "";
    (void)gethostname(host, sizeof host - 1);
    buffer_append_text(out, "{\"program\":{");
    append_member(out, "version", status->version);
    buffer_append_char(out, ',');
    append_member(out, "command", status->command);
    buffer_append_format(out, ",\"pid\":%d,", (int)getpid());
    append_member(out, "host", host);
    append_time(out, "started_at", status->started_us);
    append_time(out, "now", status->now_us);
    buffer_append_format(out, ",\"state\":\"%s\"}", status->is_stopping ? "stopping" : "running");
}

static void append_checks(struct buffer *out, const struct health *health) {
    buffer_append_text(out, ",\"checks\":[");
    for (int index = 0; index < health->count; index++) {
        const struct health_check *check = &health->checks[index];
        buffer_append_text(out, index > 0 ? ",{" : "{");
        append_member(out, "name", check->name);
        buffer_append_format(out, ",\"good\":%s,", check->good ? "true" : "false");
        append_member(out, "why", check->why);
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
}

static void append_value(struct buffer *out, const struct tally_column *column, int64_t value) {
    buffer_append_format(out, ",\"%s\":", column->name);
    switch (column->kind) {
    case TALLY_COUNT:
        buffer_append_int(out, value);
        break;
    case TALLY_SECONDS:
        buffer_append_format(out, "%.6f", (double)value / 1e6);
        break;
    case TALLY_FLAG:
        buffer_append_text(out, value != 0 ? "true" : "false");
        break;
    }
}

// append_tally appends the rows as the array `name` of objects, the row's own name under `key`.
static void append_tally(struct buffer *out, const char *name, const char *key, struct tally *tally) {
    buffer_append_format(out, ",\"%s\":[", name);
    for (size_t index = 0; index < tally->count; index++) {
        const struct tally_row *row = &tally->rows[index];
        buffer_append_text(out, index > 0 ? ",{" : "{");
        append_member(out, key, row->name);
        for (int column = 0; column < tally->columns_count; column++) {
            append_value(out, &tally->columns[column], row->values[column]);
        }
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
    tally_free(tally);
}

void status_write(const struct status *status, struct buffer *out) {
    append_program(out, status);
    append_checks(out, status->health);
    buffer_append_text(out, ",\"history\":");
    history_append_json(status->history, out);
    struct tally topics = tally_of_topics();
    append_tally(out, "topics", "topic", &topics);
    struct tally handlers = tally_of_handlers();
    append_tally(out, "handlers", "handler", &handlers);
    buffer_append_text(out, ",\"report\":");
    json_splice(out, slice_of_text(status->report != NULL ? status->report : "null"));
    buffer_append_text(out, "}\n");
}
