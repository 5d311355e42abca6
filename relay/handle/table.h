// SPDX-License-Identifier: Apache-2.0
// The table that --on makes: patterns over event types, and the handlers behind them. A line is
//     PATTERN=KIND:WHERE
// with KIND sql, http, https or exec; blanks around its parts, empty lines and lines that begin with # do not
// count. Lines may share a handler: it runs once for an event, however many of its patterns match.
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum handler_kind { HANDLER_SQL, HANDLER_HTTP, HANDLER_EXEC };

enum { TABLE_LINES_MAX = 256 };

enum handler_outcome {
    HANDLER_DONE,
    HANDLER_DUPLICATE,
    HANDLER_FAILED,
    HANDLER_UNREACHABLE,
    HANDLER_PUT_OFF,
    HANDLER_OUTCOMES
};

struct metric; // observe/metrics.h

struct handler {
    enum handler_kind kind;
    char *where;                               // a function, a URL, or a command as it was written
    char **words;                              // HANDLER_EXEC: the command, split; one block
    struct metric *outcomes[HANDLER_OUTCOMES]; // where it is counted: figures.h
    struct metric *duration;
};

struct table_line {
    char *pattern;
    int handler; // index
};

struct table {
    struct table_line lines[TABLE_LINES_MAX];
    int line_count;
    struct handler handlers[TABLE_LINES_MAX]; // each once, in the order of the lines
    int handler_count;
};

// table_read returns NULL when a line is malformed (ERROR_USAGE, with its number, the rule and the remedy).
// Of WHERE no more is shown than a function's name, or scheme and host[:port] of a URL: what else a URL or a
// command holds can be a secret.
struct table *table_read(const char *text, struct error *error);
void table_free(struct table *table);

// table_match sets for each handler (handlers[index]) whether it is to run, and returns how many are.
int table_match(const struct table *table, const char *event_type, bool matched[TABLE_LINES_MAX]);

// table_count tells how many handlers of a kind there are.
int table_count(const struct table *table, enum handler_kind kind);
