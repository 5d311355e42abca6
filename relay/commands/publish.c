// SPDX-License-Identifier: Apache-2.0
// outbox-relay publish: one event, through the same function that producers call.
#include "commands/command.h"
#include "migrate/migrate.h"
#include "migrate/query.h"

#include <stdio.h>
#include <string.h>

// Names of the schema's own, and not of what a trigger on the table calls.
static bool is_missing(const struct error *error) {
    static const char *const states[] = {"3F000", "42883", "42P01"}; // undefined schema, function, table
    for (size_t index = 0; index < sizeof states / sizeof states[0]; index++) {
        if (strcmp(error->sqlstate, states[index]) == 0) {
            return strstr(error->text, "outbox") != NULL;
        }
    }
    return false;
}

// Writers may not read what is migrated, so that is not asked before: the refusal tells.
static void explain(struct error *error) {
    const struct history none = {0};
    if (is_missing(error)) {
        (void)migrate_check(&none, &schema_outbox, error);
    }
}

bool command_publish(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error) {
    PGconn *connection = query_connect(settings->database_url, "outbox-relay publish", error);
    if (connection == NULL) {
        return false;
    }
    PGresult *result = query_run_with(
        connection, "SELECT outbox.publish($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.json)",
        operand_count, operands, "publishing the event", error);
    if (result != NULL) {
        (void)puts(PQgetvalue(result, 0, 0));
    } else {
        explain(error);
    }
    PQclear(result);
    PQfinish(connection);
    return result != NULL;
}
