// SPDX-License-Identifier: Apache-2.0
// The statements that call a function for an event: one for each function, so that it is known which of them
// has failed, each has the whole time-out, and a later one sees what an earlier one has done. The first of an
// event also writes its row in inbox.processed_event; when that is there already no function is called.
#pragma once

#include "handle/domain_event.h"
#include "handle/sql_name.h"
#include "postgres/connection.h"

#include <stdbool.h>

// Where in the event's row of functions a call stands.
enum sql_place { SQL_ONLY, SQL_FIRST, SQL_NEXT, SQL_PLACES };

enum { SQL_STATEMENT_SIZE = 40 };

struct sql_function {
    const char *text; // as the user wrote it
    struct sql_name name;
    char *sql[SQL_PLACES]; // owned
    char statements[SQL_PLACES][SQL_STATEMENT_SIZE];
};

// sql_function_init: `text` was checked before (sql_name_parse), and lives as long as the function. `number`
// distinguishes it from other functions.
void sql_function_init(struct sql_function *function, const char *text, int number);
void sql_function_free(struct sql_function *function);

struct sql_call_site {
    const struct sql_function *function;
    enum sql_place place;
    bool prepared;
};

// sql_call_prepare prepares the calls of functions, which sql_call_statement then uses if `prepared`. With
// one function no event has several.
void sql_call_prepare(struct pg_connection *connection, const struct sql_function *functions, int count);

// sql_call_statement fills in statement and parameters; row, done and context are the caller's. Its one row
// has one boolean first: whether the event is new. The event's json has a zero byte behind it.
void sql_call_statement(struct pg_statement *statement, const struct sql_call_site *site,
                        const char *consumer, const struct domain_event *event);
