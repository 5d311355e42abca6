// SPDX-License-Identifier: Apache-2.0
// Any text as a function's name: what is accepted is quoted so that it is read as the same name again.
#include "handle/sql_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    struct error error = {.code = ERROR_NONE};
    struct sql_name name;
    struct sql_name again;
    if (!sql_name_parse(&name, text, &error)) {
        if (error.code != ERROR_USAGE) {
            abort();
        }
    } else if (!sql_name_parse(&again, name.quoted, NULL) || strcmp(name.quoted, again.quoted) != 0 ||
               strcmp(name.schema, again.schema) != 0 || strcmp(name.function, again.function) != 0) {
        abort();
    }
    free(text);
    return 0;
}
