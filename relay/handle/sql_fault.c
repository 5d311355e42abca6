// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_fault.h"

#include <stddef.h>
#include <string.h>

// Whole codes before their classes (the first two characters).
static const struct {
    const char *code;
    enum sql_fault fault;
} faults[] = {
    {"40001", FAULT_NOBODY},  // serialization_failure
    {"40P01", FAULT_NOBODY},  // deadlock_detected
    {"55P03", FAULT_NOBODY},  // lock_not_available
    {"25006", FAULT_STANDBY}, // read_only_sql_transaction
    {"57014", FAULT_EVENT},   // query_canceled: the time-out
    {"57", FAULT_DATABASE},   // operator intervention: shutdown, crash, database dropped
    {"08", FAULT_DATABASE},   // connection exception, of a function that calls another database
    {"53", FAULT_DATABASE},   // insufficient resources
    {"58", FAULT_DATABASE},   // system error
};

enum sql_fault sql_fault_of(const char *sqlstate) {
    for (size_t index = 0; index < sizeof faults / sizeof faults[0]; index++) {
        if (strncmp(sqlstate, faults[index].code, strlen(faults[index].code)) == 0) {
            return faults[index].fault;
        }
    }
    return FAULT_EVENT;
}
