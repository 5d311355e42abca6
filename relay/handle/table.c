// SPDX-License-Identifier: Apache-2.0
#include "handle/table.h"

#include "base/memory.h"
#include "credentials/words.h"
#include "handle/runner.h"
#include "handle/sql_name.h"
#include "route/pattern.h"

#include <stdlib.h>
#include <string.h>

#define REMEDY                                                                                               \
    "write PATTERN=HANDLER with sql:schema.function, http:URL or exec:COMMAND, as in "                       \
    "order.created=sql:shop.reserve_stock"

static bool is_blank(char character) {
    return character == ' ' || character == '\t' || character == '\r';
}

// Cuts blanks at both ends of text[0..length) and puts a zero byte behind what is left.
static char *trim(char *text, size_t length) {
    while (length > 0 && is_blank(text[length - 1])) {
        length--;
    }
    text[length] = '\0';
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// "http:" before a URL of its own is the kind; otherwise it belongs to the URL.
static char *url_of(char *handler) {
    char *rest = handler + strlen("http:");
    rest += strspn(rest, " \t");
    return starts_with(rest, "http:") || starts_with(rest, "https:") ? rest : handler;
}

static bool read_sql(struct handler *handler, char *text, struct error *error) {
    handler->kind = HANDLER_SQL;
    handler->where = memory_copy_text(trim(text, strlen(text)));
    return sql_runner_check(handler->where, error);
}

static bool read_http(struct handler *handler, const char *url, struct error *error) {
    handler->kind = HANDLER_HTTP;
    handler->where = memory_copy_text(url);
    return http_runner_check(url, error);
}

static bool read_exec(struct handler *handler, char *text, struct error *error) {
    handler->kind = HANDLER_EXEC;
    handler->where = memory_copy_text(trim(text, strlen(text)));
    handler->words = words_split(handler->where, error);
    return handler->words != NULL;
}

static bool read_handler(struct handler *handler, char *text, struct error *error) {
    if (starts_with(text, "sql:")) {
        return read_sql(handler, text + strlen("sql:"), error);
    }
    if (starts_with(text, "http:")) {
        return read_http(handler, url_of(text), error);
    }
    if (starts_with(text, "https:")) {
        return read_http(handler, text, error);
    }
    if (starts_with(text, "exec:")) {
        return read_exec(handler, text + strlen("exec:"), error);
    }
    return error_set(error, ERROR_USAGE, "its handler is none of sql:, http:, https: and exec:; " REMEDY);
}

static void free_handler(struct handler *handler) {
    free(handler->where);
    free(handler->words);
}

static bool is_same_function(const char *one, const char *other) {
    struct sql_name names[2];
    return sql_name_parse(&names[0], one, NULL) && sql_name_parse(&names[1], other, NULL) &&
           strcmp(names[0].quoted, names[1].quoted) == 0;
}

static bool is_same_command(char *const *one, char *const *other) {
    int index = 0;
    while (one[index] != NULL && other[index] != NULL && strcmp(one[index], other[index]) == 0) {
        index++;
    }
    return one[index] == NULL && other[index] == NULL;
}

static bool is_same(const struct handler *one, const struct handler *other) {
    if (one->kind != other->kind) {
        return false;
    }
    switch (one->kind) {
    case HANDLER_SQL:
        return is_same_function(one->where, other->where);
    case HANDLER_EXEC:
        return is_same_command(one->words, other->words);
    default:
        return strcmp(one->where, other->where) == 0;
    }
}

// Takes over what the handler owns; returns its place.
static int add_handler(struct table *table, struct handler *handler) {
    for (int index = 0; index < table->handler_count; index++) {
        if (is_same(&table->handlers[index], handler)) {
            free_handler(handler);
            return index;
        }
    }
    table->handlers[table->handler_count] = *handler;
    return table->handler_count++;
}

static bool add_line(struct table *table, char *line, struct error *error) {
    if (table->line_count == TABLE_LINES_MAX) {
        return error_set(error, ERROR_USAGE,
                         "there are more than %d lines; join some by patterns with * and **",
                         TABLE_LINES_MAX);
    }
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        return error_set(error, ERROR_USAGE, "it has no \"=\"; " REMEDY);
    }
    char *pattern = trim(line, (size_t)(equals - line));
    if (!pattern_valid(pattern, error)) {
        return false;
    }
    struct handler handler = {0};
    if (!read_handler(&handler, trim(equals + 1, strlen(equals + 1)), error)) {
        free_handler(&handler);
        return false;
    }
    table->lines[table->line_count++] =
        (struct table_line){memory_copy_text(pattern), add_handler(table, &handler)};
    if (table_count(table, HANDLER_SQL) > SQL_FUNCTIONS_MAX) {
        return error_set(error, ERROR_USAGE,
                         "there are more than %d functions; let one function call the others",
                         SQL_FUNCTIONS_MAX);
    }
    return true;
}

// `text` is taken apart in place.
static bool read_lines(struct table *table, char *text, struct error *error) {
    for (int number = 1; text != NULL; number++) {
        char *end = strchr(text, '\n');
        char *line = trim(text, end != NULL ? (size_t)(end - text) : strlen(text));
        if (line[0] != '\0' && line[0] != '#' && !add_line(table, line, error)) {
            return error_prefix(error, "--on (OUTBOX_ON), line %d", number);
        }
        text = end != NULL ? end + 1 : NULL;
    }
    return true;
}

struct table *table_read(const char *text, struct error *error) {
    struct table *table = memory_allocate(1, sizeof *table);
    char *copy = memory_copy_text(text);
    bool good = read_lines(table, copy, error);
    free(copy);
    if (!good) {
        table_free(table);
        return NULL;
    }
    return table;
}

void table_free(struct table *table) {
    if (table == NULL) {
        return;
    }
    for (int index = 0; index < table->line_count; index++) {
        free(table->lines[index].pattern);
    }
    for (int index = 0; index < table->handler_count; index++) {
        free_handler(&table->handlers[index]);
    }
    free(table);
}

int table_match(const struct table *table, const char *event_type, bool matched[TABLE_LINES_MAX]) {
    int count = 0;
    memset(matched, 0, (size_t)table->handler_count * sizeof *matched);
    for (int index = 0; index < table->line_count; index++) {
        const struct table_line *line = &table->lines[index];
        if (!matched[line->handler] && pattern_matches(line->pattern, event_type)) {
            matched[line->handler] = true;
            count++;
        }
    }
    return count;
}

int table_count(const struct table *table, enum handler_kind kind) {
    int count = 0;
    for (int index = 0; index < table->handler_count; index++) {
        count += table->handlers[index].kind == kind;
    }
    return count;
}
