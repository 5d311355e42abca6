// SPDX-License-Identifier: Apache-2.0
// The name of a function as SQL writes it: schema.function, each in lower case or "quoted", where a quote
// within is doubled. Source: PostgreSQL, "Identifiers and Key Words". Nothing is folded or cut as the server
// would do it: a name that is not what it seems is an error.
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum {
    SQL_IDENTIFIER_MAX = 63,                                // bytes, NAMEDATALEN - 1
    SQL_QUOTED_SIZE = 2 * (2 * SQL_IDENTIFIER_MAX + 2) + 2, // both quoted, the dot and the zero byte
};

struct sql_name {
    char schema[SQL_IDENTIFIER_MAX + 1];
    char function[SQL_IDENTIFIER_MAX + 1];
    char quoted[SQL_QUOTED_SIZE]; // "schema"."function", the same for all ways to write it
};

// sql_name_parse: ERROR_USAGE with the name and the rule it breaks.
bool sql_name_parse(struct sql_name *name, const char *text, struct error *error);
