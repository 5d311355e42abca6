// SPDX-License-Identifier: Apache-2.0
// Whether schemas outbox and inbox are there, and of the version that this program needs. Nobody else
// includes this.
#pragma once

#include "check/findings.h"
#include "migrate/migrate.h"

enum installed {
    INSTALLED_NOT,
    INSTALLED_HIDDEN,   // it is there, but may not be used
    INSTALLED_UNUSABLE, // its version cannot be told
    INSTALLED,          // of whatever version
};

// installed_check looks at a schema. `optional`: one that is missing is nothing to speak of. A subject is
// opened only where there is something to say; that a right is missing is said elsewhere.
enum installed installed_check(struct findings *findings, PGconn *connection, const struct schema *schema,
                               bool optional);
