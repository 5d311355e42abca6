// SPDX-License-Identifier: Apache-2.0
// The statements that a session keeps prepared, by their text. See PostgreSQL, "Extended Query".
#pragma once

#include <stdbool.h>

struct prepared;

enum { PREPARED_NAME_SIZE = 24 };

struct prepared *prepared_new(void);
void prepared_free(struct prepared *prepared); // NULL is fine

// prepared_find returns the name of a statement and whether that is new, so that it must be prepared first.
// NULL: as many are prepared as may be, and it is sent as it is. The name lives as long as `prepared`.
const char *prepared_find(struct prepared *prepared, const char *sql, bool *is_new);
