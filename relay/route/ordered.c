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

static void append_rule(struct buffer *sql, const struct rule *rule) {
    if (strchr(rule->pattern, '*') == NULL) {
        buffer_append_format(sql, " WHEN event_type = '%s'", rule->pattern);
    } else {
        buffer_append_text(sql, " WHEN event_type || '.' ~ '^");
        append_expression(sql, rule->pattern);
        buffer_append_text(sql, "$'");
    }
    buffer_append_text(sql, rule->topic->parts.is_fifo ? " THEN true" : " THEN false");
}

static bool is_fifo_arn(const char *arn) {
    struct aws_topic_arn parts;
    return arn[0] != '\0' && aws_topic_arn_parse(&parts, arn, NULL) && parts.is_fifo;
}

static char *write_sql(const struct rule *rules, size_t count, bool is_default_fifo) {
    struct buffer sql;
    buffer_init(&sql, SQL_MAX);
    buffer_append_text(&sql, "CASE");
    for (size_t index = 0; index < count; index++) {
        append_rule(&sql, &rules[index]);
    }
    buffer_append_text(&sql, is_default_fifo ? " ELSE true END" : " ELSE false END");
    char *text = memory_copy_text(buffer_text(&sql));
    buffer_free(&sql);
    return text;
}

char *ordered_sql(const struct rules *rules, const char *default_arn) {
    bool is_default_fifo = is_fifo_arn(default_arn);
    size_t fifo = 0;
    for (size_t index = 0; index < rules->count; index++) {
        fifo += rules->items[index].topic->parts.is_fifo;
    }
    if (fifo == rules->count && is_default_fifo) {
        return memory_copy_text("true");
    }
    if (fifo == 0 && !is_default_fifo) {
        return NULL;
    }
    struct rule *sorted = memory_allocate(rules->count + 1, sizeof *sorted);
    memcpy(sorted, rules->items, rules->count * sizeof *sorted);
    qsort(sorted, rules->count, sizeof *sorted, more_specific_first);
    char *sql = write_sql(sorted, rules->count, is_default_fifo);
    free(sorted);
    return sql;
}
