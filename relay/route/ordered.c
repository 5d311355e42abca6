// SPDX-License-Identifier: Apache-2.0
#include "route/ordered.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "route/pattern.h"

#include <stdlib.h>

enum { SQL_MAX = 16 << 20 };

static int more_specific_first(const void *one, const void *other) {
    const struct rule *a = one;
    const struct rule *b = other;
    return pattern_compare_specificity(b->pattern, a->pattern);
}

// A valid pattern has nothing in it that SQL or a regular expression could take for more than a letter, but
// for the dots and stars. Every word ends in a dot here, so that ** can stand for no word at all; see
// outbox.topic_of.
static void append_expression(struct buffer *sql, const char *pattern) {
    for (const char *word = pattern; *word != '\0';) {
        size_t length = strcspn(word, ".");
        if (length == 2 && memcmp(word, "**", 2) == 0) {
            buffer_append_text(sql, "([^.]+[.])*");
        } else if (length == 1 && *word == '*') {
            buffer_append_text(sql, "[^.]+[.]");
        } else {
            buffer_append(sql, word, length);
            buffer_append_text(sql, "[.]");
        }
        word += length + (word[length] == '.');
    }
}

struct filter {
    topic_filter left_out;
    void *context;
};

static bool counts(const struct filter *filter, const char *arn, bool is_fifo) {
    return is_fifo && (filter->left_out == NULL || !filter->left_out(filter->context, arn));
}

static bool rule_counts(const struct filter *filter, const struct rule *rule) {
    return counts(filter, rule->topic->arn, rule->topic->parts.is_fifo);
}

static void append_rule(struct buffer *sql, const struct rule *rule, const struct filter *filter) {
    if (strchr(rule->pattern, '*') == NULL) {
        buffer_append_format(sql, " WHEN event_type = '%s'", rule->pattern);
    } else {
        buffer_append_text(sql, " WHEN event_type || '.' ~ '^");
        append_expression(sql, rule->pattern);
        buffer_append_text(sql, "$'");
    }
    buffer_append_text(sql, rule_counts(filter, rule) ? " THEN true" : " THEN false");
}

static bool is_fifo_arn(const char *arn) {
    struct aws_topic_arn parts;
    return arn[0] != '\0' && aws_topic_arn_parse(&parts, arn, NULL) && parts.is_fifo;
}

static char *write_sql(const struct rule *rules, size_t count, bool default_counts,
                       const struct filter *filter) {
    struct buffer sql;
    buffer_init(&sql, SQL_MAX);
    buffer_append_text(&sql, "CASE");
    for (size_t index = 0; index < count; index++) {
        append_rule(&sql, &rules[index], filter);
    }
    buffer_append_text(&sql, default_counts ? " ELSE true END" : " ELSE false END");
    char *text = memory_copy_text(buffer_text(&sql));
    buffer_free(&sql);
    return text;
}

char *ordered_sql(const struct rules *rules, const char *default_arn, topic_filter left_out, void *context) {
    const struct filter filter = {left_out, context};
    bool default_counts = counts(&filter, default_arn, is_fifo_arn(default_arn));
    size_t fifo = 0;
    for (size_t index = 0; index < rules->count; index++) {
        fifo += rule_counts(&filter, &rules->items[index]);
    }
    if (fifo == rules->count && default_counts) {
        return memory_copy_text("true");
    }
    if (fifo == 0 && !default_counts) {
        return NULL;
    }
    struct rule *sorted = memory_allocate(rules->count + 1, sizeof *sorted);
    memcpy(sorted, rules->items, rules->count * sizeof *sorted);
    qsort(sorted, rules->count, sizeof *sorted, more_specific_first);
    char *sql = write_sql(sorted, rules->count, default_counts, &filter);
    free(sorted);
    return sql;
}
