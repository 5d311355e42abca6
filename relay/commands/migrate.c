// SPDX-License-Identifier: Apache-2.0
// outbox-relay migrate up, down, status, print; of schema outbox, or with --inbox of schema inbox.
#include "migrate/migrate.h"

#include "commands/command.h"
#include "migrate/query.h"

#include <stdio.h>
#include <string.h>

enum action { MIGRATE_UP, MIGRATE_DOWN, MIGRATE_DOWN_FORCE, MIGRATE_STATUS, MIGRATE_PRINT };

static bool parse_action(const char *const *operands, int count, enum action *action, struct error *error) {
    static const struct {
        const char *words[2];
        enum action action;
    } actions[] = {
        {{"up", NULL}, MIGRATE_UP},
        {{"down", NULL}, MIGRATE_DOWN},
        {{"down", "force"}, MIGRATE_DOWN_FORCE},
        {{"status", NULL}, MIGRATE_STATUS},
        {{"print", NULL}, MIGRATE_PRINT},
    };
    for (size_t index = 0; index < sizeof actions / sizeof actions[0]; index++) {
        const char *second = actions[index].words[1];
        bool same = strcmp(operands[0], actions[index].words[0]) == 0 && (count == 2) == (second != NULL);
        if (same && (second == NULL || strcmp(operands[1], second) == 0)) {
            *action = actions[index].action;
            return true;
        }
    }
    return error_set(
        error, ERROR_USAGE,
        "migrate %.32s%s%.32s is not understood; write migrate up, down, down force, status or print",
        operands[0], count == 2 ? " " : "", count == 2 ? operands[1] : "");
}

static bool act(PGconn *connection, const struct schema *schema, enum action action, struct error *error) {
    switch (action) {
    case MIGRATE_UP:
        return migrate_up(connection, schema, stdout, error);
    case MIGRATE_DOWN:
    case MIGRATE_DOWN_FORCE:
        return migrate_down(connection, schema, action == MIGRATE_DOWN_FORCE, stdout, error);
    case MIGRATE_STATUS:
        return migrate_status(connection, schema, stdout, error);
    case MIGRATE_PRINT:
        return migrate_print(schema, stdout, error); // has no connection
    }
    return false;
}

bool command_migrate(const struct settings *settings, const char *const *operands, int operand_count,
                     struct error *error) {
    enum action action = MIGRATE_UP;
    if (!parse_action(operands, operand_count, &action, error)) {
        return false;
    }
    PGconn *connection = NULL;
    if (action != MIGRATE_PRINT) {
        connection = query_connect(settings->database_url, "outbox-relay migrate", error);
        if (connection == NULL) {
            return false;
        }
    }
    bool done = act(connection, settings->inbox != 0 ? &schema_inbox : &schema_outbox, action, error);
    PQfinish(connection);
    return done;
}
