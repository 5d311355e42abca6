// SPDX-License-Identifier: Apache-2.0
// outbox-relay retry, park, pause, resume: the SQL functions of these names, whose answer is printed.
#include "base/buffer.h"
#include "commands/command.h"
#include "migrate/migrate.h"
#include "migrate/query.h"
#include "outbox/transaction.h"
#include "settings/arguments.h"
#include "settings/value.h"

#include <stdio.h>

enum { IDS_SIZE_MAX = OPERANDS_MAX * 20 + 2, PARAMETERS_MAX = 2 };

struct call {
    const char *sql;         // a SELECT of one text
    const char *application; // see query_connect
    const char *what;        // begins an error's text
    int count;
    const char *parameters[PARAMETERS_MAX];
};

// A call may wait for locks. Whoever gives up by then expects that nothing happens: without them there is no
// COMMIT, and the server looks whether they are still there.
static const char begin[] = TRANSACTION_BEGIN "; SELECT " WATCH_WAITS("1000", "true");

static bool ask(PGconn *connection, const struct call *call, struct error *error) {
    if (!query_do(connection, begin, call->what, error)) {
        return false;
    }
    PGresult *result =
        query_run_with(connection, call->sql, call->count, call->parameters, call->what, error);
    bool done = result != NULL && query_do(connection, "COMMIT", call->what, error);
    if (done) {
        (void)puts(PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    return done;
}

static bool make(const struct settings *settings, const struct call *call, struct error *error) {
    PGconn *connection = query_connect(settings->database_url, call->application, error);
    bool done = connection != NULL && migrate_require(connection, &schema_outbox, error) &&
                ask(connection, call, error);
    PQfinish(connection);
    return done;
}

// Writes the ids as an array in SQL's notation.
static bool append_ids(struct buffer *ids, const char *const *operands, int count, struct error *error) {
    for (int index = 0; index < count; index++) {
        int64_t id = 0;
        if (!value_parse_integer(operands[index], &id) || id == 0) {
            return error_set(
                error, ERROR_USAGE,
                "%.64s is not the id of an event: that is a whole number from 1, as in column id "
                "of outbox.event_status and \"sequence\" in the message",
                arguments_shown(operands[index]));
        }
        buffer_append_char(ids, index == 0 ? '{' : ',');
        buffer_append_int(ids, id);
    }
    buffer_append_char(ids, '}');
    return true;
}

// Makes a call whose first parameter are the ids.
static bool make_with_ids(const struct settings *settings, struct call *call, const char *const *operands,
                          int operand_count, struct error *error) {
    struct buffer ids;
    buffer_init(&ids, IDS_SIZE_MAX);
    bool done = append_ids(&ids, operands, operand_count, error);
    if (done) {
        call->parameters[0] = buffer_text(&ids);
        done = make(settings, call, error);
    }
    buffer_free(&ids);
    return done;
}

bool command_retry(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error) {
    bool by_pattern = settings->pattern[0] != '\0';
    if (by_pattern == (operand_count > 0)) {
        return error_set(error, ERROR_USAGE,
                         "retry needs either the ids of events or --pattern; see outbox-relay help retry");
    }
    struct call call = {.application = "outbox-relay retry",
                        .what = "trying events again",
                        .count = 1,
                        .parameters = {settings->pattern}};
    if (by_pattern) {
        call.sql = "SELECT outbox.retry($1::pg_catalog.text)";
        return make(settings, &call, error);
    }
    call.sql = "SELECT outbox.retry(VARIADIC $1::pg_catalog.int8[])";
    return make_with_ids(settings, &call, operands, operand_count, error);
}

bool command_park(const struct settings *settings, const char *const *operands, int operand_count,
                  struct error *error) {
    struct call call = {.sql = "SELECT outbox.park($1::pg_catalog.int8[], $2::pg_catalog.text)",
                        .application = "outbox-relay park",
                        .what = "parking events",
                        .count = 2,
                        .parameters = {NULL, settings->reason}};
    return make_with_ids(settings, &call, operands, operand_count, error);
}

bool command_pause(const struct settings *settings, const char *const *operands, int operand_count,
                   struct error *error) {
    (void)operand_count;
    const struct call call = {.sql = "SELECT outbox.pause($1::pg_catalog.text, $2::pg_catalog.text)",
                              .application = "outbox-relay pause",
                              .what = "pausing the topic",
                              .count = 2,
                              .parameters = {operands[0], settings->reason}};
    return make(settings, &call, error);
}

bool command_resume(const struct settings *settings, const char *const *operands, int operand_count,
                    struct error *error) {
    (void)operand_count;
    const struct call call = {.sql = "SELECT outbox.resume($1::pg_catalog.text)",
                              .application = "outbox-relay resume",
                              .what = "resuming the topic",
                              .count = 1,
                              .parameters = {operands[0]}};
    return make(settings, &call, error);
}
