// SPDX-License-Identifier: Apache-2.0
// Nothing may move a function before first_time, call it early or leave it out, whatever it returns and
// however it is declared:
// - The event comes out of a materialized CTE. As a parameter it would be a constant to the planner, which
//   calls immutable functions of constants while it plans, also in a branch of CASE that is never taken.
// - The call is a correlated subquery, which runs when its branch of CASE is reached, and only then. In its
//   select list anything may stand: void, a set, a record of unknown columns.
// - OFFSET 0 keeps the subquery as it is, and count() uses the result, as a result of a stable function that
//   nobody uses is not computed; it also fetches all rows of a set.
#include "handle/sql_call.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALL_MAX = 2048 };

// Set for the transaction by the first of several calls, for the others.
#define IS_FIRST "outbox_relay.first_time"

static const char *const sources[SQL_PLACES] = {
    [SQL_ONLY] = "inbox.first_time($1::pg_catalog.text, $2::pg_catalog.uuid) AS first, $3::pg_catalog.jsonb",
    [SQL_FIRST] = "inbox.first_time($1::pg_catalog.text, $2::pg_catalog.uuid) AS first, $3::pg_catalog.jsonb",
    [SQL_NEXT] = "pg_catalog.current_setting('" IS_FIRST "')::boolean AS first, $1::pg_catalog.jsonb",
};

static char *build(const char *quoted, enum sql_place place) {
    struct buffer sql;
    buffer_init(&sql, CALL_MAX);
    buffer_append_format(
        &sql,
        "WITH e AS MATERIALIZED (SELECT %s AS event) SELECT e.first%s, CASE WHEN e.first THEN"
        " (SELECT pg_catalog.count(c.r) FROM (SELECT %s(e.event) AS r OFFSET 0) AS c) END FROM e",
        sources[place],
        place == SQL_FIRST ? ", pg_catalog.set_config('" IS_FIRST "', e.first::pg_catalog.text, true)" : "",
        quoted);
    char *text = memory_copy_text(buffer_text(&sql));
    buffer_free(&sql);
    return text;
}

void sql_function_init(struct sql_function *function, const char *text, int number) {
    function->text = text;
    sql_name_parse(&function->name, text, NULL);
    for (enum sql_place place = 0; place < SQL_PLACES; place++) {
        function->sql[place] = build(function->name.quoted, place);
        snprintf(function->statements[place], SQL_STATEMENT_SIZE, "outbox_relay_call_%d_%d", number,
                 (int)place);
    }
}

void sql_function_free(struct sql_function *function) {
    for (int place = 0; place < SQL_PLACES; place++) {
        free(function->sql[place]);
    }
}

void sql_call_prepare(struct pg_connection *connection, const struct sql_function *functions, int count) {
    int places = count > 1 ? SQL_PLACES : SQL_ONLY + 1;
    for (int index = 0; index < count; index++) {
        for (int place = 0; place < places; place++) {
            pg_prepare(connection, functions[index].statements[place], functions[index].sql[place], NULL);
        }
    }
}

void sql_call_statement(struct pg_statement *statement, const struct sql_call_site *site,
                        const char *consumer, const struct domain_event *event) {
    const struct sql_function *function = site->function;
    *statement = (struct pg_statement){.sql = function->sql[site->place],
                                       .name = site->prepared ? function->statements[site->place] : NULL};
    if (site->place == SQL_NEXT) {
        statement->parameter_count = 1;
        statement->parameters[0].value = event->json.data;
    } else {
        statement->parameter_count = 3;
        statement->parameters[0].value = consumer;
        statement->parameters[1].value = event->event_id;
        statement->parameters[2].value = event->json.data;
    }
}
