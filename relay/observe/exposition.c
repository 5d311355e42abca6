// SPDX-License-Identifier: Apache-2.0
// The registry in Prometheus' text format, and the families as a table for the manual.
#include "observe/metrics_state.h"
#include "observe/process.h"

#include <inttypes.h>

// In a label value backslash, quote and line feed are escaped; other control characters are none that
// Prometheus minds.
static void append_label_value(struct buffer *out, const char *value) {
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            buffer_append_text(out, "\\n");
        } else {
            if (*value == '\\' || *value == '"') {
                buffer_append_char(out, '\\');
            }
            buffer_append_char(out, *value);
        }
    }
}

static void append_value(struct buffer *out, const struct metric_family *family, int64_t value) {
    if (family->unit == METRIC_MICROSECONDS) {
        buffer_append_format(out, "%s%" PRId64 ".%06" PRId64, value < 0 ? "-" : "",
                             (value < 0 ? -value : value) / 1000000, (value < 0 ? -value : value) % 1000000);
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
        if (family->labels[0] == NULL && name != METRIC_CREDENTIALS_EXPIRY) {
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
