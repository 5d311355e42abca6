// SPDX-License-Identifier: Apache-2.0
#include "postgres/prepared.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// There would be more only where a text changes all the time, and the server keeps them to the session's end.
enum { STATEMENTS = 32 };

struct statement {
    char *sql;
    char name[PREPARED_NAME_SIZE];
};

struct prepared {
    struct statement statements[STATEMENTS];
    int count;
};

struct prepared *prepared_new(void) {
    return memory_allocate(1, sizeof(struct prepared));
}

void prepared_free(struct prepared *prepared) {
    for (int index = 0; prepared != NULL && index < prepared->count; index++) {
        free(prepared->statements[index].sql);
    }
    free(prepared);
}

// Made from the text (FNV-1a), so that one name never means two texts: not even where a pooler that nobody
// has noticed hands two of our connections one session of the server.
static void name(struct statement *statement) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *at = statement->sql; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    }
    snprintf(statement->name, sizeof statement->name, "relay_%016" PRIx64, hash);
}

const char *prepared_find(struct prepared *prepared, const char *sql, bool *is_new) {
    *is_new = false;
    for (int index = 0; index < prepared->count; index++) {
        if (strcmp(prepared->statements[index].sql, sql) == 0) {
            return prepared->statements[index].name;
        }
    }
    if (prepared->count == STATEMENTS) {
        return NULL;
    }
    *is_new = true;
    struct statement *statement = &prepared->statements[prepared->count++];
    statement->sql = memory_copy_text(sql);
    name(statement);
    return statement->name;
}
