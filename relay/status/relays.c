// SPDX-License-Identifier: Apache-2.0
#include "status/relays.h"

#include "status/fields.h"

#include <string.h>

bool relays_is_one(const cJSON *connection) {
    static const char others[] = "outbox-relay ";
    const char *application = field_text(connection, "application");
    return field_is_true(connection, "leads") || strncmp(application, others, sizeof others - 1) != 0;
}

bool relays_are_alike(const cJSON *one, const cJSON *other) {
    return strcmp(field_text(one, "application"), field_text(other, "application")) == 0 &&
           strcmp(field_text(one, "client"), field_text(other, "client")) == 0;
}

bool relays_any(const cJSON *connections) {
    const cJSON *connection;
    cJSON_ArrayForEach(connection, connections) {
        if (relays_is_one(connection)) {
            return true;
        }
    }
    return false;
}
