// SPDX-License-Identifier: Apache-2.0
#include "rows_harness.h"

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 32, TEXT_MAX = 1 << 16 };

// Cuts the next field off; its end becomes a zero byte.
static char *next_field(char **place, char separator) {
    char *field = *place;
    char *end = strchr(field, separator);
    if (end != NULL) {
        *end = '\0';
    }
    *place = end != NULL ? end + 1 : field + strlen(field);
    return field;
}

static int set_columns(PGresult *result, char *line) {
    PGresAttDesc columns[COLUMNS_MAX];
    int count = 0;
    memset(columns, 0, sizeof columns);
    while (*line != '\0' && count < COLUMNS_MAX) {
        columns[count++].name = next_field(&line, '|');
    }
    PQsetResultAttrs(result, count, columns);
    return count;
}

PGresult *rows_of(const char *lines) {
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char *copy = strdup(lines);
    char *place = copy;
    int count = set_columns(result, next_field(&place, '\n'));
    for (int row = 0; *place != '\0'; row++) {
        char *line = next_field(&place, '\n');
        for (int column = 0; column < count; column++) {
            char *value = next_field(&line, '|');
            PQsetvalue(result, row, column, value[0] != '\0' ? value : NULL,
                       value[0] != '\0' ? (int)strlen(value) : -1);
        }
    }
    free(copy);
    return result;
}

static char *run(void (*judge)(struct subject *, const PGresult *, struct look_context *), const char *lines,
                 struct look_context *context, bool remedies) {
    static const char *const levels[] = {"ok", "note", "warning", "error"};
    struct look_context usual = {.host = "127.0.0.1",
                                 .port = "5432",
                                 .tls = "",
                                 .backend_pid = 7,
                                 .claims = 4,
                                 .claim_timeout_ms = 20000};
    struct findings *findings = findings_new();
    struct subject *subject = findings_subject(findings, NULL, "test");
    PGresult *rows = rows_of(lines);
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    judge(subject, rows, context != NULL ? context : &usual);
    for (const struct finding *finding = subject->first; finding != NULL; finding = finding->next) {
        if (remedies && finding->remedy != NULL) {
            buffer_append_format(&text, "%s\n", finding->remedy);
        } else if (!remedies && finding->level != FINDING_OK) {
            buffer_append_format(&text, "%s %s\n", levels[finding->level], finding->name);
        }
    }
    char *copy = strdup(buffer_text(&text));
    buffer_free(&text);
    PQclear(rows);
    findings_free(findings);
    return copy;
}

char *judged(void (*judge)(struct subject *, const PGresult *, struct look_context *), const char *lines,
             struct look_context *context) {
    return run(judge, lines, context, false);
}

char *judged_remedies(void (*judge)(struct subject *, const PGresult *, struct look_context *),
                      const char *lines) {
    return run(judge, lines, NULL, true);
}
