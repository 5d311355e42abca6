// SPDX-License-Identifier: Apache-2.0
// The registry in Prometheus' text format, and the families as a table for the manual.
#include "base/utf8.h"
#include "observe/metrics_state.h"
#include "observe/process.h"

#include <inttypes.h>
#include <string.h>

// In a label value backslash, quote and line feed are escaped. One that is not UTF-8 would cost the whole
// scrape.
static void append_label_value(struct buffer *out, const char *value) {
    size_t left = strlen(value);
    while (left > 0) {
        uint32_t character = 0;
        size_t length = utf8_decode(value, left, &character);
        if (length == 0) {
            buffer_append_char(out, '?');
            length = 1;
        } else if (character == '\n') {
            buffer_append_text(out, "\\n");
        } else {
            buffer_append_text(out, character == '\\' || character == '"' ? "\\" : "");
            buffer_append(out, value, length);
        }
        value += length;
        left -= length;
    }
}

// Without zeros at the end: a bound is a label, and asked for as people write it ("0.5").
static void append_seconds(struct buffer *out, int64_t microseconds) {
    int64_t whole = microseconds / 1000000;
    int64_t part = microseconds % 1000000;
    int digits = 6;
    buffer_append_format(out, "%s%" PRId64, microseconds < 0 && whole == 0 ? "-" : "", whole);
    if (part == 0) {
        return;
    }
    for (part = part < 0 ? -part : part; part % 10 == 0; part /= 10) {
        digits--;
    }
    buffer_append_format(out, ".%0*" PRId64, digits, part);
}

static void append_value(struct buffer *out, const struct metric_family *family, int64_t value) {
    if (family->unit == METRIC_MICROSECONDS) {
        append_seconds(out, value);
    } else {
        buffer_append_int(out, value);
    }
}

// Appends NAME SUFFIX {labels}; `bound` is a further label le of a bucket, or NULL.
static void append_name(struct buffer *out, const struct metric *series, const char *suffix,
                        const char *bound) {
    const struct metric_family *family = series->family;
    char separator = '{';
    buffer_append_text(out, family->name);
    buffer_append_text(out, suffix);
    for (int index = 0; index < METRIC_LABELS_MAX && family->labels[index] != NULL; index++) {
        buffer_append_format(out, "%c%s=\"", separator, family->labels[index]);
        append_label_value(out, series->labels[index]);
        buffer_append_char(out, '"');
        separator = ',';
    }
    if (bound != NULL) {
        buffer_append_format(out, "%cle=\"%s\"", separator, bound);
        separator = ',';
    }
    buffer_append_text(out, separator == ',' ? "} " : " ");
}

static void append_histogram(struct buffer *out, const struct metric *series) {
    const struct metric_family *family = series->family;
    int64_t cumulative = 0;
    for (int index = 0; family->bounds[index] != 0; index++) {
        struct buffer bound;
        buffer_init(&bound, 32);
        append_value(&bound, family, family->bounds[index]);
        cumulative += series->counts[index];
        append_name(out, series, "_bucket", buffer_text(&bound));
        buffer_append_format(out, "%" PRId64 "\n", cumulative);
        buffer_free(&bound);
    }
    append_name(out, series, "_bucket", "+Inf");
    buffer_append_format(out, "%" PRId64 "\n", series->observations);
    append_name(out, series, "_sum", NULL);
    append_value(out, family, series->value);
    buffer_append_char(out, '\n');
    append_name(out, series, "_count", NULL);
    buffer_append_format(out, "%" PRId64 "\n", series->observations);
}

static const char *const kinds[] = {
    [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

static void append_family(struct buffer *out, enum metric_name name) {
    const struct metric_family *family = &metric_families[name];
    const struct metric *series = metrics_first(name);
    if (series == NULL) {
        return;
    }
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                         kinds[family->kind]);
    for (; series != NULL; series = series->next) {
        if (family->kind == METRIC_HISTOGRAM) {
            append_histogram(out, series);
        } else {
            append_name(out, series, "", NULL);
            append_value(out, family, series->value);
            buffer_append_char(out, '\n');
        }
    }
}

// A family without labels is there from the start, so that its absence is never taken for a 0.
void metrics_write(enum metric_owner owner, struct buffer *out) {
    for (int name = 0; name < METRIC_NAMES; name++) {
        const struct metric_family *family = &metric_families[name];
        if ((family->owners & (unsigned)owner) == 0) {
            continue;
        }
        if (family->labels[0] == NULL && !family->absent_at_first) {
            metric_series((enum metric_name)name, NULL, NULL);
        }
        append_family(out, (enum metric_name)name);
    }
    process_write(out);
}

void metrics_append_table(struct buffer *out) {
    static const char *const owners[] = {
        [METRIC_OF_RUN] = "run", [METRIC_OF_CONSUME] = "consume", [METRIC_OF_BOTH] = "run, consume"};
    buffer_append_text(out, "| metric | kind | labels | of | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (int name = 0; name < METRIC_NAMES; name++) {
        const struct metric_family *family = &metric_families[name];
        buffer_append_format(
            out, "| `%s` | %s | %s%s%s | %s | %s |\n", family->name, kinds[family->kind],
            family->labels[0] != NULL ? family->labels[0] : "", family->labels[1] != NULL ? ", " : "",
            family->labels[1] != NULL ? family->labels[1] : "", owners[family->owners], family->help);
    }
}
