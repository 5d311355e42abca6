// SPDX-License-Identifier: Apache-2.0
// outbox-relay publish: one event, through the same function that producers call.
#include "commands/command.h"
#include "migrate/query.h"

#include <stdio.h>

bool command_publish(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error) {
    PGconn *connection = query_connect(settings->database_url, error);
    if (connection == NULL) {
        return false;
    }
    PGresult *result = query_run_with(
        connection, "SELECT outbox.publish($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.json)",
        operand_count, operands, "publishing the event", error);
    if (result != NULL) {
        (void)puts(PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    PQfinish(connection);
    return result != NULL;
}
